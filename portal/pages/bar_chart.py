"""Days or months as an SVG figure of bars, in the page's own colours (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

from portal.pages.chart import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, grid, line_of, step_wh
from portal.pages.formats import thousandths

MOST_LABELS = 8
LETTER = 7
"""At most as wide is a figure of a label."""


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month: its words, and its energy in Wh (None: not available)."""

    words: str
    energy_wh: int | None


def bar_chart(periods: Sequence[Period], title: str, name: str, others: Sequence[int | None] = ()) -> str:
    """The figure as SVG markup without styles or scripts; every bar carries its words, an absent value leaves a gap.

    All texts are escaped here. name makes the ids of one page's figures differ. others are what the bars are compared
    with, in Wh: a stepped line over them.
    """
    known = [each.energy_wh for each in periods if each.energy_wh is not None]
    highest = max([*known, *(wh for wh in others if wh is not None)], default=0)
    step = step_wh(highest)
    top_wh = step * max(1, ceil(highest / step))
    words = f"{len(periods)} bars, {len(periods) - len(known)} not available; total {thousandths(sum(known))} kWh."
    slot, scale = (WIDTH - LEFT) / max(1, len(periods)), (BOTTOM - TOP) / top_wh
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-title {name}-words">',
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{words}</desc>',
        *grid(step, top_wh),
    ]
    every = max(1, ceil(len(periods) / MOST_LABELS))
    for place, each in enumerate(periods):
        x = LEFT + (place + 0.1) * slot
        if each.energy_wh is not None:
            height = max(0, each.energy_wh) * scale
            parts.append(
                f'<rect class="use" x="{x:.1f}" y="{BOTTOM - height:.1f}" width="{slot * 0.8:.1f}" '
                f'height="{height:.1f}" rx="1"><title>{escape(each.words)}, {thousandths(each.energy_wh)} kWh'
                "</title></rect>"
            )
        if place % every == 0:
            # At the edge a label ends there rather than being cut.
            middle = min(LEFT + (place + 0.5) * slot, WIDTH - len(each.words) * LETTER / 2)
            label = escape(each.words)
            parts.append(f'<text class="axis" x="{middle:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{label}</text>')
    return "".join([*parts, line_of(others, top_wh), "</svg>"])
