"""Every parser that meets bytes of strangers, as a function of bytes that returns, whatever they are.

Each lets through what its callers answer (BadInput and its like) and nothing else. `make fuzz` feeds them by coverage,
test_targets.py by Hypothesis.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date

from drivers.modbus.profile import named
from drivers.modbus.registers import Decoder
from drivers.zigbee.cbke import frames as key_frames
from drivers.zigbee.cbke.certificates import BadCertificate
from drivers.zigbee.cbke.certificates import parse as certificate
from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import BadInput, Fault
from gateway.identifiers import MeterNumber
from mqtt.codec import decode as bus_message
from portal.usage.smt_file import parse as smt_file
from simulators.modbus.frames import rtu_requests, tcp_requests
from simulators.zigbee import ash, zcl
from simulators.zigbee.air import aps, mac, nwk, pcapng
from simulators.zigbee.ash_link import AshLink, ResetAsked
from simulators.zigbee.clusters import basic
from simulators.zigbee.ezsp import Codec
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.ncp.coprocessor import Coprocessor
from simulators.zigbee.ncp.memory import formed
from simulators.zigbee.octets import Malformed
from simulators.zigbee.radio import Radio

CLOCK = SystemClock()
METER = MeterNumber("900700000")
KEY = bytes(range(16))
_BASIC = basic()
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
        list(smt_file([data], {"10443720007000000"}, date(2026, 7, 1)))


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        ash_frames,
        ash_link,
        ezsp_commands,
        coprocessor,
        zcl_requests,
        air,
        captures,
        key_establishment,
        modbus_registers,
        modbus_frames,
        bus_messages,
        interval_files,
    )
}
