"""The rules of estimation and of what is expected: straight lines, shares, registers, checks, places, words."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import central_midnight, intervals_in
from gateway.identifiers import MeterNumber
from portal.usage.collected import source
from portal.usage.intervals import Channel
from portal.vee import checks
from portal.vee.checks import Check
from portal.vee.estimate import Receipt, Rule, Task, estimate
from portal.vee.expected import QUARTER, Installation, expected, metered
from portal.vee.facts import COLLECTED
from portal.vee.ledger import State, account, standing
from portal.vee.like_day import Reference, look_up
from portal.vee.linear import straight
from portal.vee.places import places_of, runs_of
from portal.vee.receipt_words import receipt_words
from portal.vee.registers import DailyWord, DayEnergy, Origin, day_energy
from portal.vee.scaling import shared
from portal.vee.settings import VeeSettings
from tests.portal.usage.files import FALL, SPRING
from tests.portal.vee.street import DAY, MONDAY, shape, without

POLICY = VeeSettings()
NAME = MeterNumber("M1")
DAYS = st.sampled_from([SPRING, FALL, MONDAY])


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 96))
def test_a_straight_line_stays_between_its_neighbours_and_is_exact_to_half_a_watt_hour(
    before: int, after: int, count: int
) -> None:
    found = straight(before, after, count)
    assert list(found) == sorted(found, reverse=after < before)
    for step, wh in enumerate(found, 1):
        exact = before + Fraction((after - before) * step, count + 1)
        assert Fraction(-1, 2) < wh - exact <= Fraction(1, 2)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=100))
def test_shares_make_the_total_and_none_is_further_than_one_from_its_exact_part(total: int, weights: list[int]) -> None:
    found = shared(total, weights)
    assert sum(found) == total
    exact = weights if sum(weights) else [1] * len(weights)
    for share, weight in zip(found, exact, strict=True):
        assert abs(share - Fraction(total * weight, sum(exact))) < 1
        assert share >= 0


@given(st.sets(st.integers(0, 99)))
def test_runs_are_the_places_that_they_mean(places: set[int]) -> None:
    rising = tuple(sorted(places))
    runs = runs_of(rising)
    assert places_of(runs) == rising
    assert all(after[0] > before[1] + 1 for before, after in pairwise(runs))


@given(
    DAYS,
    st.data(),
    st.integers(0, 10**6) | st.none(),
    st.builds(
        VeeSettings,
        linear_most=st.integers(0, 12),
        flat_one_sided=st.booleans(),
        spread_register=st.booleans(),
        scale_to_register=st.booleans(),
    ),
)
def test_an_estimate_keeps_what_is_known_and_makes_the_register_difference(
    day: date, data: st.DataObject, register_wh: int | None, policy: VeeSettings
) -> None:
    count = intervals_in(day)
    gone = data.draw(st.sets(st.integers(0, count - 1)))
    flags = data.draw(st.sets(st.integers(0, count - 1)))
    there = data.draw(st.sets(st.sampled_from(look_up(day, policy))))
    values = without(shape(day), *gone)
    history = {each: Reference(values=shape(each), usable=[True] * intervals_in(each)) for each in there}
    energy = None if register_wh is None else DayEnergy(wh=register_wh, origin=Origin.DAILY_READ)
    fill = tuple(sorted(gone))
    solid = [place not in flags for place in range(count)]
    found = estimate(Task(day=day, values=values, solid=solid, fill=fill, history=history, energy=energy), policy)
    known = [(place, wh) for place, wh in enumerate(values) if wh is not None]
    assert [(place, found.values[place]) for place, _ in known] == known
    assert all(wh is None or wh >= 0 for wh in found.values)
    proved = sorted(place for receipt in found.receipts for place in receipt.places)
    assert proved == list(found.places) == [place for place in fill if found.values[place] is not None]
    rest = None if register_wh is None else register_wh - sum(wh for _, wh in known)
    if rest is not None and rest >= 0 and found.places and policy.scale_to_register and None not in found.values:
        assert sum(filter(None, found.values)) == register_wh
    if there and SPRING not in there and day != FALL:
        assert None not in found.values


def test_what_no_rule_can_fill_stays_missing() -> None:
    nothing: tuple[None, ...] = (None,) * 96
    task = Task(day=MONDAY, values=nothing, solid=[False] * 96, fill=tuple(range(96)))
    assert estimate(task, POLICY).values == nothing


def test_without_like_days_what_the_registers_leave_is_spread_evenly() -> None:
    energy = DayEnergy(wh=1000, origin=Origin.REGISTERS)
    task = Task(day=MONDAY, values=(None,) * 96, solid=[False] * 96, fill=tuple(range(96)), energy=energy)
    found = estimate(task, POLICY)
    assert (sum(filter(None, found.values)), found.receipts[0].rule) == (1000, Rule.REGISTER)
    assert set(found.values) == {10, 11}


def test_registers_below_what_is_known_scale_nothing_and_the_receipt_says_so() -> None:
    values = without([100] * 96, 5)
    energy = DayEnergy(wh=50, origin=Origin.DAILY_READ)
    solid = [value is not None for value in values]
    found = estimate(Task(day=MONDAY, values=values, solid=solid, fill=(5,), energy=energy), POLICY)
    assert found.values == (100,) * 96
    words = receipt_words(found.receipts[0], 5, 12)
    assert words == (
        "estimated: a straight line over 1 quarter hour between 0.1 kWh and 0.1 kWh; not scaled to the usage of "
        "0.05 kWh in the daily read, for what is known is more than the registers counted; "
        "replaced missing in version 12"
    )


def test_a_receipt_in_words_names_days_scale_registers_and_what_was_replaced() -> None:
    part = {
        "meter": "M1",
        "from_at": "2026-05-11T05:00:00+00:00",
        "to_at": "2026-05-12T05:00:00+00:00",
        "from_wh": 1_000_000,
        "to_wh": 1_021_400,
    }
    scale = {"register_wh": 21_400, "origin": "registers", "parts": [part], "numerator": 206, "denominator": 200}
    inputs: dict[str, Any] = {"days": ["2026-05-04", "2026-04-27"], "scale": scale, "replaced_wh": []}
    receipt = Receipt(rule=Rule.LIKE_DAY, places=tuple(range(96)), inputs=inputs)
    assert receipt_words(receipt, 7, 12) == (
        "estimated: average of 2026-05-04, 2026-04-27; scaled by 1.030 to the register difference of 21.4 kWh between "
        "1000 kWh at 2026-05-11 00:00 and 1021.4 kWh at 2026-05-12 00:00 of meter M1; replaced missing in version 12"
    )


def meter(
    installed: datetime, removed: datetime | None = None, name: MeterNumber = NAME, *, generates: bool = False
) -> Installation:
    return Installation(
        meter=name,
        installed_at=installed,
        provisioned_at=installed,
        removed_at=removed,
        gateway=None,
        generates=generates,
    )


@given(DAYS, st.data())
def test_what_is_expected_are_the_quarter_hours_in_which_a_meter_hung_all_the_time(
    day: date, data: st.DataObject
) -> None:
    begin = central_midnight(day)
    minutes = st.integers(-120, 27 * 60)
    at = sorted(data.draw(st.lists(minutes, min_size=1, max_size=6)))
    instants: list[datetime | None] = [begin + timedelta(minutes=each) for each in at]
    spans = list(zip(instants[::2], [*instants[1::2], None][: len(instants[::2])], strict=True))
    there = [meter(first, until) for first, until in spans if first is not None]
    found = expected(there, Channel.CONSUMPTION, day)
    hung = [
        [
            any(each.installed_at <= at and (each.removed_at is None or at < each.removed_at) for each in there)
            for at in (begin + place * QUARTER + timedelta(minutes=minute) for minute in range(15))
        ]
        for place in range(intervals_in(day))
    ]
    assert found == tuple(place for place, minutes_of_it in enumerate(hung) if all(minutes_of_it))
    assert metered(there, day) == tuple(place for place, minutes_of_it in enumerate(hung) if any(minutes_of_it))


def test_a_premise_owes_from_provisioning_and_after_an_exchange_from_installation() -> None:
    swap = central_midnight(MONDAY) + timedelta(hours=6)
    first = Installation(
        meter=NAME,
        installed_at=swap - 30 * DAY,
        provisioned_at=swap - timedelta(hours=3),
        removed_at=swap,
        gateway=None,
        generates=False,
    )
    second = Installation(
        meter=MeterNumber("M2"),
        installed_at=swap,
        provisioned_at=swap + 9 * DAY,
        removed_at=None,
        gateway=None,
        generates=False,
    )
    assert expected([first, second], Channel.CONSUMPTION, MONDAY) == tuple(range(12, 96))
    assert expected([first], Channel.CONSUMPTION, MONDAY) == tuple(range(12, 24))
    unseen = Installation(
        meter=NAME, installed_at=swap, provisioned_at=None, removed_at=None, gateway=None, generates=False
    )
    assert expected([unseen], Channel.CONSUMPTION, MONDAY + DAY) == ()
    assert expected([first, second], Channel.GENERATION, MONDAY) == ()


@given(DAYS, st.booleans(), st.data(), st.integers(-30, 24 * 60))
def test_the_ledger_has_every_expected_quarter_hour_exactly_once(
    day: date, gateway: bool, data: st.DataObject, hours: int
) -> None:
    count = intervals_in(day)
    owed = tuple(sorted(data.draw(st.sets(st.integers(0, count - 1)))))
    denied = data.draw(st.sets(st.integers(0, count - 1)))
    now = central_midnight(day) + timedelta(hours=hours)
    found = account(day, owed, None, now, POLICY, gateway=gateway, denied=denied)
    assert sorted(place for entry in found.values() for place in entry.places) == list(owed)
    for entry in found.values():
        assert entry.standing.since <= now or entry.standing.state is State.AWAITED
        assert (entry.standing.deadline or now + DAY) > now


@given(st.booleans(), st.booleans(), st.lists(st.integers(0, 50 * 24), min_size=2, max_size=2))
def test_a_missing_quarter_hour_only_ever_moves_towards_impossible(
    gateway: bool, denied: bool, hours: list[int]
) -> None:
    order = [State.AWAITED, State.BACK_FILLED, State.LATE, State.IMPOSSIBLE]
    begin = central_midnight(MONDAY)
    states = [
        standing(MONDAY, begin + timedelta(hours=each), POLICY, gateway=gateway, denied=denied).state
        for each in sorted(hours)
    ]
    assert order.index(states[0]) <= order.index(states[1])


def test_a_day_of_registers_is_told_by_the_tdsp_first_and_by_both_meters_of_an_exchange() -> None:
    begin, end = central_midnight(MONDAY), central_midnight(MONDAY + DAY)
    swap = begin + timedelta(hours=7)
    old, new = meter(begin - DAY, swap), meter(swap, None, MeterNumber("M2"))
    points = {(NAME, begin): 100, (NAME, swap): 160, (new.meter, swap): 5, (new.meter, end): 25}
    found = day_energy(MONDAY, [old, new], points)
    assert found is not None
    assert (found.wh, found.origin, len(found.parts)) == (80, Origin.REGISTERS, 2)
    told = DailyWord(start_wh=100, end_wh=25, usage_wh=81)
    assert day_energy(MONDAY, [old, new], points, told) == DayEnergy(wh=81, origin=Origin.DAILY_READ)
    # The registers of a day's ends are those of two meters then: their difference says nothing.
    assert day_energy(MONDAY, [old, new], {}, DailyWord(start_wh=100, end_wh=125, usage_wh=None)) is None
    back = {**points, (NAME, swap): 99}
    assert day_energy(MONDAY, [old, new], back) is None
    assert day_energy(MONDAY, [meter(begin - DAY)], {(NAME, begin): 1, (NAME, end): 9}) is not None


@pytest.mark.parametrize(
    ("values", "check"),
    [
        ([100] * 95 + [9001], Check.SPIKE),
        ([100] * 94 + [9001, 9002], Check.SPIKE),
        ([5001] * 93 + [9001, 9002, 9003], None),
        ([100] * 95 + [4999], None),
        ([100] * 95 + [-1], Check.NEGATIVE),
    ],
)
def test_a_spike_stands_above_the_third_highest_and_a_negative_value_below_zero(
    values: list[int], check: Check | None
) -> None:
    found = checks.negative_check(values) or checks.spike_check(values, POLICY)
    assert (found and found.check) == check
    if found is not None:
        assert all(values[place] > 9000 or values[place] < 0 for place in found.places)


def test_the_checks_of_a_whole_day() -> None:
    assert checks.frozen_check(7, 7, 96, POLICY) is not None
    assert checks.frozen_check(0, 0, 96, POLICY) is None
    assert checks.frozen_check(7, 7, 47, POLICY) is None
    assert checks.frozen_check(7, 8, 96, POLICY) is None
    high, low = checks.usual_check(90_000, [20_000, 20_100], POLICY), checks.usual_check(1, [20_000, 20_100], POLICY)
    assert (high and high.check, low and low.check) == (Check.HIGH, Check.LOW)
    assert checks.usual_check(90_000, [20_000], POLICY) is None
    energy = DayEnergy(wh=1000, origin=Origin.DAILY_READ)
    assert [checks.sum_check(total, energy, 5) is None for total in (994, 995, 1005, 1006)] == [
        False,
        True,
        True,
        False,
    ]
    assert checks.count_check(SPRING, 96) is not None
    assert checks.count_check(SPRING, 92) is None
    late = checks.time_check(MONDAY, [1] * 96, tuple(range(1, 96)), central_midnight(MONDAY) + 90 * QUARTER)
    assert late is not None
    assert late.places == (0, *range(90, 96))


def test_what_gateways_collected_is_known_by_the_name_of_its_source() -> None:
    said = source([], [], datetime(2026, 5, 12, tzinfo=UTC)).name
    assert said.startswith(COLLECTED)
