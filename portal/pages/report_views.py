"""What a page of a usage report shows: days of intervals with their versions, daily reads, months."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import itemgetter

from portal.pages.bar_chart import Period, bar_chart
from portal.pages.comparing import Against, compared, day_against, difference, percentage, year_before
from portal.pages.day_view import Series, series_beside, series_of
from portal.pages.formats import ABSENT, moment, thousandths
from portal.pages.heat_map import HeatMap, heat_map
from portal.pages.version_steps import Versions, versions_of
from portal.reports.rows import Sources, days_in, stored
from portal.usage.batch import CHANNELS
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.report_days import Span
from portal.usage.store import IntervalStore, StoredDay
from portal.visibility import VisibleMeter


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a report is compared with, and which days may be shown for it."""

    against: Against
    is_kept: Callable[[date], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDays:
    """Days of intervals, those without data included, or heat maps of them; and which days of all came repeatedly."""

    days: Sequence[UsageDay] = ()
    revised: Sequence[date] = ()
    maps: Sequence[HeatMap] = ()


async def usage_days(
    store: IntervalStore, meter: VisibleMeter, span: Span, whole: Span, beside: Beside | None = None
) -> UsageDays:
    """The days of a span, and the revised days of the whole report, which are found only where versions are shown."""
    others = {} if beside is None else await _other_days(store, meter, span, beside)
    if not span.every_version:
        stored_days = await store.current(meter.esi_id, span.first, span.last)
        return UsageDays(days=_usage_days(span, stored_days, {}, beside, others))
    stored_days = await store.versions(meter.esi_id, whole.first, whole.last)
    shown = [each for each in stored_days if span.first <= each.data.day <= span.last]
    names = await store.names({each.version for each in shown})
    came = Counter((each.data.day, each.data.channel) for each in stored_days)
    return UsageDays(
        days=_usage_days(span, shown, names, beside, others),
        revised=sorted({day for (day, _), times in came.items() if times > 1}),
    )


async def heat_maps(store: IntervalStore, meter: VisibleMeter, span: Span, *, by_hour: bool) -> UsageDays:
    """The days of a span in their current version, as a heat map of each channel."""
    held = {
        (each.data.channel, each.data.day): each.data
        for each in await store.current(meter.esi_id, span.first, span.last)
    }
    of_channels = ([(day, held.get((channel, day))) for day in days_in(span)] for channel in CHANNELS)
    found = (heat_map(days, by_hour=by_hour) for days in of_channels)
    return UsageDays(maps=[each for each in found if each is not None])


Others = Mapping[tuple[date, Channel], MeterDay]


async def _other_days(store: IntervalStore, meter: VisibleMeter, span: Span, beside: Beside) -> Others:
    """The days that those of a span are compared with, in their current version."""
    days = [day_against(day, beside.against) for day in (span.first, span.last)]
    found = await store.current(meter.esi_id, *days)
    return {(each.data.day, each.data.channel): each.data for each in found if beside.is_kept(each.data.day)}


def _usage_days(
    span: Span, stored_days: Sequence[StoredDay], names: Mapping[int, str], beside: Beside | None, others: Others
) -> list[UsageDay]:
    by_day: dict[date, list[StoredDay]] = {}
    for each in stored_days:
        by_day.setdefault(each.data.day, []).append(each)

    def series(data: MeterDay) -> Series:
        if beside is None:
            return series_of(data)
        other_day = day_against(data.day, beside.against)
        return series_beside(data, compared(data, other_day, others.get((other_day, data.channel))))

    return [_usage_day(day, by_day.get(day, ()), names, series) for day in days_in(span)]


def _usage_day(
    day: date, stored_days: Sequence[StoredDay], names: Mapping[int, str], series: Callable[[MeterDay], Series]
) -> UsageDay:
    newest_first = sorted(stored_days, key=lambda each: -each.version)
    channels = [[each for each in newest_first if each.data.channel is channel] for channel in CHANNELS]
    held = [some for some in channels if some]
    return UsageDay(
        day=day,
        series=[series(some[0].data) for some in held],
        versions=[versions_of(some, names) for some in held if len(some) > 1],
    )


async def _source_words(sources: Sources, span: Span, versions: Collection[int]) -> dict[int, str]:
    """How tables name versions: by number, and by source too where all versions are shown."""
    names = await sources.intervals.names(versions) if span.every_version else {}
    return {version: f"{version}, {names[version]}" if version in names else f"{version}" for version in versions}


async def reads_table(sources: Sources, meter: VisibleMeter, span: Span) -> Table:
    """Daily reads: a row for each day, with N/A where nothing was told (RPT-13)."""
    reads = await stored(sources.registers, DailyRead, meter, span)
    words = await _source_words(sources, span, {each.version for each in reads})
    by_day: dict[date, list[Sequence[str]]] = {}
    newest: dict[date, int | None] = {}
    for each in reads:
        read = each.data
        cells = [*map(thousandths, (read.start_wh, read.end_wh, read.usage_wh)), moment(read.revised_at)]
        by_day.setdefault(read.read_date, []).append([_date(read.read_date), *cells, words[each.version]])
        newest.setdefault(read.read_date, read.usage_wh)
    periods = [Period(f"{day:%m/%d}", newest.get(day)) for day in days_in(span)]
    rows = [row for day in days_in(span) for row in by_day.get(day) or [[_date(day), *[ABSENT] * 5]]]
    return Table(svg=bar_chart(periods, "Daily meter reads", "reads"), rows=rows, found=len(reads))


async def months_table(sources: Sources, meter: VisibleMeter, span: Span, beside: Beside | None = None) -> Table:
    """Monthly usage as the TDSP reported it, with N/A where a value is missing (RPT-14); beside it the year before."""
    months = await stored(sources.registers, MonthlyUsage, meter, span)
    if not months:
        return Table(svg="", rows=(), found=0)
    words = await _source_words(sources, span, {each.version for each in months})
    before = {} if beside is None else await _year_before(sources, meter, span, beside)
    rows, newest = list[tuple[date, Sequence[str]]](), dict[date, int | None]()

    def row(first: date, last: date, wh: int | None, rest: Sequence[str]) -> None:
        then = before.get((first.year - 1, first.month))
        told = () if beside is None else (thousandths(then), difference(wh, then), percentage(wh, then))
        rows.append((first, [_date(first), _date(last), thousandths(wh), *told, *rest]))
        newest.setdefault(first, wh)

    for each in months:
        month = each.data
        powers = map(thousandths, (month.metered_w, month.billed_w, month.metered_va, month.billed_va))
        rest = [*powers, moment(month.revised_at), words[each.version]]
        row(month.start_date, month.end_date, month.actual_wh, rest)
    for first, last in _months_without(span, [(each.data.start_date, each.data.end_date) for each in months]):
        row(first, last, None, [ABSENT] * 6)
    in_order = sorted(newest.items())
    periods = [Period(f"{day:%m/%Y}", wh) for day, wh in in_order]
    others = [] if beside is None else [before.get((day.year - 1, day.month)) for day, _ in in_order]
    told = [cells for _, cells in sorted(rows, key=itemgetter(0))]
    return Table(svg=bar_chart(periods, "Monthly usage", "months", others), rows=told, found=len(months))


async def _year_before(
    sources: Sources, meter: VisibleMeter, span: Span, beside: Beside
) -> dict[tuple[int, int], int | None]:
    """The actual Wh of the months of the year before, by year and month; the first that began in it."""
    then = Span(first=year_before(span.first.replace(day=1)), last=year_before(span.last))
    found: dict[tuple[int, int], int | None] = {}
    for each in await stored(sources.registers, MonthlyUsage, meter, then):
        start = each.data.start_date
        if beside.is_kept(start):
            found.setdefault((start.year, start.month), each.data.actual_wh)
    return found


def _months_without(span: Span, billed: Collection[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """The whole calendar months of a span that no billed month touches: their records are missing."""
    first = span.first
    while first <= span.last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = following - timedelta(days=1)
        whole = first.day == 1 and last <= span.last
        if whole and not any(start <= last and end >= first for start, end in billed):
            yield first, last
        first = following


def _date(day: date) -> str:
    return f"{day:%m/%d/%Y}"
