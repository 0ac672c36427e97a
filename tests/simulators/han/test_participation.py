"""Taking part in load control: every status that a device reports, and what it follows meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simulators.han.participation import EventStatus, Participation, Report, Unknown
from simulators.han.wire import Cancellation, LoadEvent

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
HVAC, WATER = 0x0001, 0x0004


def event(number: int = 1, starts_min: int = 0, minutes: int = 60, **told: object) -> LoadEvent:
    made = LoadEvent(
        event=number,
        classes=HVAC,
        group=0,
        starts_at=NOON + timedelta(minutes=starts_min),
        minutes=minutes,
        criticality=2,
        cooling_offset=20,
        heating_offset=None,
        cooling_point=None,
        heating_point=None,
        average_load=None,
        duty_cycle=None,
        random_start=False,
        random_end=False,
    )
    return replace(made, **told)  # type: ignore[arg-type]  # fields by name


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def said(reports: list[Report | Unknown]) -> list[tuple[int, str]]:
    return [
        (each.event.event if isinstance(each, Report) else each.event, EventStatus(each.status).name)
        for each in reports
    ]


def cancel(number: int = 1, **told: object) -> Cancellation:
    order = Cancellation(event=number, classes=HVAC, group=0, random=False, at=None)
    return replace(order, **told)  # type: ignore[arg-type]  # fields by name


def test_an_event_is_received_started_and_completed() -> None:
    device = Participation(HVAC)
    assert said(device.hear(event(starts_min=10), NOON)) == [(1, "RECEIVED")]
    assert device.following is None
    assert said(device.advance(at(10))) == [(1, "STARTED")]
    assert device.following == event(starts_min=10)
    assert said(device.advance(at(69))) == []
    assert said(device.advance(at(70))) == [(1, "COMPLETED")]
    assert device.following is None


def test_an_event_that_starts_now_is_started_at_once_and_a_repetition_is_silent() -> None:
    device = Participation(HVAC)
    assert said(device.hear(event(), NOON)) == [(1, "RECEIVED"), (1, "STARTED")]
    assert device.hear(event(), at(1)) == []


def test_an_event_for_others_is_passed_over() -> None:
    device = Participation(HVAC, group=7)
    assert device.hear(event(classes=WATER), NOON) == []
    assert device.hear(event(group=8), NOON) == []
    assert said(device.hear(event(group=7), NOON)) == [(1, "RECEIVED"), (1, "STARTED")]


def test_an_event_that_is_over_or_impossible_is_refused() -> None:
    device = Participation(HVAC)
    assert said(device.hear(event(), at(60))) == [(1, "EXPIRED")]
    assert said(device.hear(event(minutes=1441), NOON)) == [(1, "REJECTED")]
    assert said(device.hear(event(criticality=0), NOON)) == [(1, "REJECTED")]


def test_opting_out_before_during_and_back_ends_in_the_statuses_of_the_specification() -> None:
    before, during, back = Participation(HVAC), Participation(HVAC), Participation(HVAC)
    for device in (before, during, back):
        device.hear(event(starts_min=10), NOON)
    assert said(before.opt_out(1, at(5))) == [(1, "OPTED_OUT")]
    assert said(before.advance(at(70))) == [(1, "DID_NOT_TAKE_PART")]
    during.advance(at(10))
    assert said(during.opt_out(1, at(20))) == [(1, "OPTED_OUT")]
    assert during.following is None
    assert said(during.advance(at(70))) == [(1, "PARTLY_OPTED_OUT")]
    back.opt_out(1, at(5))
    back.advance(at(10))
    assert said(back.opt_in(1, at(30))) == [(1, "OPTED_IN")]
    assert back.following is not None
    assert said(back.advance(at(70))) == [(1, "PARTLY_OPTED_IN")]
    assert said(back.opt_out(1, at(80))) == [(1, "INVALID_OPT_OUT")]


def test_an_event_is_cancelled_at_once_or_when_it_says() -> None:
    device = Participation(HVAC)
    device.hear(event(), NOON)
    assert said(device.cancel(cancel(), at(5))) == [(1, "CANCELLED")]
    device.hear(event(2), at(6))
    assert said(device.cancel(cancel(2, at=at(20)), at(7))) == []
    assert said(device.advance(at(20))) == [(2, "CANCELLED")]
    device.hear(event(3, starts_min=40), at(21))
    assert said(device.cancel(cancel(3), at(22))) == [(3, "CANCELLED")]
    assert device.deadline() is None


def test_a_cancellation_that_cannot_be_meant_is_refused() -> None:
    device = Participation(HVAC)
    assert said(device.cancel(cancel(9), NOON)) == [(9, "UNDEFINED")]
    device.hear(event(), NOON)
    assert said(device.cancel(cancel(classes=WATER), NOON)) == [(1, "INVALID_CANCEL")]
    assert said(device.cancel(cancel(at=at(60)), NOON)) == [(1, "INVALID_EFFECTIVE_TIME")]
    assert device.following is not None


def test_a_newer_event_takes_the_place_of_one_that_waits_and_of_one_that_runs() -> None:
    device = Participation(HVAC)
    device.hear(event(1, starts_min=10), NOON)
    assert said(device.hear(event(2, starts_min=30), NOON)) == [(2, "RECEIVED"), (1, "SUPERSEDED")]
    device.advance(at(30))
    assert said(device.hear(event(3, starts_min=40), at(31))) == [(3, "RECEIVED")]
    assert said(device.advance(at(40))) == [(2, "SUPERSEDED"), (3, "STARTED")]
    assert device.following == event(3, starts_min=40)


def test_randomised_bounds_move_start_and_end_and_nothing_else() -> None:
    device = Participation(HVAC, chance=lambda: 0.5, start_minutes=20, end_minutes=10)
    assert said(device.hear(event(random_start=True, random_end=True), NOON)) == [(1, "RECEIVED")]
    assert device.deadline() == at(10)
    device.advance(at(10))
    assert device.deadline() == at(65)


def test_every_event_is_ended_by_cancelling_all() -> None:
    device = Participation(HVAC)
    device.hear(event(1), NOON)
    device.hear(event(2, starts_min=90), NOON)
    assert said(device.cancel_all(at(1), random=False)) == [(1, "CANCELLED"), (2, "CANCELLED")]


def test_a_device_remembers_only_so_many_events() -> None:
    device = Participation(HVAC)
    for number in range(1, 12):
        told = said(device.hear(event(number, starts_min=number * 100), NOON))
    assert told == [(11, "REJECTED")]


@given(
    starts=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), min_size=1, max_size=9),
    steps=st.lists(st.integers(1, 60), max_size=20),
)
def test_whatever_comes_each_event_has_one_end_and_one_is_followed_at_a_time(
    starts: list[tuple[int, int]], steps: list[int]
) -> None:
    device, reports, now = Participation(HVAC), list[Report | Unknown](), 0
    for number, (start, minutes) in enumerate(starts, 1):
        reports += device.hear(event(number, start, minutes), NOON)
    for step in [*steps, 1000]:
        now += step
        reports += device.advance(at(now))
    ends = {EventStatus.COMPLETED, EventStatus.SUPERSEDED}
    ended = [each.event.event for each in reports if isinstance(each, Report) and each.status in ends]
    assert sorted(ended) == list(range(1, len(starts) + 1))
    assert device.deadline() is None
