"""A meter's registers, the form in which it shows them, and its faults."""

from datetime import timedelta

import pytest

from gateway.identifiers import Eui64, MeterNumber
from simulators.faults import Fault, FaultKind
from simulators.load_shape import Home, HouseholdLoad
from simulators.meter import KWH_IN_BCD, MOST_EVENTS, TAMPER, EventKind, MeterModel, SimMeter
from simulators.zigbee import zcl
from simulators.zigbee.clusters import Metering
from simulators.zigbee.octets import Octets

from .conftest import NOON, HandClock

READ_ALL = bytes.fromhex("00 01 00 0000 0100 0700 0a00 0002 0003 0103 0203 0004")


def meter(clock: HandClock, model: MeterModel | None = None, home: Home | None = None) -> SimMeter:
    return SimMeter(
        number=MeterNumber("900700011"),
        eui64=Eui64("000D6F000700000B"),
        model=model or MeterModel(),
        load=HouseholdLoad("k", home or Home()),
        clock=clock,
    )


def records(sim: SimMeter) -> dict[int, int | None]:
    """What a read of everything says, by attribute; None is unsupported."""
    answer = zcl.serve(Metering(sim), READ_ALL, 200)
    assert answer is not None
    octets, found = Octets(answer[3:]), {}
    while octets.left:
        attribute, status = octets.unsigned(2), octets.unsigned(1)
        found[attribute] = None if status else octets.unsigned(zcl.WIDTHS[octets.unsigned(1)])
    return found


def test_registers_are_the_load_at_the_last_renewal() -> None:
    clock = HandClock()
    sim = meter(clock, MeterModel(update_period_s=5))
    clock.forward(7.9)
    latched = NOON + timedelta(seconds=5)
    registers = sim.registers()
    assert registers.latched_at == latched
    assert registers.delivered_wh == sim.load.delivered_wh(latched)
    assert registers.demand_w == sim.load.demand_w(latched)


def test_registers_grow_by_the_intervals() -> None:
    clock = HandClock()
    sim, before, total = meter(clock), 0, 0
    before = sim.registers().delivered_wh
    for _ in range(8):
        total += sim.interval_wh(clock.now())[0]
        clock.forward(900)
    assert sim.registers().delivered_wh - before == total > 0


@pytest.mark.parametrize(
    ("model", "wh", "shown"),
    [
        (MeterModel(), 12_345_678, 12_345_678),
        (MeterModel(divisor=100), 12_345_678, 1_234_567),
        (MeterModel(multiplier=10, divisor=10_000), 12_345_678, 12_345_678),
        (MeterModel(multiplier=None, divisor=None), 12_345_678, 12_345),
        (MeterModel(unit=KWH_IN_BCD), 12_345_678, 0x12345678),
        (MeterModel(divisor=100), -1_999, -199),
    ],
)
def test_a_model_shows_watt_hours_in_its_own_counts(model: MeterModel, wh: int, shown: int) -> None:
    assert model.shown(wh) == shown


def test_a_meter_without_an_attribute_does_not_support_it() -> None:
    model = MeterModel(multiplier=None, divisor=None, has_snapshot_time=False, has_received=False, tells_period=False)
    found = records(meter(HandClock(), model))
    missing = [attribute for attribute, value in found.items() if value is None]
    assert missing == [0x0001, 0x0007, 0x000A, 0x0301, 0x0302]


def test_the_snapshot_time_counts_seconds_from_2000() -> None:
    assert records(meter(HandClock()))[0x0007] == 836_845_200


def test_a_solar_home_has_a_demand_below_zero_at_noon() -> None:
    clock = HandClock()
    clock.forward(3600)
    found = records(meter(clock, home=Home(solar=True)))
    assert found[0x0400] is not None
    assert found[0x0400] > 0x800000


def test_every_read_of_the_register_is_counted_and_nothing_else() -> None:
    sim = meter(HandClock())
    records(sim)
    zcl.serve(Metering(sim), bytes.fromhex("00 01 00 0003"), 82)
    assert sim.reads == 1


def test_an_invalid_meter_shows_the_values_that_mean_so() -> None:
    sim = meter(HandClock())
    sim.fault = Fault(kind=FaultKind.INVALID)
    found = records(sim)
    assert (found[0x0000], found[0x0001], found[0x0400]) == (0xFFFFFFFFFFFF, 0xFFFFFFFFFFFF, 0x800000)


def test_a_meter_may_tell_a_divisor_of_zero() -> None:
    sim = meter(HandClock())
    sim.fault = Fault(kind=FaultKind.ZERO_DIVISOR)
    assert records(sim)[0x0302] == 0


def test_a_meter_may_have_a_multiplier_alone() -> None:
    sim = meter(HandClock(), MeterModel(multiplier=None, divisor=None))
    sim.fault = Fault(kind=FaultKind.MULTIPLIER_ONLY)
    found = records(sim)
    assert (found[0x0301], found[0x0302]) == (1, None)


def test_a_meter_may_answer_with_noise() -> None:
    sim = meter(HandClock())
    sim.fault = Fault(kind=FaultKind.GARBAGE)
    first, second = (zcl.serve(Metering(sim), READ_ALL, 82) for _ in range(2))
    assert first is not None
    assert first[:3] == b"\x18\x01\x01"
    assert first != second


def test_a_frozen_meter_repeats_registers_and_snapshot_time_until_it_is_mended() -> None:
    clock = HandClock()
    sim = meter(clock)
    sim.fault = Fault(kind=FaultKind.FROZEN)
    frozen = records(sim)
    clock.forward(3600)
    assert records(sim) == frozen
    sim.fault = Fault(kind=FaultKind.FROZEN)
    assert records(sim) == frozen
    sim.fault = None
    mended = records(sim)
    assert mended[0x0007] == 836_845_200 + 3600
    assert mended[0x0000] != frozen[0x0000]


def test_an_empty_house_repeats_its_register_under_a_new_snapshot_time() -> None:
    clock = HandClock()
    sim = meter(clock, home=Home(vacant=True))
    before = records(sim)
    clock.forward(3600)
    after = records(sim)
    assert before[0x0000] == after[0x0000]
    assert before[0x0007] != after[0x0007]


def test_a_clock_drifts_until_it_is_set(clock: HandClock) -> None:
    sim = meter(clock)
    sim.drift_ppm = 100
    clock.forward(10_000)
    assert sim.now() == clock.now() + timedelta(seconds=1)
    assert sim.registers().latched_at > clock.now()
    sim.set_clock(clock.now())
    assert sim.now() == clock.now()
    assert [event.kind for event in sim.events] == [EventKind.CLOCK_SET]


def test_an_open_case_is_told_and_remembered(clock: HandClock) -> None:
    sim = meter(clock)
    sim.tamper(open_=True)
    assert sim.status == TAMPER
    sim.tamper(open_=False)
    sim.reboot()
    assert sim.status == 0
    kinds = [EventKind.TAMPERED, EventKind.TAMPER_ENDED, EventKind.POWER_LOST, EventKind.POWER_BACK]
    assert [event.kind for event in sim.events] == kinds
    for _ in range(MOST_EVENTS):
        sim.reboot()
    assert len(sim.events) == MOST_EVENTS
