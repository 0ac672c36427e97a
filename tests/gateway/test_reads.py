"""How old a value may be: the meter's snapshot decides, never the value."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.reads import Age, Freshness, age_of
from tests.gateway.fakes import METER, register_read

ASKED = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
ARRIVED = ASKED + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("latched_after_s", "freshness", "at_most_s"),
    [
        (1, Freshness.FRESH, 1),
        (0, Freshness.FRESH, 2),
        (-5, Freshness.FRESH, 7),
        (-5.001, Freshness.STALE, 8),
        (-900, Freshness.STALE, 902),
        (30, Freshness.FRESH, 0),
    ],
)
def test_the_snapshot_time_decides_within_the_tolerance(
    latched_after_s: float, freshness: Freshness, at_most_s: int
) -> None:
    read = register_read(METER, ARRIVED, ASKED + timedelta(seconds=latched_after_s))
    assert age_of(read, ASKED, tolerance_s=5) == Age(freshness=freshness, at_most_s=at_most_s)


def test_without_a_snapshot_the_age_is_unknown_or_bounded_by_the_update_period() -> None:
    read = register_read(METER, ARRIVED, None)
    assert age_of(read, ASKED, 5) == Age(freshness=Freshness.UNKNOWN, at_most_s=None)


def test_an_age_is_rounded_up_so_that_at_most_is_true() -> None:
    read = register_read(METER, ARRIVED, ARRIVED - timedelta(milliseconds=1400))
    assert age_of(read, ASKED, 5).at_most_s == 2
