"""Meter-days to the interval CSV of Smart Meter Texas: what `smt_file` reads.

Times of day are taken from real time through the zone: on the day on which summer time begins a row goes from 01:45 to
03:00 and the day has 92 rows, on the day on which it ends the 1 AM hour stands there twice. Real files differ on both
days, and can be had on request.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache

from gateway.clock import CENTRAL, central_midnight, intervals_in
from portal.usage.intervals import Channel, MeterDay
from portal.usage.kwh_text import kwh_text
from portal.usage.smt_file import HEADER

CHANNEL_NAMES = {Channel.CONSUMPTION: "Consumption", Channel.GENERATION: "Surplus Generation"}
QUARTER = timedelta(minutes=15)
FIRST_LINE = f"{HEADER}\n"
UTC_FIRST_LINE = f"{HEADER},USAGE_START_UTC,UTC_OFFSET\n"
"""The header with the two columns of our own, which tell the hour that comes twice apart."""
Labels = tuple[tuple[str, int | None], ...]
"""For each row of a day its start and end, and the place of its value, None where the row has none."""


def write(meter_days: Iterable[MeterDay], *, smt_labels: bool = False) -> Iterator[str]:
    """The header line, then the rows of each meter-day; a missing value is a row without value and quality.

    smt_labels writes the two days of the change as Smart Meter Texas does: four rows without a value for the hour that
    is skipped, and 02:00 to 01:15 for the first row of the hour that comes twice. Raises BadInput for a value that no
    interval file can hold.
    """
    yield FIRST_LINE
    for day in meter_days:
        yield _rows(day, smt_labels)


def rows_with_utc(day: MeterDay) -> str:
    """The rows of a meter-day, each with its start in UTC and Chicago's offset behind: `2026-05-06T05:00:00Z,-05:00`.

    Raises BadInput as write does.
    """
    midnight = central_midnight(day.day)
    starts = (midnight + place * QUARTER for place in range(len(day.values)))
    rows = _rows(day, smt_labels=False).splitlines()
    return "".join(
        f"{row},{start:%Y-%m-%dT%H:%M:%SZ},{start.astimezone(CENTRAL).isoformat()[-6:]}\n"
        for row, start in zip(rows, starts, strict=True)
    )


def rows(day: MeterDay) -> str:
    """The rows of a meter-day, as write has them. Raises BadInput as write does."""
    return _rows(day, smt_labels=False)


def _rows(day: MeterDay, smt_labels: bool) -> str:
    revised = f"{day.revised_at.astimezone(CENTRAL):%m/%d/%Y %H:%M:%S}" if day.revised_at else ""
    head, channel = f"'{day.esi_id},{day.day:%m/%d/%Y},{revised}", CHANNEL_NAMES[day.channel]
    cells = [
        "," if value is None else f"{kwh_text(value)},{'E' if estimated else 'A'}"
        for value, estimated in zip(day.values, day.estimated, strict=True)
    ]
    labels = _labels(day.day, smt_labels)
    return "".join(f"{head}{label},{',' if at is None else cells[at]},{channel}\n" for label, at in labels)


@lru_cache(maxsize=1024)
def _labels(day: date, smt_labels: bool) -> Labels:
    midnight = central_midnight(day)
    walls = [f"{(midnight + place * QUARTER).astimezone(CENTRAL):%H:%M}" for place in range(intervals_in(day) + 1)]
    rows: list[tuple[str, int | None]] = [
        (f", {walls[place]}, {walls[place + 1]}", place) for place in range(len(walls) - 1)
    ]
    if smt_labels and len(rows) == 100:
        rows[7:9] = [(", 01:45, 02:00", 7), (", 02:00, 01:15", 8)]
    if smt_labels and len(rows) == 92:
        rows[7] = (", 01:45, 02:00", 7)
        skipped = ("02:00", "02:15", "02:30", "02:45", "03:00")
        rows[8:8] = [(f", {skipped[place]}, {skipped[place + 1]}", None) for place in range(4)]
    return tuple(rows)
