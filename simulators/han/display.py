"""An in-home display: the price, the text, the demand and the energy that it was told, and a picture of its face.

Pure: instants and what was heard in, a state and an SVG out.
"""

from dataclasses import dataclass, field
from datetime import datetime
from html import escape

from gateway.clock import CENTRAL
from simulators.han.wire import Message, PublishedPrice

MOST_PRICES = 8
_CURRENCIES = {840: "$", 978: "€", 826: "£"}
_WIDTH, _HEIGHT = 360, 220
_LINE = 34
"""Characters of a text that fit one line of the face."""
_MOST_LINES = 3


@dataclass(slots=True)
class Display:
    """What the display knows; the newest price for an instant wins, and a text stands until it ends or is cancelled.

    demand_w and delivered_wh are what its meter last told, None if none tells.
    """

    name: str = "Home display"
    prices: list[PublishedPrice] = field(default_factory=list)
    text: Message | None = None
    demand_w: int | None = None
    delivered_wh: int | None = None
    confirmed: bool = False

    def price_heard(self, price: PublishedPrice) -> None:
        """Keep a price; an older one of the same time gives way."""
        kept = [each for each in self.prices if each.event != price.event]
        self.prices = sorted([*kept, price], key=lambda each: (each.starts_at, each.event))[-MOST_PRICES:]

    def text_heard(self, message: Message) -> None:
        """Show a text instead of the one before."""
        self.text, self.confirmed = message, False

    def text_cancelled(self, number: int) -> None:
        """Take a text off the face, if it is the one that stands there."""
        if self.text is not None and self.text.message == number:
            self.text = None

    def price_at(self, now: datetime) -> PublishedPrice | None:
        """The price that holds at an instant: of those that have begun and not ended, the newest event."""
        holding = [p for p in self.prices if p.starts_at <= now and (p.ends_at is None or now < p.ends_at)]
        return max(holding, key=lambda price: price.event, default=None)

    def text_at(self, now: datetime) -> Message | None:
        """The text that stands on the face at an instant."""
        text = self.text
        if text is None or now < text.starts_at or (text.ends_at is not None and now >= text.ends_at):
            return None
        return text

    def picture(self, now: datetime) -> str:
        """The face as SVG, as the customer sees it at an instant."""
        price, text = self.price_at(now), self.text_at(now)
        rows = [
            _words(16, 30, 13, "#8a9a8f", self.name),
            _words(_WIDTH - 16, 30, 13, "#8a9a8f", f"{now.astimezone(CENTRAL):%a %H:%M}", "end"),
            _words(16, 84, 40, "#f4f1e6", _money(price) if price else "no price"),
            _words(16, 106, 13, "#8a9a8f", _tier(price) if price else "The utility has not published one."),
            _words(_WIDTH - 16, 84, 22, "#f4f1e6", _demand(self.demand_w), "end"),
            _words(_WIDTH - 16, 106, 13, "#8a9a8f", _energy(self.delivered_wh), "end"),
        ]
        if text is not None:
            colour = "#e9b44c" if text.importance >= 2 else "#f4f1e6"
            rows += [_words(16, 142 + 20 * n, 15, colour, line) for n, line in enumerate(_lines(text.text))]
            if text.wants_confirmation:
                rows.append(_words(16, 206, 13, "#8a9a8f", "Confirmed" if self.confirmed else "Press OK to confirm"))
        face = f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="14" fill="#17231d"/>'
        size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        title = f"<title>{escape(self.name)}</title>"
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{title}{face}{"".join(rows)}</svg>\n'


def _words(x: int, y: int, size: int, colour: str, text: str, anchor: str = "start") -> str:
    place = f'x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
    return f'<text {place} font-family="system-ui, sans-serif">{escape(text)}</text>'


def _money(price: PublishedPrice) -> str:
    amount = f"{price.price / 10**price.digits:.{price.digits}f}"
    return f"{_CURRENCIES.get(price.currency, '')}{amount}/kWh"


def _tier(price: PublishedPrice) -> str:
    label = price.label or f"Tier {price.tier}"
    ends = f", until {price.ends_at.astimezone(CENTRAL):%H:%M}" if price.ends_at else ""
    return label + ends


def _demand(demand_w: int | None) -> str:
    return "" if demand_w is None else f"{demand_w / 1000:.2f} kW"


def _energy(delivered_wh: int | None) -> str:
    return "" if delivered_wh is None else f"{delivered_wh / 1000:,.1f} kWh"


def _lines(text: str) -> list[str]:
    """A text cut at spaces to the lines of the face; what does not fit ends in an ellipsis."""
    lines, line = list[str](), ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][: _LINE - 1] + "…"]
    return [each[:_LINE] for each in lines]
