"""ODR-02: once an hour, 24 times a day, decided purely."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import CENTRAL, central_date, central_midnight, intervals_in
from gateway.read_policy import Granted, ReadLimits, RefusalReason, Refused, decide, next_allowed

NOON = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
LIMITS = ReadLimits()
SECOND = timedelta(seconds=1)


def test_a_meter_never_read_may_be_read() -> None:
    assert decide([], NOON, LIMITS) == Granted(used_today=0)


def test_the_hour_ends_inclusive_at_3600_seconds() -> None:
    just_before = NOON + timedelta(seconds=3600) - timedelta(microseconds=1)
    assert decide([NOON], just_before, LIMITS) == Refused(
        reason=RefusalReason.HOUR, retry_at=NOON + timedelta(hours=1), used_today=1
    )
    assert decide([NOON], NOON + timedelta(seconds=3600), LIMITS) == Granted(used_today=1)


def test_a_day_of_25_hours_is_the_one_on_which_24_binds() -> None:
    day = date(2026, 11, 1)
    midnight = central_midnight(day)
    assert intervals_in(day) == 100
    hourly = [midnight + timedelta(hours=hour) for hour in range(24)]
    last_hour = midnight + timedelta(hours=24)
    assert central_date(last_hour) == day
    assert decide(hourly, last_hour, LIMITS) == Refused(
        reason=RefusalReason.DAY, retry_at=central_midnight(day + timedelta(days=1)), used_today=24
    )
    assert decide(hourly[:23], last_hour, LIMITS) == Granted(used_today=23)


def test_an_ordinary_day_of_hourly_reads_is_never_refused() -> None:
    midnight = central_midnight(NOON.astimezone(CENTRAL).date())
    history: list[datetime] = []
    for hour in range(24):
        now = midnight + timedelta(hours=hour)
        assert isinstance(decide(history, now, LIMITS), Granted)
        history.append(now)
    assert isinstance(decide(history, midnight + timedelta(hours=24), LIMITS), Granted)


def test_two_an_hour_frees_the_older_of_the_two() -> None:
    limits = ReadLimits(reads_per_hour=2)
    history = [NOON, NOON + 10 * SECOND]
    answer = decide(history, NOON + 20 * SECOND, limits)
    assert isinstance(answer, Refused)
    assert answer.retry_at == NOON + timedelta(hours=1)


INSTANTS = st.integers(0, 3 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds))


@given(st.lists(INSTANTS, max_size=80), st.integers(1, 3), st.integers(1, 30))
def test_granting_by_the_policy_never_exceeds_either_limit(asks: list[datetime], per_hour: int, per_day: int) -> None:
    limits = ReadLimits(reads_per_hour=per_hour, reads_per_day=per_day)
    granted: list[datetime] = []
    for now in sorted(asks):
        answer = decide(granted, now, limits)
        if isinstance(answer, Granted):
            granted.append(now)
        else:
            assert answer.retry_at > now
    for at in granted:
        assert sum(at <= other < at + timedelta(hours=1) for other in granted) <= per_hour
        assert sum(central_date(other) == central_date(at) for other in granted) <= per_day


@given(st.lists(INSTANTS, max_size=60), INSTANTS, st.integers(1, 3), st.integers(1, 30))
def test_the_stated_next_time_is_granted_and_the_microsecond_before_is_not(
    history: list[datetime], now: datetime, per_hour: int, per_day: int
) -> None:
    limits = ReadLimits(reads_per_hour=per_hour, reads_per_day=per_day)
    past = [instant for instant in history if instant <= now]
    at = next_allowed(past, now, limits)
    assert isinstance(decide(past, at, limits), Granted)
    if at > now:
        assert isinstance(decide(past, at - timedelta(microseconds=1), limits), Refused)
