"""Every parser that meets bytes of strangers, as a function of bytes that returns, whatever they are.

Each lets through what its callers answer (BadInput and its like) and nothing else. `make fuzz` feeds them by coverage,
test_targets.py by Hypothesis.
"""

import io
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime

from zigpy.zcl import foundation

from drivers.modbus.profile import named
from drivers.modbus.registers import Decoder
from drivers.zigbee import key_frames as key_commands
from drivers.zigbee import metering
from drivers.zigbee.cbke import frames as key_frames
from drivers.zigbee.cbke.certificates import BadCertificate
from drivers.zigbee.cbke.certificates import parse as certificate
from drivers.zigbee.clusters.table import SMART_ENERGY
from drivers.zigbee.esi.board import Board, pinned
from drivers.zigbee.esi.questions import answer
from drivers.zigbee.esi.reports import heard
from drivers.zigbee.fragments import Assembler, Origin
from drivers.zigbee.reading import values_of
from drivers.zigbee.reported import Accord, answers, is_flat
from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import BadInput, Fault
from gateway.han.notices import Text
from gateway.identifiers import Eui64, MeterNumber
from mqtt.codec import decode as bus_message
from portal.usage.batches import smt_batches
from portal.usage.containers import parts
from portal.usage.esi_ids import KnownMeters
from portal.usage.kernel import chosen
from portal.usage.kernel.numpy_kernel import NumpyKernel
from portal.usage.load_settings import LoadSettings
from portal.usage.lse_file import parse as lse_file
from portal.usage.pieces import filled, read_from
from portal.usage.register_files import parse_daily, parse_monthly
from portal.usage.smt_file import parse as smt_file
from simulators.han import wire
from simulators.meter import meter_at
from simulators.modbus.frames import rtu_requests, tcp_requests
from simulators.street import street
from simulators.zigbee import ash, zcl
from simulators.zigbee.air import aps, mac, nwk, pcapng
from simulators.zigbee.ash_link import AshLink, ResetAsked
from simulators.zigbee.clusters import METERING, Metering, basic
from simulators.zigbee.ezsp import Codec
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.ncp.coprocessor import Coprocessor
from simulators.zigbee.ncp.memory import formed
from simulators.zigbee.octets import Malformed, Octets
from simulators.zigbee.radio import Radio
from simulators.zigbee.reporting import MOST_REPORTS, Client, ReportTable

CLOCK = SystemClock()
METER = MeterNumber("900700000")
KEY = bytes(range(16))
NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
DEVICE = Eui64("0022A30007000000")
_LIMITS = LoadSettings(most_unpacked_bytes=10_000_000)
KNOWN = KnownMeters(["10443720007000000"])
_BASIC = basic()
_METER = Metering(meter_at(street(7, 1)[0], CLOCK))
_REPORT = foundation.GENERAL_COMMANDS[foundation.GeneralCommand.Report_Attributes].schema
_PLATE = metering.nameplate(
    {
        metering.UNIT: metering.Value(type=0x30, number=0x80),
        metering.MULTIPLIER: metering.Value(type=0x22, number=1),
        metering.DIVISOR: metering.Value(type=0x22, number=1000),
        metering.DEVICE_TYPE: metering.Value(type=0x18, number=0),
        metering.UPDATE_PERIOD: metering.Value(type=0x20, number=30),
    }
)
_BOARD = pinned(Board(), Text(event=7, text="Conserve"), NOON)
_COMMANDS = [
    definition.schema
    for cluster in SMART_ENERGY.values()
    for definition in (*cluster.ServerCommandDefs, *cluster.ClientCommandDefs)
]
_CODECS = [Codec(version) for version in STACK_VERSIONS]
_DECODERS = [Decoder(named(name)) for name in ("eastron-sdm630", "gavazzi-em24", "sunspec-int", "sunspec-float")]


def ash_frames(data: bytes) -> None:
    """The co-processor's side of a serial line: whatever comes is frames, or noise that is told from them."""
    for frame in ash.Unframer().feed(data):
        if not isinstance(frame, ash.Spoiled):
            assert ash.Unframer().feed(ash.encode(frame)) == [frame]


