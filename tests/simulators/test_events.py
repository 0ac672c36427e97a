"""A meter's log of events over the cluster, byte by byte, and what a living meter tells unasked."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import zigpy.types as t
import zigpy.zdo.types as zdo_t

from gateway.identifiers import Eui64, MeterNumber
from simulators.load_shape import Home, HouseholdLoad
from simulators.meter import EventKind, MeterModel, SimMeter
from simulators.world import StreetPlan
from simulators.zigbee import zcl
from simulators.zigbee.events import EVENTS, MOST_IN_FRAME, Events
from tests.simulators.conftest import NOON, HandClock, SmartEnergyHost, Standing, address

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
TAMPER, GENERAL = 1, 3


def server(clock: HandClock) -> tuple[Events, SimMeter]:
    load = HouseholdLoad("k", Home(solar=True))
    number, eui64 = MeterNumber("900700011"), Eui64("000D6F000700000B")
    sim = SimMeter(number=number, eui64=eui64, model=MeterModel(), load=load, clock=clock)
    return Events(sim), sim


def ask(cluster: Events, body: bytes, command: int = 0) -> tuple[int, bytes]:
    """The command and the body of an answer that came through the cluster library's frame."""
    answer = zcl.serve(cluster, zcl.request(7, command, body), 73, encrypted=True)
    assert answer is not None
    assert len(answer) <= 73, "one encrypted frame holds it"
    header, octets = zcl.parse(answer)
    assert (header.tsn, header.from_server) == (7, True)
    return header.command, octets.rest()


def log(
    cluster: Events, which: int = 0, kind: int = 0, start: int = 0, end: int = 0, count: int = 0, offset: int = 0
) -> tuple[int, list[tuple[int, int, int]]]:
    """How many events there are in all, and those of this answer: log, kind, seconds since 2000."""
    little = [(which, 1), (kind, 2), (start, 4), (end, 4), (count, 1), (offset, 2)]
    command, body = ask(cluster, b"".join(value.to_bytes(size, "little") for value, size in little))
    assert command == 0x01
    total, (index, of, control), rest = int.from_bytes(body[:2], "little"), body[2:5], body[5:]
    assert (index, of, control & 0x0F, len(rest)) == (0, 1, 0, 8 * (control >> 4))
    events = [rest[at : at + 8] for at in range(0, len(rest), 8)]
    assert all(each[7] == 0 for each in events), "no event has data"
    return total, [
        (each[0], int.from_bytes(each[1:3], "little"), int.from_bytes(each[3:7], "little")) for each in events
    ]


def test_the_log_is_given_newest_first_under_the_meter_s_own_time(clock: HandClock) -> None:
    cluster, sim = server(clock)
    noon = int((NOON - EPOCH).total_seconds())
    assert log(cluster) == (0, [])
    sim.tamper(open_=True)
    clock.forward(60)
    sim.tamper(open_=False)
    assert log(cluster) == (2, [(TAMPER, EventKind.TAMPER_ENDED, noon + 60), (TAMPER, EventKind.TAMPERED, noon)])


def test_a_long_log_is_read_in_pages(clock: HandClock) -> None:
    cluster, sim = server(clock)
    for _ in range(10):
        sim.reboot()
        clock.forward(1)
    seen: list[tuple[int, int, int]] = []
    while True:
        total, page = log(cluster, count=255, offset=len(seen))
        assert total == 20
        if not page:
            break
        assert len(page) <= MOST_IN_FRAME
        seen += page
    assert len(seen) == 20
    assert seen == sorted(seen, key=lambda each: (-each[2], -each[1]))
    assert len(log(cluster, count=3)[1]) == 3


def test_one_log_one_kind_and_a_span_of_time_can_be_asked_for(clock: HandClock) -> None:
    cluster, sim = server(clock)
    noon = int((NOON - EPOCH).total_seconds())
    sim.tamper(open_=True)
    clock.forward(60)
    sim.reboot()
    assert [kind for _, kind, _ in log(cluster, which=TAMPER)[1]] == [EventKind.TAMPERED]
    assert {where for where, _, _ in log(cluster, which=GENERAL)[1]} == {GENERAL}
    assert log(cluster, kind=EventKind.POWER_LOST)[0] == 1
    assert log(cluster, start=noon + 60)[0] == 2
    assert log(cluster, end=noon + 59)[0] == 1
    assert log(cluster, end=0xFFFFFFFF)[0] == 3


def test_nobody_clears_the_log(clock: HandClock) -> None:
    cluster, sim = server(clock)
    sim.reboot()
    assert ask(cluster, bytes((0,)), command=1) == (0x02, b"\x00")
    assert len(sim.events) == 2


def test_what_ends_too_early_or_means_nothing_is_refused(clock: HandClock) -> None:
    cluster, _ = server(clock)
    assert ask(cluster, b"\x00\x00") == (zcl.DEFAULT_RESPONSE, bytes((0x00, zcl.MALFORMED)))
    assert ask(cluster, b"", command=9) == (zcl.DEFAULT_RESPONSE, bytes((0x09, zcl.UNSUPPORTED_CLUSTER_COMMAND)))


class EventsHost(SmartEnergyHost):
    """The stock application with a client of Events."""

    async def register_endpoints(self) -> None:
        await self.add_endpoint(
            zdo_t.SimpleDescriptor(
                endpoint=1,
                profile=0x0109,
                device_type=0x0500,
                device_version=0,
                input_clusters=[0x0000],
                output_clusters=[0x0702, EVENTS],
            )
        )


async def test_a_meter_that_lives_tells_of_an_open_case_and_one_that_does_not_keeps_it(
    stand: Standing, connect: Callable[..., Awaitable[EventsHost]]
) -> None:
    street, port = await stand(StreetPlan(meters=2))
    host = await connect(port, kind=EventsHost)
    sleeping, living = street.meters.values()
    device = street.homes.woken(int(living.eui64, 16))
    for meter in (sleeping, living):
        node = street.radio.named(int(meter.eui64, 16))
        assert node is not None
        await host.meet(node)
    for meter in (sleeping, living):
        meter.tamper(open_=True)
        meter.reboot()
    told: list[t.ZigbeePacket] = []
    async with asyncio.timeout(5):
        while len(told) < 2:
            packet = await host.packets.get()
            if packet.cluster_id == EVENTS:
                told.append(packet)
    assert {each.src for each in told} == {address(t.AddrMode.NWK, device.node.nwk)}
    assert all(t.TransmitOptions.APS_Encryption in each.tx_options for each in told)
    noon = int((NOON - EPOCH).total_seconds()).to_bytes(4, "little")
    bodies = sorted(each.data.serialize()[2:] for each in told)
    case, power = bytes((0, TAMPER, 4, 0)) + noon + bytes(2), bytes((0, GENERAL, 2, 0)) + noon + bytes(2)
    assert bodies == sorted([case, power])
    assert len(sleeping.events) == len(living.events) == 3
