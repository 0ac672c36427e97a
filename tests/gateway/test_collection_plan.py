"""What is due, and in which order: the newest day first, gaps behind it, and clock-change days whole."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.clock import central_midnight
from gateway.collection_plan import Errand, What, days_of, errands, pieces, retry_at
from gateway.identifiers import MeterNumber

MORNING = datetime(2026, 7, 8, 5, 10, tzinfo=UTC)
"""Ten minutes after midnight in Chicago."""
A, B = MeterNumber("A1"), MeterNumber("B1")


def test_a_day_is_let_alone_until_its_meters_have_closed_it() -> None:
    assert days_of(What.DELIVERED, MORNING, 600, 2) == [date(2026, 7, 7), date(2026, 7, 6)]
    assert days_of(What.DELIVERED, MORNING, 601, 2) == [date(2026, 7, 6), date(2026, 7, 5)]
    assert days_of(What.REGISTERS, MORNING, 600, 2) == [date(2026, 7, 8)]


def test_registers_come_first_then_the_newest_day_then_the_gaps() -> None:
    done = {(date(2026, 7, 7), What.DELIVERED): {A}}
    due = list(errands([B, A], MORNING, 600, 2, lambda day, what: done.get((day, what), set())))
    assert [(each.meter, each.what, each.day.day) for each in due] == [
        (A, What.REGISTERS, 8),
        (B, What.REGISTERS, 8),
        (B, What.DELIVERED, 7),
        (A, What.RECEIVED, 7),
        (B, What.RECEIVED, 7),
        (A, What.DELIVERED, 6),
        (B, What.DELIVERED, 6),
        (A, What.RECEIVED, 6),
        (B, What.RECEIVED, 6),
    ]
    assert due[2] == Errand(meter=B, what=What.DELIVERED, day=date(2026, 7, 7))


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 8), 92), (date(2026, 7, 8), 96), (date(2026, 11, 1), 100)])
def test_the_pieces_of_a_day_are_all_of_it_and_nothing_else(day: date, count: int) -> None:
    found = list(pieces(day, 24))
    assert sum(number for _, number in found) == count
    assert found[0][0] == central_midnight(day + timedelta(days=1))
    ends = [end for end, _ in found]
    starts = [end - timedelta(minutes=15) * number for end, number in found]
    assert starts[:-1] == ends[1:]
    assert starts[-1] == central_midnight(day)


def test_the_pause_doubles_up_to_the_last() -> None:
    pauses = [(retry_at(MORNING, n, 300, 14_400) - MORNING).total_seconds() for n in (1, 2, 3, 7, 900)]
    assert pauses == [300, 600, 1200, 14_400, 14_400]
