"""One day's quarter hours as an SVG figure, in the page's own colours (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

from gateway.clock import CENTRAL, central_midnight, intervals_in
from portal.pages.formats import thousandths

WIDTH, HEIGHT = 760, 220
LEFT, TOP, BOTTOM = 46, 10, 198
GRID_LINES = 4
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Times:
    """The quarter hours of a day as people read them: each one's start, `17:30`, and span, `17:30 to 17:45`."""

    starts: tuple[str, ...]
    spans: tuple[str, ...]


@lru_cache(maxsize=2 * 366)
def times_of(day: date) -> Times:
    """A Chicago day's quarter hours: 92, 96 or 100 of them."""
    midnight, count = central_midnight(day), intervals_in(day)
    edges = tuple(local(midnight + place * QUARTER) for place in range(count + 1))
    return Times(edges[:-1], tuple(f"{start} to {end}" for start, end in pairwise(edges)))


@dataclass(frozen=True, slots=True)
class Bar:
    """A quarter hour: from when to when, its energy in Wh (None: not available), whether it is an estimate.

    why is the address that explains the estimate, empty if there is none.
    """

    start: str
    hours: str
    energy_wh: int | None
    estimated: bool = False
    why: str = ""

    @property
    def quality(self) -> str:
        """In the words of the legend and the table."""
        if self.energy_wh is None:
            return "not available"
        return "estimated" if self.estimated else "actual"


def local(instant: datetime) -> str:
    """The Central hour and minute, with the zone in the hour that autumn repeats."""
    here = instant.astimezone(CENTRAL)
    repeated = here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset()
    return here.strftime("%H:%M %Z" if repeated else "%H:%M")


def step_wh(highest_wh: int) -> int:
    """The spacing of the grid in Wh: 1, 2 or 5 times a power of ten, so that GRID_LINES of them reach the highest."""
    least = max(highest_wh, GRID_LINES) / GRID_LINES
    power = 10 ** floor(log10(least))
    return int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least))


def day_chart(bars: Sequence[Bar], title: str, name: str = "use", others: Sequence[int | None] = ()) -> str:
    """The figure of a day, bars in time order, as SVG markup without styles or scripts.

    Every bar carries its words; an absent value leaves a gap. The title is escaped here. name is the class of the bars,
    `use` or `give`, and makes the ids of one page's figures differ. others are what the bars are compared with, in Wh:
    a stepped line over them.
    """
    told = [*(bar.energy_wh for bar in bars), *others]
    highest_wh = max((wh for wh in told if wh is not None), default=0)
    step = step_wh(highest_wh)
    top_wh = step * max(1, ceil(highest_wh / step))
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-words">',
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(in_words(bars))}</desc>',
        *grid(step, top_wh),
        *_bars(bars, top_wh, name),
        line_of(others, top_wh),
        *_hours(bars),
        "</svg>",
    ]
    return "".join(parts)


def in_words(bars: Sequence[Bar]) -> str:
    """What the figure shows, for those who do not see it."""
    known = [bar for bar in bars if bar.energy_wh is not None]
    if not known:
        return f"{len(bars)} intervals of 15 minutes, none available."
    total = sum(bar.energy_wh or 0 for bar in known)
    highest = max(known, key=lambda bar: bar.energy_wh or 0)
    estimated = sum(bar.estimated for bar in known)
    missing = len(bars) - len(known)
    return (
        f"{len(bars)} intervals of 15 minutes; total {thousandths(total)} kWh; highest "
        f"{thousandths(highest.energy_wh)} kWh at {highest.start}; {estimated} estimated, {missing} missing."
    )


def grid(step: int, top_wh: int) -> list[str]:
    """Lines and their figures in kWh, from nothing to the top."""
    lines = []
    for value in range(0, top_wh + 1, step):
        y = _y(value, top_wh)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="axis" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value / 1000:g}</text>')
    return lines


def _bars(bars: Sequence[Bar], top_wh: int, name: str) -> Iterator[str]:
    slot = (WIDTH - LEFT) / max(1, len(bars))
    width, scale = f"{slot * 0.84:.1f}", (BOTTOM - TOP) / top_wh
    for index, bar in enumerate(bars):
        if bar.energy_wh is not None:
            height = bar.energy_wh * scale
            kind = f"{name} est" if bar.estimated else name
            yield (
                f'<rect class="{kind}" x="{LEFT + (index + 0.08) * slot:.1f}" y="{BOTTOM - height:.1f}" '
                f'width="{width}" height="{height:.1f}" rx="1"><title>{bar.hours}, {thousandths(bar.energy_wh)} kWh, '
                f"{bar.quality}</title></rect>"
            )


def line_of(others: Sequence[int | None], top_wh: int) -> str:
    """A stepped line over the bars, broken where a value is missing; nothing of no values."""
    if not others:
        return ""
    slot, steps, drawn = (WIDTH - LEFT) / len(others), list[str](), False
    for index, wh in enumerate(others):
        if wh is not None:
            x, y = LEFT + index * slot, _y(max(0, wh), top_wh)
            steps.append(f"{'V' if drawn else f'M{x:.1f} '}{y:.1f}H{x + slot:.1f}")
        drawn = wh is not None
    return f'<path class="other" d="{"".join(steps)}"/>'


def _hours(bars: Sequence[Bar]) -> list[str]:
    """Every third hour beneath its own interval: a day of 92 or 100 intervals is shown as it was."""
    slot = (WIDTH - LEFT) / max(1, len(bars))
    marks = []
    for index, bar in enumerate(bars):
        hour, _, minute = bar.start[:5].partition(":")
        if minute == "00" and int(hour) % 3 == 0:
            x = LEFT + index * slot
            marks.append(f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{hour}:00</text>')
    if bars:
        marks.append(f'<text class="axis" x="{WIDTH}" y="{HEIGHT - 5}" text-anchor="end">24:00</text>')
    return marks


def table_rows(bars: Sequence[Bar], more: Sequence[Sequence[str]] = ()) -> str:
    """The same as rows of a table: from when to when, kWh, quality, and the figures that more has of each."""
    return "\n".join(
        f'<tr><td class="t">{bar.hours}</td><td class="n">{thousandths(bar.energy_wh)}</td>'
        f"<td>{_quality(bar)}</td>{_figures(figures)}</tr>"
        for bar, figures in zip(bars, more or [()] * len(bars), strict=True)
    )


def _figures(figures: Sequence[str]) -> str:
    return "".join(f'<td class="n">{figure}</td>' for figure in figures)


def _quality(bar: Bar) -> str:
    return f'<a href="{bar.why}" title="Why this value">{bar.quality}</a>' if bar.why else bar.quality


def _y(value_wh: int, top_wh: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * value_wh / top_wh
