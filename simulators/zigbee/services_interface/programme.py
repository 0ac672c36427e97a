"""What a meter publishes to its home: prices by its tariff or by the head end, a text, load-control events (pure).

Instants are the meter's own. A price of the tariff is named by the instant at which its tier began, one of the head
end by the instant at which it was given, so that of two that hold the head end's is the newer and wins; with it the
tariff holds again when that has ended. Source: ZigBee Smart Energy 1.4, D.4.2.4.1 (newer events win).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.errors import BadInput
from simulators.han.participation import MOST_MINUTES
from simulators.han.published import LONGEST_LABEL
from simulators.han.wire import Cancellation, LoadEvent, Message, PublishedPrice, utc
from simulators.meter_log import OFF_PEAK, PEAK, tier_at

LABELS = {PEAK: "PEAK", OFF_PEAK: "OFF PEAK"}
DIGITS, DOLLARS, KWH = 4, 840, 0
LONGEST_TEXT = 200
"""Bytes of a text; from 58 on it goes in blocks."""
MOST_KEPT = 16
"""Prices, or events, that a meter remembers."""
MOST_SCHEDULED = 8
"""Prices that one request is answered with."""
_HOUR = timedelta(hours=1)
_AHEAD = timedelta(days=4)


class BadProgramme(BadInput):
    """Something that no meter can publish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a kilowatt-hour costs in each tier, in the ten-thousandths of a dollar."""

    peak: int = 2150
    off_peak: int = 980

    def at(self, instant: datetime, provider: int) -> PublishedPrice:
        """The price of the tier that holds at an instant, from its beginning to its end."""
        tier = tier_at(instant)
        begins = instant.replace(minute=0, second=0, microsecond=0)
        ends = begins + _HOUR
        while tier_at(begins - _HOUR) == tier:
            begins -= _HOUR
        while tier_at(ends) == tier:
            ends += _HOUR
        return PublishedPrice(
            provider=provider,
            label=LABELS[tier],
            event=utc(begins),
            unit=KWH,
            currency=DOLLARS,
            digits=DIGITS,
            tier=tier,
            starts_at=begins,
            ends_at=ends,
            price=self.peak if tier == PEAK else self.off_peak,
            wants_ack=False,
        )


class Programme:
    """All that a meter publishes. provider names the utility; without a tariff only the head end gives prices."""

    def __init__(self, provider: int, tariff: Tariff | None = None) -> None:
        self.provider, self.tariff = provider, tariff
        self.text: Message | None = None
        self._prices: list[PublishedPrice] = []
        self._events: dict[int, LoadEvent] = {}
        self._last = 0

    def _number(self, now: datetime) -> int:
        """A number for what is published now: it grows with time, and never repeats."""
        self._last = max(self._last + 1, utc(now) + 1)
        return self._last

    # Prices

    def give_price(
        self, now: datetime, *, price: int, label: str, starts_at: datetime, minutes: int | None, wants_ack: bool
    ) -> PublishedPrice:
        """The head end's price in ten-thousandths of a dollar; minutes None: until changed. Raises BadProgramme."""
        if not 0 <= price <= 0xFFFFFFFE or not (minutes is None or 0 < minutes < 0xFFFF):
            raise BadProgramme("a price is from 0 to 429496.7294 dollars, for 1 to 65534 minutes or until changed")
        if len(label.encode()) > LONGEST_LABEL:
            raise BadProgramme(f"a price's label has {LONGEST_LABEL} bytes at most")
        published = PublishedPrice(
            provider=self.provider,
            label=label,
            event=self._number(now),
            unit=KWH,
            currency=DOLLARS,
            digits=DIGITS,
            tier=tier_at(starts_at),
            starts_at=starts_at,
            ends_at=None if minutes is None else starts_at + timedelta(minutes=minutes),
            price=price,
            wants_ack=wants_ack,
        )
        kept = [each for each in self._prices if each.ends_at is None or each.ends_at > now]
        self._prices = [*kept, published][-MOST_KEPT:]
        return published

    def price_at(self, now: datetime) -> PublishedPrice | None:
        """The price that holds at an instant."""
        given = [
            each for each in self._prices if each.starts_at <= now and (each.ends_at is None or now < each.ends_at)
        ]
        newest = max(given, key=lambda each: each.event, default=None)
        if newest is not None or self.tariff is None:
            return newest
        return self.tariff.at(now, self.provider)

    def is_given(self, price: PublishedPrice) -> bool:
        """Whether a price is the head end's, and not the tariff's."""
        return price in self._prices

    def next_change(self, now: datetime) -> datetime | None:
        """When another price may hold; None if it never will."""
        instants = [at for each in self._prices for at in (each.starts_at, each.ends_at) if at is not None]
        if self.tariff is not None:
            ends_at = self.tariff.at(now, self.provider).ends_at
            assert ends_at is not None
            instants.append(ends_at)
        return min((at for at in instants if at > now), default=None)

    def prices_from(self, start: datetime, count: int | None) -> list[PublishedPrice]:
        """The prices that hold from an instant on, in the order in which they do, those of some days."""
        found: dict[int, PublishedPrice] = {}
        at: datetime | None = start
        while at is not None and at <= start + _AHEAD and len(found) < min(count or MOST_SCHEDULED, MOST_SCHEDULED):
            price = self.price_at(at)
            if price is not None:
                found.setdefault(price.event, price)
            at = self.next_change(at)
        return list(found.values())

    # Texts

    def give_text(
        self, now: datetime, *, text: str, importance: int, minutes: int | None, wants_confirmation: bool
    ) -> Message:
        """A text that takes the place of the last one. Raises BadProgramme."""
        if not 0 < len(text.encode()) <= LONGEST_TEXT:
            raise BadProgramme(f"a text has 1 to {LONGEST_TEXT} bytes, not {len(text.encode())}")
        if not 0 <= importance <= 3 or not (minutes is None or 0 < minutes < 0xFFFF):
            raise BadProgramme(
                "a text has an importance from 0 to 3, and stands for 1 to 65534 minutes or until changed"
            )
        self.text = Message(
            message=self._number(now),
            text=text,
            importance=importance,
            wants_confirmation=wants_confirmation,
            starts_at=now,
            ends_at=None if minutes is None else now + timedelta(minutes=minutes),
        )
        return self.text

    def text_at(self, now: datetime) -> Message | None:
        """The text that stands at an instant."""
        ended = self.text is not None and self.text.ends_at is not None and self.text.ends_at <= now
        return None if ended else self.text

    def take_text(self) -> Message:
        """The text does not stand any more. Raises BadProgramme if there is none."""
        if self.text is None:
            raise BadProgramme("no text stands")
        text, self.text = self.text, None
        return text

    # Load control

    def give_event(self, now: datetime, event: LoadEvent) -> LoadEvent:
        """An event, whose number is given here. Raises BadProgramme."""
        if not 0 < event.minutes <= MOST_MINUTES or not 1 <= event.criticality <= 0x0F or not event.classes:
            raise BadProgramme("an event has 1 to 1440 minutes, a criticality from 1 to 15, and some class of devices")
        numbered = replace(event, event=self._number(now))
        self._events[numbered.event] = numbered
        while len(self._events) > MOST_KEPT:
            del self._events[next(iter(self._events))]
        return numbered

    def events_from(self, start: datetime, count: int | None) -> list[LoadEvent]:
        """Events that have not ended at an instant, in the order of their beginnings."""
        found = sorted(
            (each for each in self._events.values() if each.ends_at > start), key=lambda each: each.starts_at
        )
        return found[:count]

    def take_event(self, number: int) -> Cancellation:
        """An event is cancelled, at once. Raises BadProgramme if there is none."""
        event = self._events.pop(number, None)
        if event is None:
            raise BadProgramme(f"no event {number} was published")
        random = event.random_end
        return Cancellation(event=number, classes=event.classes, group=event.group, random=random, at=None)
