"""What a device is to know: newer over older, cut where they meet, gone when over."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zigbee.esi.board import (
    MOST,
    Board,
    BoardFull,
    current_price,
    pinned,
    scheduled_events,
    scheduled_prices,
    settled,
)
from gateway.han.notices import (
    CancelAllLoadControl,
    CancelLoadControl,
    CancelText,
    Criticality,
    DeviceClass,
    LoadControl,
    Notice,
    Price,
    Text,
)

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def price(event: int, start: int | None, minutes: int | None) -> Price:
    return Price(event=event, price=event, starts_at=None if start is None else at(start), duration_min=minutes)


def control(
    event: int,
    start: int | None = None,
    minutes: int = 60,
    classes: tuple[DeviceClass, ...] = (DeviceClass.HVAC,),
    group: int = 0,
) -> LoadControl:
    return LoadControl(
        event=event,
        classes=classes,
        group=group,
        starts_at=None if start is None else at(start),
        duration_min=minutes,
        criticality=Criticality.GREEN,
    )


def board(*notices: Notice) -> Board:
    result = Board()
    for notice in notices:
        result = pinned(result, notice, NOON)
    return result


def spans(shown: Board, now: float) -> list[tuple[int, float, float | None]]:
    def minutes(instant: datetime | None) -> float | None:
        return None if instant is None else (instant - NOON).total_seconds() / 60

    prices = scheduled_prices(shown, at(now), at(now))
    return [(one.event, minutes(one.starts_at) or 0.0, minutes(one.ends_at)) for one in prices]


def events(shown: Board, now: float) -> list[int]:
    return [one.event for one in settled(shown, at(now)).events]


def test_an_empty_board_says_nothing() -> None:
    assert current_price(Board(), NOON) is None
    assert Board().empty
    assert not board(price(1, None, None)).empty


def test_a_price_holds_from_its_start_to_its_end() -> None:
    shown = board(price(1, 10, 20))
    assert [current_price(shown, at(minute)) is not None for minute in (9, 10, 29, 30)] == [False, True, True, False]


def test_a_price_until_changed_ends_where_a_newer_one_begins() -> None:
    shown = board(price(1, None, None), price(2, 30, None))
    assert spans(shown, 0) == [(1, 0, 30), (2, 30, None)]
    assert spans(shown, 30) == [(2, 30, None)]


def test_a_newer_price_takes_off_all_that_it_meets_and_is_not_yet_under_way() -> None:
    shown = board(price(1, 10, 20), price(2, 50, 20), price(3, 20, 35))
    assert spans(shown, 0) == [(3, 20, 55)]


def test_a_nested_older_price_does_not_come_back_when_the_newer_is_over() -> None:
    shown = board(price(1, 0, 100), price(2, 20, 10))
    assert spans(shown, 0) == [(1, 0, 20), (2, 20, 30)]
    assert spans(shown, 25) == [(2, 20, 30)]
    assert spans(shown, 40) == []


def test_an_older_price_that_comes_late_gives_way() -> None:
    assert spans(board(price(5, 10, 20), price(4, 10, 20)), 0) == [(5, 10, 30)]


def test_prices_that_only_touch_both_stand() -> None:
    assert spans(board(price(1, 0, 10), price(2, 10, 10)), 0) == [(1, 0, 10), (2, 10, 20)]


def test_the_same_event_again_replaces_what_had_it() -> None:
    assert spans(board(price(1, 10, 10), price(1, 40, 10)), 0) == [(1, 40, 50)]


def test_the_newest_text_is_the_one_and_can_be_taken_back() -> None:
    first, second = Text(event=1, text="one", duration_min=10), Text(event=2, text="two")
    assert board(second, first).text == board(second).text
    assert settled(board(first), at(10)).text is None
    assert board(second, CancelText(event=1)).text is not None
    assert board(second, CancelText(event=2)).text is None


def test_a_newer_event_for_the_same_load_takes_the_older_ones_place() -> None:
    assert events(board(control(1, 30), control(2, 60)), 0) == [2]


def test_an_event_under_way_stays_until_the_newer_begins() -> None:
    shown = board(control(1), control(2, 30))
    assert events(shown, 29) == [1, 2]
    assert events(shown, 30) == [2]


@pytest.mark.parametrize(
    ("other", "stands"),
    [
        (control(2, 30, classes=(DeviceClass.POOL_PUMP,)), True),
        (control(2, 30, classes=(DeviceClass.POOL_PUMP, DeviceClass.HVAC)), False),
        (control(2, 30, group=3), True),
        (control(2, 30, group=7), False),
        (control(2, 30, group=0), False),
        (control(2, 90), True),
    ],
)
def test_events_for_other_loads_groups_or_times_stand_beside_each_other(other: LoadControl, stands: bool) -> None:
    assert events(board(control(1, 30, group=7), other), 0) == ([1, 2] if stands else [2])


def test_a_cancelled_event_is_gone_at_once_or_ends_earlier() -> None:
    assert events(board(control(1), CancelLoadControl(event=1)), 0) == []
    early = board(control(1), CancelLoadControl(event=1, effective_at=at(20)))
    assert [events(early, minute) for minute in (19, 20)] == [[1], []]
    late = board(control(1), CancelLoadControl(event=1, effective_at=at(90)))
    assert [events(late, minute) for minute in (59, 60)] == [[1], []]
    assert events(board(control(1), control(2, 90), CancelAllLoadControl()), 0) == []


def test_a_device_that_names_an_event_goes_on_from_there() -> None:
    shown = board(control(1), control(2, 90), control(3, 90, classes=(DeviceClass.GENERATION,)), control(4, 200))
    assert [one.event for one in scheduled_events(shown, None, None, NOON)] == [1, 2, 3, 4]
    assert [one.event for one in scheduled_events(shown, at(30), None, NOON)] == [1, 2, 3, 4]
    assert [one.event for one in scheduled_events(shown, at(90), 3, NOON)] == [3, 4]


def test_a_board_takes_so_many_and_no_more() -> None:
    shown = board(*(price(event, 10 * event, 10) for event in range(1, MOST + 1)))
    assert len(shown.prices) == MOST
    with pytest.raises(BoardFull):
        pinned(shown, price(MOST + 1, 10 * MOST + 10, 10), NOON)
    assert len(pinned(shown, price(MOST, 10 * MOST + 10, 10), NOON).prices) == MOST


@given(
    notices=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 60), st.none() | st.integers(1, 60)), max_size=12),
    minute=st.integers(0, 130),
)
def test_at_every_instant_one_price_holds_and_what_is_scheduled_does_not_overlap(
    notices: list[tuple[int, int, int | None]], minute: int
) -> None:
    shown = board(*(price(*notice) for notice in notices))
    scheduled = spans(shown, minute)
    assert [start for _, start, _ in scheduled] == sorted(start for _, start, _ in scheduled)
    for (_, _, end), (_, start, _) in pairwise(scheduled):
        assert end is not None
        assert end <= start
    current = current_price(shown, at(minute))
    holding = [event for event, start, end in scheduled if start <= minute and (end is None or end > minute)]
    assert holding == ([] if current is None else [current.event])
