"""Register reads by day and by billing period as a TDSP would send them, for simulated meters.

The registers are those that the meters themselves show at the midnights of Chicago, so that a day's reads and the sum
of its quarter hours agree to the watt-hour.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from gateway.clock import CENTRAL, central_midnight
from simulators.smt_csv import days_between
from simulators.street import Premise

DAILY_HEADER = "ESIID,READ_DATE,REVISION_DATE,START_READING,END_READING,USAGE_KWH"
MONTHLY_HEADER = "ESIID,START_DATE,END_DATE,REVISION_DATE,ACTUAL_KWH,METERED_KW,BILLED_KW,METERED_KVA,BILLED_KVA"
CAME = timedelta(hours=7, minutes=41)
"""How long after a midnight its registers are known."""
QUARTERS_AN_HOUR = 4


def write_daily(path: Path, premises: Iterable[Premise], first: date, last: date) -> None:
    """A file of each meter's registers at both ends of each day, both dates included."""
    _write(path, DAILY_HEADER, (_daily(premise, day) for premise in premises for day in days_between(first, last)))


def write_monthly(path: Path, premises: Iterable[Premise], first: date, last: date) -> None:
    """A file of the calendar months that lie between two dates whole, as billing periods."""
    months = list(months_between(first, last))
    _write(path, MONTHLY_HEADER, (_monthly(premise, *month) for premise in premises for month in months))


def months_between(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each calendar month that lies between two dates whole."""
    start = first if first.day == 1 else _next_month(first)
    while (end := _next_month(start) - timedelta(days=1)) <= last:
        yield start, end
        start = _next_month(start)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _write(path: Path, header: str, rows: Iterable[str]) -> None:
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"{header}\n")
        file.writelines(rows)


def _daily(premise: Premise, day: date) -> str:
    midnight, next_midnight = central_midnight(day), central_midnight(day + timedelta(days=1))
    start, end = premise.load.delivered_wh(midnight), premise.load.delivered_wh(next_midnight)
    cells = [_wall(next_midnight + CAME), *map(_thousandths, (start, end, end - start))]
    return f"'{premise.esi_id},{day:%m/%d/%Y},{','.join(cells)}\n"


def _monthly(premise: Premise, first: date, last: date) -> str:
    begins, ends = central_midnight(first), central_midnight(last + timedelta(days=1))
    used = premise.load.delivered_wh(ends) - premise.load.delivered_wh(begins)
    highest = max(max(premise.load.day(day).delivered) for day in days_between(first, last)) * QUARTERS_AN_HOUR
    metered, known = _thousandths(highest), _wall(ends + CAME)
    return f"'{premise.esi_id},{first:%m/%d/%Y},{last:%m/%d/%Y},{known},{_thousandths(used)},{metered},{metered},,\n"


def _wall(at: datetime) -> str:
    return f"{at.astimezone(CENTRAL):%m/%d/%Y %H:%M:%S}"


def _thousandths(value: int) -> str:
    return f"{value // 1000}.{value % 1000:03}"
