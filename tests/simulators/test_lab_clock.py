"""The laboratory's own time."""

from datetime import UTC, datetime, timedelta

import pytest

from simulators.lab_clock import BadSpeed, BadStart, LabClock, instant_told
from simulators.virtual_time import VirtualClock, run

from .conftest import NOON, HandClock

FALL_BACK = datetime(2026, 11, 1, 5, tzinfo=UTC)


def test_it_begins_when_it_is_told_to_and_runs_as_fast_as_it_is_told_to() -> None:
    base = HandClock()
    base.forward(1000)
    clock = LabClock(base, FALL_BACK, 60)
    assert (clock.now(), clock.monotonic()) == (FALL_BACK, 0.0)
    base.forward(60)
    assert (clock.now(), clock.monotonic()) == (FALL_BACK + timedelta(hours=1), 3600.0)


def test_without_a_start_it_begins_now() -> None:
    assert LabClock(HandClock()).now() == NOON


def test_who_sleeps_an_hour_at_sixty_times_the_speed_sleeps_a_minute() -> None:
    async def hour() -> tuple[float, float]:
        base = VirtualClock()
        clock = LabClock(base, speed=60)
        await clock.sleep(3600)
        return base.monotonic(), clock.monotonic()

    assert run(hour()) == (60.0, 3600.0)


@pytest.mark.parametrize("speed", [0, -1, 10_001, float("nan"), float("inf")])
def test_a_speed_at_which_no_clock_runs_is_refused(speed: float) -> None:
    with pytest.raises(BadSpeed, match="a speed is above 0"):
        LabClock(HandClock(), speed=speed)


def test_an_instant_is_told_with_its_offset() -> None:
    assert instant_told("2026-11-01T05:00Z") == instant_told("2026-11-01T00:00-05:00") == FALL_BACK
    assert instant_told(None) is None


@pytest.mark.parametrize(
    "text", ["2026-11-01T05:00", "2026-11-01", "noon", "1999-01-01T00:00Z", "0001-01-01T00:00+23:59"]
)
def test_an_instant_that_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadStart, match="no instant with its offset after"):
        instant_told(text)
