"""A thermostat's house: it keeps its set point, and what load control asks saves energy at a price in comfort."""

from dataclasses import replace
from datetime import UTC, datetime

from simulators.han.thermostat import Thermostat
from simulators.han.wire import LoadEvent

EVENT = LoadEvent(
    event=1, classes=1, group=0, starts_at=datetime(2026, 7, 8, 17, tzinfo=UTC), minutes=120, criticality=2,
    cooling_offset=20, heating_offset=None, cooling_point=None, heating_point=None, average_load=None, duty_cycle=None,
    random_start=False, random_end=False,
)  # fmt: skip


def ran_s(house: Thermostat, hours: int) -> int:
    """Seconds that the compressor ran in some hours, looked at each minute."""
    running = 0
    for _ in range(60 * hours):
        house.pass_time(60)
        running += 60 * house.running
    return running


def test_a_house_is_kept_around_its_set_point() -> None:
    house = Thermostat()
    ran_s(house, 24)
    assert abs(house.inside - house.cooling_point) <= 100


def test_an_offset_raises_the_target_and_lets_the_compressor_rest() -> None:
    usual, asked = Thermostat(), Thermostat(following=EVENT)
    assert asked.target == 2600
    assert ran_s(asked, 2) < ran_s(usual, 2)


def test_a_set_point_of_an_event_wins_but_never_cools_more_than_the_customer_wants() -> None:
    assert Thermostat(following=replace(EVENT, cooling_point=2700)).target == 2700
    assert Thermostat(following=replace(EVENT, cooling_point=2000)).target == 2400


def test_a_duty_cycle_of_nothing_lets_the_house_warm() -> None:
    house = Thermostat(following=replace(EVENT, cooling_offset=None, duty_cycle=0))
    ran_s(house, 3)
    assert house.inside > 2600
