"""One day's quarter hours as an SVG figure, in the page's own colours (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from math import ceil, floor, log10

from gateway.clock import CENTRAL
from portal.pages.formats import thousandths

WIDTH, HEIGHT = 760, 220
LEFT, TOP, BOTTOM = 46, 10, 198
GRID_LINES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A quarter hour: its start (aware), its energy in Wh (None: not available), whether it is an estimate."""

    start: datetime
    end: datetime
    energy_wh: int | None
    estimated: bool = False

    @property
    def quality(self) -> str:
        """In the words of the legend and the table."""
        if self.energy_wh is None:
            return "not available"
        return "estimated" if self.estimated else "actual"

    @property
    def hours(self) -> str:
        """From when to when, Central: `17:30 to 17:45`."""
        return f"{local(self.start)} to {local(self.end)}"


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


def day_chart(bars: Sequence[Bar], title: str, name: str = "use") -> str:
    """The figure of a day, bars in time order, as SVG markup without styles or scripts.

    Every bar carries its words; an absent value leaves a gap. The title is escaped here. name is the class of the bars,
    `use` or `give`, and makes the ids of one page's figures differ.
    """
    highest_wh = max((bar.energy_wh for bar in bars if bar.energy_wh is not None), default=0)
    step = step_wh(highest_wh)
    top_wh = step * max(1, ceil(highest_wh / step))
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-words">',
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(in_words(bars))}</desc>',
        *_grid(step, top_wh),
        *(_bar(bar, index, len(bars), top_wh, name) for index, bar in enumerate(bars) if bar.energy_wh is not None),
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
        f"{thousandths(highest.energy_wh)} kWh at {local(highest.start)}; {estimated} estimated, {missing} missing."
    )


def _grid(step: int, top_wh: int) -> list[str]:
    lines = []
    for value in range(0, top_wh + 1, step):
        y = _y(value, top_wh)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="axis" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value / 1000:g}</text>')
    return lines


def _bar(bar: Bar, index: int, count: int, top_wh: int, name: str) -> str:
    slot = (WIDTH - LEFT) / count
    y = _y(bar.energy_wh or 0, top_wh)
    words = escape(f"{bar.hours}, {thousandths(bar.energy_wh)} kWh, {bar.quality}")
    kind = f"{name} est" if bar.estimated else name
    return (
        f'<rect class="{kind}" x="{LEFT + index * slot + slot * 0.08:.1f}" y="{y:.1f}" width="{slot * 0.84:.1f}" '
        f'height="{BOTTOM - y:.1f}" rx="1"><title>{words}</title></rect>'
    )


def _hours(bars: Sequence[Bar]) -> list[str]:
    """Every third hour beneath its own interval: a day of 92 or 100 intervals is shown as it was."""
    slot = (WIDTH - LEFT) / max(1, len(bars))
    marks = []
    for index, bar in enumerate(bars):
        here = bar.start.astimezone(CENTRAL)
        if here.minute == 0 and here.hour % 3 == 0:
            x = LEFT + index * slot
            marks.append(f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{here:%H:%M}</text>')
    if bars:
        marks.append(f'<text class="axis" x="{WIDTH}" y="{HEIGHT - 5}" text-anchor="end">24:00</text>')
    return marks


def _y(value_wh: int, top_wh: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * value_wh / top_wh