def ash_link(data: bytes) -> None:
    """A whole link: cut anywhere, it answers, and never more than it was asked."""
    link, now = AshLink(), 0.0
    link.start(0x0B)
    for start in range(0, len(data), 7):
        for event in link.receive(data[start : start + 7], now):
            if isinstance(event, ResetAsked):
                link.start(0x0B)
            else:
                link.respond(event)
        link.outgoing(now)
        now += 0.5
        link.tick(now)


def ezsp_commands(data: bytes) -> None:
    """Commands of a host, by every version."""
    codec = _CODECS[data[0] % len(_CODECS)] if data else _CODECS[0]
    with suppress(Malformed):
        codec.decode(data[1:])


def coprocessor(data: bytes) -> None:
    """A co-processor that carries out commands, one after the other; the first byte of each is its length."""
    version = list(STACK_VERSIONS)[data[0] % len(STACK_VERSIONS)] if data else 14
    memory = formed(0x000D6FFF00070000, SeededDice(7), {})
    subject = Coprocessor(memory, Radio(CLOCK), CLOCK, version)
    subject.receive(bytes((0, 0, 0, version)))
    rest = data[1:]
    while rest:
        subject.receive(rest[1 : 1 + rest[0]])
        rest = rest[1 + rest[0] :]


def zcl_requests(data: bytes) -> None:
    """Requests to a cluster's server."""
    zcl.serve(_BASIC, data, 73)


def report_configurations(data: bytes) -> None:
    """Requests about reports to a meter's server, whose table stays within its bounds."""
    desk = Client(ReportTable(), 1, METERING, (0, 1))
    for command in (zcl.CONFIGURE_REPORTING, zcl.READ_REPORTING):
        answer = zcl.serve(_METER, bytes((0x10, 7, command)) + data, 73, reports=desk)
        assert answer is not None
    assert len(desk.table.reports) <= MOST_REPORTS


def attribute_reports(data: bytes) -> None:
    """What meters report, as the driver reads it."""
    if not is_flat(data):
        return
    try:
        report, _ = _REPORT.deserialize(data)
    except ValueError:
        return  # zigpy drops such a frame
    values = values_of(report)
    with suppress(Fault):
        accord = Accord(meter=METER, promised=frozenset(values) & frozenset(metering.REGISTERS))
        metering.register_read(answers(values, accord), _PLATE, meter=METER, read_at=NOON, path="fuzz")


def air(data: bytes) -> None:
    """Frames from the air, at each layer."""
    network = nwk.NetworkKey(key=KEY, sequence=data[0] if data else 0)
    with suppress(Malformed):
        mac.decode(data + mac.checksum(data).to_bytes(2, "little"))
    with suppress(Malformed):
        nwk.decode(data, (network,))
    with suppress(Malformed):
        aps.decode(data, [KEY], 1)


def captures(data: bytes) -> None:
    """Capture files, whole and behind a good beginning."""
    for raw in (data, pcapng.head("fuzz") + data):
        with suppress(Malformed):
            pcapng.read(raw)


def key_establishment(data: bytes) -> None:
    """Frames and certificates of key establishment, on the driver's side."""
    with suppress(key_frames.BadFrame):
        key_frames.decode(key_frames.Frame(data[0] if data else 0, data[1:]))
    with suppress(BadCertificate):
        certificate(data)
    key_commands.decode(data)


def smart_energy_commands(data: bytes) -> None:
    """Commands of every Smart Energy cluster, both ways, as the driver reads them; and what it makes of a device's."""
    kind = _COMMANDS[data[0] % len(_COMMANDS)] if data else _COMMANDS[0]
    try:
        command, _ = kind.deserialize(data[1:])
    except ValueError:
        return  # zigpy drops such a frame
    heard(command, DEVICE, NOON)
    answer(command, _BOARD, NOON)


