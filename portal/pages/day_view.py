"""The last day of a meter's quarter hours, or the one that the address names, ready for its card."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from gateway.clock import central_midnight
from portal.pages.chart import QUARTER, Bar, day_chart, table_rows, times_of
from portal.pages.comparing import Compared, difference, percentage
from portal.pages.formats import thousandths
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import IntervalStore
from portal.usage.unpacked import unpacked
from portal.visibility import VisibleMeter

KEPT = timedelta(days=1461)
"""How far back a page leads from the newest day: 48 months (RPT-06)."""
NAMES = {Channel.CONSUMPTION: ("Usage", "use"), Channel.GENERATION: ("Surplus generation", "give")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One channel of a day: its figure and its table as markup, and the figures that answer the usual questions."""

    words: str
    name: str
    svg: str
    rows: str
    count: int
    total_wh: int | None
    highest_wh: int | None
    highest_at: str
    known: int
    estimated: int
    compared: Compared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """A day's channels; day is None where a meter has no intervals at all, series empty where this day has none."""

    day: date | None
    series: Sequence[Series]
    previous: date | None = None
    next: date | None = None


async def day_view(store: IntervalStore | None, meter: VisibleMeter, asked: str) -> DayView | None:
    """The day asked for as YYYY-MM-DD (anything else: the newest that has intervals); None without a store."""
    if store is None:
        return None
    blocks = await store.newest_reads([meter.esi_id])
    if not blocks:
        return DayView(day=None, series=())
    newest = date.fromordinal(max(block.day for block in blocks))
    oldest = newest - KEPT
    day = max(oldest, min(_day(asked) or newest, newest))
    if day == newest:
        stored = unpacked([block for block in blocks if block.day == newest.toordinal()])
    else:
        stored = [one.data for one in await store.current(meter.esi_id, day, day)]
    return DayView(
        day=day,
        series=[series_of(one) for one in stored],
        previous=day - timedelta(days=1) if day > oldest else None,
        next=day + timedelta(days=1) if day < newest else None,
    )


@lru_cache(maxsize=256)
def series_of(data: MeterDay) -> Series:
    """One channel's day as its figure and its figures (pure); what is missing is left out of both."""
    return series_beside(data, None)


def series_beside(data: MeterDay, other: Compared | None) -> Series:
    """The same beside another day."""
    words, name = NAMES[data.channel]
    bars = bars_of(data)
    known = [bar for bar in bars if bar.energy_wh is not None]
    highest = max(known, key=lambda bar: bar.energy_wh or 0, default=None)
    return Series(
        words=words,
        name=name,
        svg=day_chart(bars, f"{words} on {data.day:%A, %m/%d/%Y}", name, () if other is None else other.values),
        rows=table_rows(bars, [] if other is None else _beside(data.values, other.values)),
        count=len(bars),
        total_wh=data.total_wh if known else None,
        highest_wh=None if highest is None else highest.energy_wh,
        highest_at="" if highest is None else highest.start,
        known=len(known),
        estimated=sum(bar.estimated for bar in known),
        compared=other,
    )


def _beside(values: Sequence[int | None], others: Sequence[int | None]) -> list[Sequence[str]]:
    """The other day's kWh, the difference and the percentage of every quarter hour."""
    pairs = zip(values, others, strict=True)
    return [(thousandths(there), difference(wh, there), percentage(wh, there)) for wh, there in pairs]


def bars_of(data: MeterDay) -> list[Bar]:
    """A day's quarter hours: 92, 96 or 100 of them (pure)."""
    times, midnight = times_of(data.day), central_midnight(data.day)
    why = [
        f"/usage/meters/{data.esi_id}/explain/{midnight + place * QUARTER:%Y-%m-%dT%H:%M:%SZ}?channel={data.channel}"
        if estimated
        else ""
        for place, estimated in enumerate(data.estimated)
    ]
    return list(map(Bar, times.starts, times.spans, data.values, data.estimated, why))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
