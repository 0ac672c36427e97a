"""A month of days by times of day as an SVG heat map and its table twin, in the page's own colours (pure).

Columns are the slots of portal.usage.slots, so that a time of day stands beneath itself on every day: a month in which
summer time ends has 100 of them, and a day that lacks an hour leaves it out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from portal.pages.chart import LEFT, WIDTH, times_of
from portal.pages.day_view import NAMES
from portal.pages.formats import ABSENT, thousandths
from portal.usage.intervals import MeterDay
from portal.usage.slots import REPEATED, SLOTS, labels, slots_in

TOP, ROW, LEGEND = 8, 15, 76
LEVELS = 7
ROUND = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
"""Tenths of a power of ten that are round enough for the width of a shade."""
QUARTERS_AN_HOUR = 4
NO_TIME = "\N{EN DASH}"
"""What stands in the table for a time that the clocks left out on that day, or that came once only."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A time of a day: from when to when, Wh (None: missing), whether any of it is an estimate."""

    hours: str
    wh: int | None
    estimated: bool

    @property
    def words(self) -> str:
        """As it is read out."""
        return f"{self.hours}, {thousandths(self.wh)}{' kWh' if self.wh is not None else ''}{self.mark}"

    @property
    def mark(self) -> str:
        """What the value lacks."""
        return ", missing" if self.wh is None else ", estimated" if self.estimated else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """One channel's days: the figure, the heads of its table's columns, and a row of cells for each day."""

    words: str
    svg: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def heat_map(days: Sequence[tuple[date, MeterDay | None]], *, by_hour: bool) -> HeatMap | None:
    """The heat map of the days of one channel, in time order; None if none of them is stored."""
    held = [data for _, data in days if data is not None]
    if not held:
        return None
    grouped = QUARTERS_AN_HOUR if by_hour else 1
    has_repeated = any(len(times_of(day).spans) == SLOTS for day, _ in days)
    columns = [slot for slot in range(0, SLOTS, grouped) if has_repeated or slot not in REPEATED]
    rows = [(day, _cells(day, data, grouped)) for day, data in days]
    words, name = NAMES[held[0].channel]
    return HeatMap(
        words=words,
        svg=_svg(rows, columns, words, name),
        heads=[labels(slot)[0] + (" again" if slot in REPEATED else "") for slot in columns],
        rows=[(f"{day:%a %m/%d/%Y}", [_text(cells.get(slot)) for slot in columns]) for day, cells in rows],
    )


def _cells(day: date, data: MeterDay | None, grouped: int) -> dict[int, Cell]:
    """A day's cells by the first slot of each."""
    times = times_of(day)
    count = len(times.spans)
    values = (None,) * count if data is None else data.values
    estimated = (False,) * count if data is None else data.estimated
    ends = [span.partition(" to ")[2] for span in times.spans]
    found: dict[int, Cell] = {}
    for first in range(0, count, grouped):
        last = first + grouped - 1
        some = values[first : last + 1]
        known = [value for value in some if value is not None]
        found[slots_in(count)[first]] = Cell(
            f"{times.starts[first]} to {ends[last]}",
            sum(known) if len(known) == len(some) else None,
            any(estimated[first : last + 1]),
        )
    return found


def _text(cell: Cell | None) -> str:
    if cell is None:
        return NO_TIME
    return ABSENT if cell.wh is None else f"{thousandths(cell.wh)}{' E' if cell.estimated else ''}"


