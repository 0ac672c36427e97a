"""Meter-days drawn at random: days of 92, 96 and 100 quarter hours, missing values, estimates, revision dates."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from gateway.clock import CENTRAL, intervals_in
from portal.usage.intervals import Channel, MeterDay
from tests.portal.usage.files import FALL, METER, OTHER, SPRING, TODAY

DAYS = st.sampled_from([SPRING, FALL]) | st.dates(date(2010, 2, 1), TODAY)
"""Days that any interval file may hold."""
EPOCH = datetime(2010, 2, 1, 6, tzinfo=UTC)
SECONDS = int((datetime(2026, 11, 23, 6, tzinfo=UTC) - EPOCH).total_seconds())


def written_once(instant: datetime) -> bool:
    """Whether an instant's wall time names no later instant before it: files cannot tell two 1 AM hours apart."""
    return instant.astimezone(CENTRAL).fold == 0


INSTANTS = st.integers(0, SECONDS).map(lambda seconds: EPOCH + timedelta(seconds=seconds)).filter(written_once)


@st.composite
def meter_days(draw: st.DrawFn, most_missing: int = 100) -> MeterDay:
    """One meter-day of which at least one value is known."""
    day = draw(DAYS)
    count = intervals_in(day)
    values: list[int | None] = list(draw(st.lists(st.integers(0, 999_999_999), min_size=count, max_size=count)))
    for place in draw(st.sets(st.integers(0, count - 1), max_size=min(most_missing, count - 1))):
        values[place] = None
    estimates = draw(st.sets(st.integers(0, count - 1)))
    return MeterDay(
        esi_id=draw(st.sampled_from([METER, OTHER])),
        day=day,
        channel=draw(st.sampled_from(Channel)),
        revised_at=draw(st.none() | INSTANTS),
        values=tuple(values),
        estimated=tuple(value is not None and place in estimates for place, value in enumerate(values)),
    )


FILES = st.lists(meter_days(), max_size=3, unique_by=lambda day: (day.esi_id, day.day, day.channel))
"""The meter-days of a file."""