def smart_energy_fragments(data: bytes) -> None:
    """Fragments of messages, from several senders at once, never kept without bounds."""
    assembler, now_s = Assembler(), 0.0
    while len(data) >= 4:
        origin = Origin(
            sender=data[0] % 4, sequence=data[1] % 4, profile=0x0109, cluster=0x0703, endpoints=(1, 1), encrypted=True
        )
        assembler.take(origin, int.from_bytes(data[2:4], "little"), data[4:20], now_s)
        data, now_s = data[20:], now_s + 0.5
    assert assembler.unfinished <= 64


def device_payloads(data: bytes) -> None:
    """What a simulated device reads of prices, texts and events."""
    for read in (wire.published_price, wire.load_event, wire.cancellation, wire.message):
        with suppress(Malformed):
            read(Octets(data), NOON)


def modbus_registers(data: bytes) -> None:
    """What a Modbus meter's registers may hold, by each profile that comes with metergate."""
    decoder = _DECODERS[data[0] % len(_DECODERS)] if data else _DECODERS[0]
    words = {at: int.from_bytes(data[1 + 2 * at % 64 : 3 + 2 * at % 64].ljust(2, b"\0")) for at in range(400)}
    with suppress(Fault):
        decoder.register_read(words, meter=METER, read_at=CLOCK.now(), path="fuzz")


def modbus_frames(data: bytes) -> None:
    """Requests of a Modbus host on TCP and in serial frames."""
    _, left = rtu_requests(data)
    assert len(left) <= len(data)
    with suppress(ValueError):
        tcp_requests(data)


def bus_messages(data: bytes) -> None:
    """Payloads from the broker."""
    with suppress(BadInput):
        bus_message("metergate/1/up/gw-1/reads", data)


def interval_files(data: bytes) -> None:
    """Interval files that somebody drops."""
    with suppress(BadInput):
        list(smt_file([data], KNOWN, date(2026, 7, 1)))


def containers(data: bytes) -> None:
    """What holds such files: gzip and zip; the first byte chooses how the file begins."""
    sign = (b"", b"\x1f\x8b\x08\0", b"PK\x03\x04", b"PK\x05\x06")[data[0] % 4] if data else b""
    with suppress(BadInput):
        for part in parts(lambda: nullcontext(io.BytesIO(sign + data[1:])), "x", "x", _LIMITS):
            for _ in part.pieces(lambda count: None):
                pass


def lse_files(data: bytes) -> None:
    """Settlement files; the first byte chooses between the file itself and rows below a good head."""
    head = (
        b"00000001,10443720007000000,4,20260308000000,20260308235959,Y,N\n00000002,,,,,,,900,01\n00000003\n00000004\n"
    )
    with suppress(BadInput):
        list(lse_file([head, data[1:]] if data[:1] < b"\x80" else [data[1:]], KNOWN, date(2026, 7, 1)))


def register_files(data: bytes) -> None:
    """Register reads by day and by month."""
    for parse in (parse_daily, parse_monthly):
        with suppress(BadInput):
            list(parse([data], KNOWN, date(2026, 7, 1)))


def interval_kernels(data: bytes) -> None:
    """The same files, and blocks, by both kernels."""
    for kernel in (chosen(), NumpyKernel()):
        with suppress(BadInput):
            list(smt_batches(filled(read_from(iter([data])), 4096), KNOWN, date(2026, 7, 1), kernel=kernel))
        with suppress(BadInput):
            kernel.unpack([data])
        for final in (False, True):
            assert kernel.parse_smt(data, final=final).end <= len(data)
            assert kernel.parse_lse(data, final=final).end <= len(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        ash_frames,
        ash_link,
        ezsp_commands,
        coprocessor,
        zcl_requests,
        report_configurations,
        attribute_reports,
        air,
        captures,
        key_establishment,
        smart_energy_commands,
        smart_energy_fragments,
        device_payloads,
        modbus_registers,
        modbus_frames,
        bus_messages,
        interval_files,
        containers,
        lse_files,
        register_files,
        interval_kernels,
    )
}
