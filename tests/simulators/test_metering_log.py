"""GetProfile and the registers beside the running sums, byte by byte against the meter's own log."""

from datetime import UTC, datetime, timedelta

from gateway.clock import central_midnight
from gateway.identifiers import Eui64, MeterNumber
from simulators.load_shape import Home, HouseholdLoad
from simulators.meter import MeterModel, SimMeter
from simulators.zigbee import zcl
from simulators.zigbee.clusters import Metering
from tests.simulators.conftest import NOON, HandClock

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def metering(clock: HandClock, model: MeterModel | None = None) -> tuple[Metering, SimMeter]:
    sim = SimMeter(
        number=MeterNumber("900700011"),
        eui64=Eui64("000D6F000700000B"),
        model=model or MeterModel(),
        load=HouseholdLoad("k", Home(solar=True)),
        clock=clock,
    )
    return Metering(sim), sim


def profile(cluster: Metering, channel: int, end: int, count: int) -> tuple[int, int, int, list[int]]:
    """End, status, period and intervals of an answer that came through the cluster library's frame."""
    request = zcl.request(7, 0x00, bytes((channel,)) + end.to_bytes(4, "little") + bytes((count,)))
    answer = zcl.serve(cluster, request, 73, client=False, encrypted=True)
    assert answer is not None
    header, octets = zcl.parse(answer)
    assert (header.command, header.tsn, header.from_server) == (0x00, 7, True)
    end, status, period = octets.unsigned(4), octets.unsigned(1), octets.unsigned(1)
    return end, status, period, [octets.unsigned(3) for _ in range(octets.unsigned(1))]


def seconds(at: datetime) -> int:
    return int((at - EPOCH).total_seconds())


def test_the_newest_intervals_come_newest_first(clock: HandClock) -> None:
    cluster, sim = metering(clock)
    end, status, period, counts = profile(cluster, 0, 0, 4)
    assert (end, status, period) == (seconds(NOON), 0, 3)
    quarter = timedelta(minutes=15)
    assert counts == [sim.interval_wh(NOON - quarter * n)[0] for n in range(1, 5)]


def test_intervals_into_the_grid_and_before_an_instant(clock: HandClock) -> None:
    cluster, sim = metering(clock)
    _, _, _, counts = profile(cluster, 1, seconds(NOON - timedelta(hours=1)), 1)
    assert counts == [sim.interval_wh(NOON - timedelta(minutes=75))[1]]


def test_one_answer_holds_21_and_says_that_there_are_more(clock: HandClock) -> None:
    cluster, _ = metering(clock)
    _, status, _, counts = profile(cluster, 0, 0, 96)
    assert (status, len(counts)) == (4, 21)


def test_what_cannot_be_given_is_refused_by_its_status(clock: HandClock) -> None:
    cluster, _ = metering(clock)
    assert profile(cluster, 2, 0, 1)[1] == 1
    assert profile(cluster, 0, seconds(NOON + timedelta(hours=1)), 1)[1] == 3
    assert profile(cluster, 0, seconds(NOON - timedelta(days=400)), 1)[1] == 5
    without, _ = metering(clock, MeterModel(has_received=False))
    assert profile(without, 1, 0, 1)[1] == 2


def test_a_request_that_ends_too_early_is_malformed(clock: HandClock) -> None:
    cluster, _ = metering(clock)
    answer = zcl.serve(cluster, zcl.request(7, 0x00, b"\x00"), 73, client=False, encrypted=True)
    assert answer is not None
    header, octets = zcl.parse(answer)
    assert (header.command, octets.rest()) == (zcl.DEFAULT_RESPONSE, bytes((0x00, zcl.MALFORMED)))


def test_fast_polling_is_granted_for_a_quarter_of_an_hour_at_most(clock: HandClock) -> None:
    cluster, sim = metering(clock)
    answer = zcl.serve(cluster, zcl.request(7, 0x03, bytes((1, 60))), 73, client=False, encrypted=True)
    assert answer is not None
    _, octets = zcl.parse(answer)
    assert octets.unsigned(1) == sim.model.update_period_s
    assert octets.unsigned(4) == seconds(NOON + timedelta(minutes=15))


def test_frozen_registers_tiers_and_the_peak_are_attributes(clock: HandClock) -> None:
    cluster, sim = metering(clock)
    midnight = central_midnight(NOON.date())
    assert cluster.attribute(0x0004) == zcl.Value(zcl.UINT48, sim.load.delivered_wh(midnight))
    assert cluster.attribute(0x001F) == zcl.Value(zcl.UINT48, sim.load.received_wh(midnight))
    assert cluster.attribute(0x0005) == zcl.Value(zcl.UINT16, 0)
    assert cluster.attribute(0x000F) == zcl.Value(zcl.ENUM8, 3)
    assert cluster.attribute(0x0500) == zcl.Value(zcl.UINT8, 21)
    for tier, attribute in ((1, 0x0100), (2, 0x0102)):
        assert cluster.attribute(attribute) == zcl.Value(zcl.UINT48, sim.log.tier_wh(NOON, tier))
    peak = sim.log.peak_demand(NOON)
    assert cluster.attribute(0x0002) == zcl.Value(zcl.UINT48, peak.demand_w)
    assert cluster.attribute(0x0008) == zcl.Value(zcl.UTC, seconds(peak.at))
