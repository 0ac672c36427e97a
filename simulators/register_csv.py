"""Register reads by day and by billing period as a TDSP would send them, for simulated meters.

The registers are those that the meters themselves show at the midnights of Chicago, so that a day's reads and the sum
of its quarter hours agree to the watt-hour.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from gateway.clock import CENTRAL, central_midnight
from gateway.identifiers import EsiId
from simulators.smt_csv import UsageDay

DAILY_HEADER = "ESIID,READ_DATE,REVISION_DATE,START_READING,END_READING,USAGE_KWH"
MONTHLY_HEADER = "ESIID,START_DATE,END_DATE,REVISION_DATE,ACTUAL_KWH,METERED_KW,BILLED_KW,METERED_KVA,BILLED_KVA"
CAME = timedelta(hours=7, minutes=41)
"""How long after a midnight its registers are known."""
QUARTERS_AN_HOUR = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterDay:
    """A meter's register at both ends of a Chicago day, Wh, and the most that it counted in one quarter hour."""

    esi_id: EsiId
    day: date
    start_wh: int
    end_wh: int
    most_wh: int


def noted(days: Iterable[UsageDay], starts: Mapping[EsiId, int], into: list[RegisterDay]) -> Iterator[UsageDay]:
    """The same days, meter after meter and each meter's in order; what their registers show is noted on the way.

    starts are the registers at the beginning of each meter's first day.
    """
    at = dict(starts)
    for usage in days:
        before = at[usage.esi_id]
        at[usage.esi_id] = before + sum(usage.delivered_wh)
        into.append(
            RegisterDay(
                esi_id=usage.esi_id,
                day=usage.day,
                start_wh=before,
                end_wh=at[usage.esi_id],
                most_wh=max(usage.delivered_wh),
            )
        )
        yield usage


def write_daily(path: Path, days: Iterable[RegisterDay]) -> None:
    """A file of registers at both ends of each day."""
    _write(path, DAILY_HEADER, map(_daily, days))


def write_monthly(path: Path, days: Sequence[RegisterDay]) -> None:
    """A file of the calendar months of which every day is there, as billing periods."""
    months: dict[tuple[EsiId, int, int], list[RegisterDay]] = {}
    for each in days:
        months.setdefault((each.esi_id, each.day.year, each.day.month), []).append(each)
    whole = (some for (_, year, month), some in months.items() if len(some) == monthrange(year, month)[1])
    _write(path, MONTHLY_HEADER, map(_monthly, whole))


def _write(path: Path, header: str, rows: Iterable[str]) -> None:
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"{header}\n")
        file.writelines(rows)


def _daily(read: RegisterDay) -> str:
    cells = [_known(read.day), *map(_thousandths, (read.start_wh, read.end_wh, read.end_wh - read.start_wh))]
    return f"'{read.esi_id},{read.day:%m/%d/%Y},{','.join(cells)}\n"


def _monthly(days: Sequence[RegisterDay]) -> str:
    first, last = days[0], days[-1]
    used = _thousandths(last.end_wh - first.start_wh)
    metered = _thousandths(max(each.most_wh for each in days) * QUARTERS_AN_HOUR)
    dates = f"{first.day:%m/%d/%Y},{last.day:%m/%d/%Y},{_known(last.day)}"
    return f"'{first.esi_id},{dates},{used},{metered},{metered},,\n"


def _known(day: date) -> str:
    """When a day's last register is known, in Chicago wall time."""
    at = central_midnight(day + timedelta(days=1)) + CAME
    return f"{at.astimezone(CENTRAL):%m/%d/%Y %H:%M:%S}"


def _thousandths(value: int) -> str:
    return f"{value // 1000}.{value % 1000:03}"