def level_of(wh: int, step: int) -> int:
    """Which of the shades a value has: each is a step in Wh wide, the first holds all below it."""
    return min(LEVELS - 1, max(0, wh) // step)


def _svg(rows: Sequence[tuple[date, dict[int, Cell]]], columns: Sequence[int], words: str, name: str) -> str:
    known = [cell.wh for _, cells in rows for cell in cells.values() if cell.wh is not None]
    step = step_of(max(known, default=0))
    bottom = TOP + ROW * len(rows)
    height = bottom + LEGEND
    every = [cell for _, cells in rows for cell in cells.values()]
    told = (
        f"{len(rows)} days; total {thousandths(sum(known))} kWh; {sum(cell.wh is None for cell in every)} values "
        f"missing, {sum(cell.estimated for cell in every)} estimated. The table beneath has them all."
    )
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-words">',
        f'<title id="{name}-title">{escape(words)} by day and time</title><desc id="{name}-words">{told}</desc>',
        f'<defs><pattern id="{name}-gap" width="4" height="4" patternUnits="userSpaceOnUse">',
        '<path class="hatch" d="M0 4L4 0"/></pattern></defs>',
        *_rows(rows, columns, step, name),
        *_times(columns, bottom),
        *_legend(step, bottom + 30, name),
        "</svg>",
    ]
    return "".join(parts)


def step_of(highest_wh: int) -> int:
    """The width of a shade in Wh, a round number of which LEVELS reach the highest value."""
    least = -(-(highest_wh + 1) // LEVELS)
    power = int(10 ** (len(str(least)) - 1))
    return next(-(-tenths * power // 10) for tenths in ROUND if tenths * power >= 10 * least)


def _rows(rows: Sequence[tuple[date, dict[int, Cell]]], columns: Sequence[int], step: int, name: str) -> Iterator[str]:
    width = (WIDTH - LEFT) / len(columns)
    for row, (day, cells) in enumerate(rows):
        y = TOP + row * ROW
        weekend = " weekend" if day.weekday() >= 5 else ""
        yield f'<text class="axis{weekend}" x="{LEFT - 6}" y="{y + 11}" text-anchor="end">{day:%m/%d}</text>'
        for column, slot in enumerate(columns):
            cell = cells.get(slot)
            if cell is None:
                continue
            x = LEFT + column * width
            shade = f'fill="url(#{name}-gap)"' if cell.wh is None else f'class="{name} h{level_of(cell.wh, step)}"'
            yield (
                f'<rect {shade} x="{x:.1f}" y="{y}" width="{width - 0.6:.1f}" height="{ROW - 1}" '
                f'data-at="{row} {slot}">'
                f"<title>{day:%m/%d} {cell.words}</title></rect>"
            )
            if cell.estimated and cell.wh is not None:
                yield f'<circle class="mark" cx="{x + width / 2:.1f}" cy="{y + ROW / 2 - 0.5}" r="1.8"/>'


def _times(columns: Sequence[int], bottom: int) -> Iterator[str]:
    width = (WIDTH - LEFT) / len(columns)
    for column, slot in enumerate(columns):
        time = labels(slot)[0]
        hour, _, minute = time.partition(":")
        if minute == "00" and int(hour) % 3 == 0 and slot not in REPEATED:
            yield f'<text class="axis" x="{LEFT + column * width:.1f}" y="{bottom + 13}">{time}</text>'


def _legend(step: int, y: int, name: str) -> Iterator[str]:
    """Each shade with its kWh, and the marks for what is missing or estimated: nothing rests on colour alone."""
    pitch = (WIDTH - LEFT) // LEVELS
    for level in range(LEVELS):
        x = LEFT + level * pitch
        yield f'<rect class="{name} h{level}" x="{x}" y="{y}" width="16" height="11"/>'
        words = f"{'from ' if level else 'to '}{step * (level or 1) / 1000:g}{'' if level else ' kWh'}"
        yield f'<text class="axis" x="{x + 20}" y="{y + 9}">{words}</text>'
    x, y = LEFT, y + 18
    yield f'<rect fill="url(#{name}-gap)" x="{x}" y="{y}" width="16" height="11"/>'
    yield f'<text class="axis" x="{x + 20}" y="{y + 9}">missing</text>'
    x += pitch
    yield f'<rect class="{name} h2" x="{x}" y="{y}" width="16" height="11"/>'
    yield f'<circle class="mark" cx="{x + 8}" cy="{y + 5.5}" r="1.8"/>'
    yield f'<text class="axis" x="{x + 20}" y="{y + 9}">estimated</text>'
