"""Prices that follow tariff and head end, numbers that never repeat, and what no meter can publish."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.han.wire import LoadEvent, PublishedPrice
from simulators.meter_log import OFF_PEAK, PEAK, tier_at
from simulators.zigbee.services_interface.programme import MOST_KEPT, BadProgramme, Programme, Tariff

MONDAY_NOON = datetime(2026, 7, 6, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENT = LoadEvent(
    event=0, classes=1, group=0, starts_at=MONDAY_NOON, minutes=60, criticality=2, cooling_offset=20,
    heating_offset=None, cooling_point=None, heating_point=None, average_load=None, duty_cycle=None,
    random_start=False, random_end=False,
)  # fmt: skip


def given_price(
    programme: Programme, now: datetime, price: int = 1, minutes: int | None = None, after: timedelta = timedelta()
) -> PublishedPrice:
    return programme.give_price(now, price=price, label="", starts_at=now + after, minutes=minutes, wants_ack=False)


@given(st.timedeltas(timedelta(0), timedelta(days=365)))
def test_the_tariff_s_price_holds_as_long_as_its_tier_and_no_longer(since: timedelta) -> None:
    now = MONDAY_NOON + since
    price = Tariff().at(now, 1)
    assert price.ends_at is not None
    assert price.starts_at <= now < price.ends_at
    assert (price.tier, price.price) in ((PEAK, 2150), (OFF_PEAK, 980))
    seconds = timedelta(seconds=1)
    assert tier_at(price.starts_at) == tier_at(price.ends_at - seconds) == price.tier
    assert price.tier not in (tier_at(price.starts_at - seconds), tier_at(price.ends_at))


def test_a_head_end_s_price_holds_before_the_tariff_s_until_it_ends() -> None:
    programme = Programme(1, Tariff())
    ours = given_price(programme, MONDAY_NOON, minutes=120)
    assert programme.price_at(MONDAY_NOON) == ours
    assert programme.price_at(MONDAY_NOON + 90 * timedelta(minutes=1)) == ours
    after = programme.price_at(MONDAY_NOON + 2 * HOUR)
    assert after is not None
    assert (after.label, programme.is_given(after), programme.is_given(ours)) == ("PEAK", False, True)


def test_the_newer_of_two_prices_of_the_head_end_holds() -> None:
    programme = Programme(1)
    given_price(programme, MONDAY_NOON, price=1)
    newer = given_price(programme, MONDAY_NOON, price=2)
    assert programme.price_at(MONDAY_NOON) == newer


def test_the_prices_to_come_stand_in_the_order_in_which_they_hold() -> None:
    programme = Programme(1, Tariff())
    later = given_price(programme, MONDAY_NOON, price=5, minutes=30, after=timedelta(minutes=90))
    labels = [(each.label, each.price) for each in programme.prices_from(MONDAY_NOON, 4)]
    assert labels == [("OFF PEAK", 980), ("PEAK", 2150), (later.label, 5), ("OFF PEAK", 980)]
    assert len(programme.prices_from(MONDAY_NOON, 1)) == 1
    assert Programme(1).prices_from(MONDAY_NOON, None) == []


def test_without_a_tariff_there_is_no_price_and_no_change() -> None:
    programme = Programme(1)
    assert programme.price_at(MONDAY_NOON) is None
    assert programme.next_change(MONDAY_NOON) is None


def test_numbers_grow_even_within_a_second() -> None:
    programme = Programme(1)
    numbers = [given_price(programme, MONDAY_NOON).event for _ in range(50)]
    assert numbers == sorted(set(numbers))


def test_a_text_stands_until_it_ends_or_is_taken_back() -> None:
    programme = Programme(1)
    text = programme.give_text(MONDAY_NOON, text="Hi", importance=3, minutes=60, wants_confirmation=True)
    assert programme.text_at(MONDAY_NOON) == text
    assert programme.text_at(MONDAY_NOON + HOUR) is None
    assert programme.take_text() == text
    with pytest.raises(BadProgramme, match="no text stands"):
        programme.take_text()


def test_events_that_have_ended_are_not_told_and_only_so_many_are_kept() -> None:
    programme = Programme(1)
    first = programme.give_event(MONDAY_NOON, EVENT)
    assert programme.events_from(MONDAY_NOON, None) == [first]
    assert programme.events_from(MONDAY_NOON + HOUR, None) == []
    for _ in range(MOST_KEPT):
        programme.give_event(MONDAY_NOON, EVENT)
    assert len(programme.events_from(MONDAY_NOON, None)) == MOST_KEPT
    with pytest.raises(BadProgramme, match="was published"):
        programme.take_event(first.event)


def test_what_no_meter_can_publish_is_refused_in_words() -> None:
    programme = Programme(1)
    with pytest.raises(BadProgramme, match="1 to 200 bytes, not 201"):
        programme.give_text(MONDAY_NOON, text="x" * 201, importance=0, minutes=None, wants_confirmation=False)
    with pytest.raises(BadProgramme, match="importance"):
        programme.give_text(MONDAY_NOON, text="x", importance=4, minutes=None, wants_confirmation=False)
    with pytest.raises(BadProgramme, match="dollars"):
        given_price(programme, MONDAY_NOON, price=-1)
    with pytest.raises(BadProgramme, match="11 bytes"):
        programme.give_price(MONDAY_NOON, price=1, label="x" * 12, starts_at=MONDAY_NOON, minutes=None, wants_ack=False)
    with pytest.raises(BadProgramme, match="some class"):
        programme.give_event(MONDAY_NOON, replace(EVENT, classes=0))
