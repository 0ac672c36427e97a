"""Meter-days to a file of LodeStar Enhanced (LSE), a block for each: what `lse_file` reads."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from gateway.clock import CENTRAL
from gateway.errors import BadInput
from portal.usage.intervals import Channel, MeterDay
from portal.usage.kwh_text import kwh_text

CHANNEL_NUMBERS = {Channel.GENERATION: 1, Channel.CONSUMPTION: 4}
SECOND_RECORD = "00000002,,,,,,,900,01,,,,\n"
"""Quarter hours in kWh; all twelve commas, for it is not known which of them ERCOT demands."""
MOST_IN_A_ROW = 96
MOST_FILES = 1000


def file_name(duns: str, at: datetime, counter: int) -> str:
    """A file's name: the TDSP's DUNS number, the Chicago time of making, and a counter of three digits.

    Raises BadInput for a DUNS number of other than 9 or 13 digits, or a counter over 999.
    """
    if not (duns.isascii() and duns.isdigit() and len(duns) in (9, 13)):
        raise BadInput(f"{duns!r} is not a DUNS number of 9 or 13 digits")
    if not 0 <= counter < MOST_FILES:
        raise BadInput(f"the counter {counter} does not have three digits")
    return f"{duns}IntervalData{at.astimezone(CENTRAL):%Y%m%d%H%M%S}{counter:03}.lse"


def write(meter_days: Iterable[MeterDay], *, in_a_row: int = 1, stop_second: int = 59) -> Iterator[str]:
    """The text of each meter-day's block. in_a_row is how many intervals a row holds, stop_second 59 or 0.

    A missing interval is an empty value; a settlement file must not have any, so its maker fills them in before.
    Raises BadInput for options out of bounds.
    """
    if not 1 <= in_a_row <= MOST_IN_A_ROW or stop_second not in (0, 59):
        raise BadInput(f"a row holds 1 to {MOST_IN_A_ROW} intervals, a stop time ends with second 59 or 00")
    for day in meter_days:
        yield _block(day, in_a_row, stop_second)


def _block(day: MeterDay, in_a_row: int, stop_second: int) -> str:
    date, stamp = f"{day.day:%Y%m%d}", ""
    if day.revised_at is not None:
        stamp = f"{day.revised_at.astimezone(CENTRAL):%Y%m%d%H%M%S}"
    head = f"00000001,{day.esi_id},{CHANNEL_NUMBERS[day.channel]},{date}000000,{date}2359{stop_second:02},Y,N\n"
    intervals = [
        ",,," if value is None else f"{kwh_text(value)},{'E' if estimated else 'A'},,"
        for value, estimated in zip(day.values, day.estimated, strict=True)
    ]
    rows = (intervals[start : start + in_a_row] for start in range(0, len(intervals), in_a_row))
    body = "".join(f"{code},{''.join(row)}\n" for code, row in enumerate(rows, 10_000_000))
    return f"{head}{SECOND_RECORD}00000003,\n00000004,{stamp},\n{body}"
