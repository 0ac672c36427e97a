"""The rows of each report of one meter, drawn from the stores a few days or all of its reads at a time."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeVar

from gateway.clock import CENTRAL, central_midnight, intervals_in
from portal.reports.columns import Row
from portal.reports.forms import Report
from portal.usage.daily_usage import EstimateRules
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.registers import RegisterStore, StoredRead
from portal.usage.report_days import Span, days_of
from portal.usage.smt_write import CHANNEL_NAMES, QUARTER
from portal.usage.store import IntervalStore, StoredDay
from portal.usage.usage_json import offset_text
from portal.visibility import VisibleMeter

R = TypeVar("R", DailyRead, MonthlyUsage)
ONE_DAY = timedelta(days=1)
ROWS_AT_ONCE = 4096
"""Intervals in a piece: some weeks of a meter."""
Place = tuple[datetime, time, time, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the data of reports are; rules tell Green Button how values were estimated, where somebody knows."""

    intervals: IntervalStore
    registers: RegisterStore
    rules: EstimateRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows, and how many of them hold anything that was found: days without a read are rows too."""

    rows: Sequence[Row]
    found: int


async def rows_of(sources: Sources, report: Report, meter: VisibleMeter, span: Span) -> AsyncIterator[Piece]:
    """The rows of a report by date, of several versions the newest first, in pieces; see COLUMNS for their values."""
    if report is Report.DAILY_USAGE:
        rows: list[Row] = []
        async for day in days_of(sources.intervals, meter, span):
            rows += usage_rows(day)
            if len(rows) >= ROWS_AT_ONCE:
                yield Piece(rows=rows, found=len(rows))
                rows = []
        yield Piece(rows=rows, found=len(rows))
    elif report is Report.DAILY_READS:
        yield daily_piece(meter, span, await stored(sources.registers, DailyRead, meter, span))
    else:
        assert report is Report.MONTHLY_USAGE, report
        periods = await stored(sources.registers, MonthlyUsage, meter, span)
        yield Piece(rows=[_row(each) for each in periods], found=len(periods))


async def stored(registers: RegisterStore, kind: type[R], meter: VisibleMeter, span: Span) -> Sequence[StoredRead[R]]:
    """A meter's reads whose date lies in the span: of each the current version, or all of them the newest first."""
    if not span.every_version:
        return await registers.current(kind, meter.esi_id, span.first, span.last)
    found = await registers.versions(kind, meter.esi_id, span.first, span.last)
    return sorted(found, key=lambda each: (_date_of(each.data), -each.version))


def daily_piece(meter: VisibleMeter, span: Span, reads: Sequence[StoredRead[DailyRead]]) -> Piece:
    """A row for every day of the span, empty where nothing was told of it."""
    by_day: dict[date, list[Row]] = {}
    for each in reads:
        by_day.setdefault(each.data.read_date, []).append(_row(each))
    rows: list[Row] = []
    for day in days_in(span):
        rows += by_day.get(day) or [(meter.esi_id, day, *(None,) * 6)]
    return Piece(rows=rows, found=len(reads))


def days_in(span: Span) -> Iterator[date]:
    """Every day of a span."""
    return (span.first + number * ONE_DAY for number in range((span.last - span.first).days + 1))


def usage_rows(day: StoredDay) -> Iterator[Row]:
    """The intervals of a meter-day: 92, 96 or 100 rows."""
    data, channel = day.data, CHANNEL_NAMES[day.data.channel]
    for (start, begins, ends, offset), wh, estimated in zip(
        _places(data.day), data.values, data.estimated, strict=True
    ):
        flag = None if wh is None else estimated
        told = (data.esi_id, data.day, data.revised_at, begins, ends, wh, flag, channel, start, offset)
        yield (*told, day.version, day.received_at)


@lru_cache(maxsize=1024)
def _places(day: date) -> tuple[Place, ...]:
    """Each interval of a day: its start, Chicago's time of day at both ends, and Chicago's offset at the start."""
    midnight = central_midnight(day)
    starts = [midnight + place * QUARTER for place in range(intervals_in(day) + 1)]
    walls = [start.astimezone(CENTRAL).time() for start in starts]
    return tuple((start, walls[at], walls[at + 1], offset_text(start)) for at, start in enumerate(starts[:-1]))


def _date_of(read: DailyRead | MonthlyUsage) -> date:
    return read.read_date if isinstance(read, DailyRead) else read.start_date


def _row(read: StoredRead[R]) -> Row:
    """A read's fields, which stand in the order of its columns."""
    return (*(getattr(read.data, field.name) for field in fields(read.data)), read.version, read.received_at)
