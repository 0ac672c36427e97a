"""What a page of a usage report shows: days of intervals, daily reads, months; and what changed between versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from portal.pages.bar_chart import Period, bar_chart
from portal.pages.chart import times_of
from portal.pages.day_view import NAMES, Series, series_of
from portal.pages.formats import ABSENT, moment, thousandths
from portal.reports.rows import Sources, days_in, stored
from portal.usage.batch import CHANNELS
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.report_days import Span, days_of
from portal.usage.store import IntervalStore, StoredDay
from portal.visibility import VisibleMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A quarter hour in every version, the newest first; changed says of each whether the one before it differs."""

    hours: str
    values: Sequence[str]
    changed: Sequence[bool]
    difference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionHead:
    """A version of a day: its number, when it came, the TDSP's revision date, its total in Wh."""

    version: int
    received_at: datetime
    revised_at: datetime | None
    total_wh: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """One channel's day in all its versions, and the quarter hours in which any two of them differ."""

    words: str
    heads: Sequence[VersionHead]
    rows: Sequence[VersionRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """A day of intervals: its channels, and its versions where they were asked for."""

    day: date
    series: Sequence[Series]
    versions: Sequence[Versions] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Daily reads or months: a figure, and rows of texts; the names of the columns are the template's."""

    svg: str
    rows: Sequence[Sequence[str]]
    found: int


async def usage_days(store: IntervalStore, meter: VisibleMeter, span: Span) -> list[UsageDay]:
    """The days of a span, those without data included."""
    by_day: dict[date, list[StoredDay]] = {}
    async for each in days_of(store, meter, span):
        by_day.setdefault(each.data.day, []).append(each)
    return [_usage_day(day, by_day.get(day, ())) for day in days_in(span)]


def _usage_day(day: date, stored_days: Sequence[StoredDay]) -> UsageDay:
    channels = [[each for each in stored_days if each.data.channel is channel] for channel in CHANNELS]
    held = [some for some in channels if some]
    return UsageDay(
        day=day,
        series=[series_of(some[0].data) for some in held],
        versions=[versions_of(some) for some in held if len(some) > 1],
    )


def versions_of(days: Sequence[StoredDay]) -> Versions:
    """The versions of one channel's day, the newest first, side by side (pure)."""
    rows = []
    for place, hours in enumerate(times_of(days[0].data.day).spans):
        told = [(each.data.values[place], each.data.estimated[place]) for each in days]
        changed = [one != before for one, before in pairwise(told)]
        if any(changed):
            newest, oldest = told[0][0], told[-1][0]
            rows.append(
                VersionRow(
                    hours=hours,
                    values=[_value(*each) for each in told],
                    changed=[*changed, False],
                    difference=ABSENT if newest is None or oldest is None else _signed(newest - oldest),
                )
            )
    heads = [
        VersionHead(
            version=each.version,
            received_at=each.received_at,
            revised_at=each.data.revised_at,
            total_wh=each.data.total_wh,
        )
        for each in days
    ]
    return Versions(words=NAMES[days[0].data.channel][0], heads=heads, rows=rows)


def _value(wh: int | None, estimated: bool) -> str:
    return f"{thousandths(wh)}{' E' if estimated and wh is not None else ''}"


def _signed(wh: int) -> str:
    return f"+{thousandths(wh)}" if wh > 0 else thousandths(wh)


async def revised_days(store: IntervalStore, meter: VisibleMeter, span: Span) -> list[date]:
    """The days of a span of which there is more than one version."""
    seen, again = set[tuple[int, int]](), set[int]()
    async for block in store.rows(meter.esi_id, span.first, span.last, every_version=True):
        key = (block.day, block.channel)
        if key in seen:
            again.add(block.day)
        seen.add(key)
    return [date.fromordinal(day) for day in sorted(again)]


async def reads_table(sources: Sources, meter: VisibleMeter, span: Span) -> Table:
    """Daily reads: a row for each day, with N/A where nothing was told (RPT-13)."""
    reads = await stored(sources.registers, DailyRead, meter, span)
    by_day: dict[date, list[Sequence[str]]] = {}
    newest: dict[date, int | None] = {}
    for each in reads:
        read = each.data
        cells = [*map(thousandths, (read.start_wh, read.end_wh, read.usage_wh)), moment(read.revised_at)]
        by_day.setdefault(read.read_date, []).append([_date(read.read_date), *cells, f"{each.version}"])
        newest.setdefault(read.read_date, read.usage_wh)
    periods = [Period(f"{day:%m/%d}", newest.get(day)) for day in days_in(span)]
    rows = [row for day in days_in(span) for row in by_day.get(day) or [[_date(day), *[ABSENT] * 5]]]
    return Table(svg=bar_chart(periods, "Daily meter reads", "reads"), rows=rows, found=len(reads))


async def months_table(sources: Sources, meter: VisibleMeter, span: Span) -> Table:
    """Monthly usage as the TDSP reported it, with N/A where a value is missing (RPT-14)."""
    months = await stored(sources.registers, MonthlyUsage, meter, span)
    rows, newest = list[Sequence[str]](), dict[date, int | None]()
    for each in months:
        month = each.data
        powers = (month.actual_wh, month.metered_w, month.billed_w, month.metered_va, month.billed_va)
        cells = [_date(month.start_date), _date(month.end_date), *map(thousandths, powers), moment(month.revised_at)]
        rows.append([*cells, f"{each.version}"])
        newest.setdefault(month.start_date, month.actual_wh)
    periods = [Period(f"{day:%m/%Y}", wh) for day, wh in sorted(newest.items())]
    return Table(svg=bar_chart(periods, "Monthly usage", "months"), rows=rows, found=len(months))


def _date(day: date) -> str:
    return f"{day:%m/%d/%Y}"
