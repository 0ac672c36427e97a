"""Smart Energy commands as an Energy Services Interface writes and reads them: wire.py from the other end (pure).

The words are those of wire.py, one class per fact. Source: ZigBee Smart Energy 1.4 (17-05019-001), annexes D.2 (DRLC),
D.4 (Price) and D.5 (Messaging).
"""

from dataclasses import dataclass
from datetime import datetime

from simulators.han.wire import (
    FOR_EVER,
    NOW,
    UNUSED_CYCLE,
    UNUSED_LOAD,
    UNUSED_OFFSET,
    UNUSED_POINT,
    Cancellation,
    LoadEvent,
    Message,
    PublishedPrice,
    instant,
    utc,
)
from simulators.zigbee.octets import Octets, counted, unsigned

LONGEST_LABEL = 11
"""Bytes of a rate label: the field has 12, its count among them."""
_UNUSED_TAIL = bytes.fromhex("ff ffffffff ff ffffffff ff ff ff")
"""Price ratio, generation price and ratio, alternate cost with unit and digits, block thresholds: none is used."""


def _minutes(starts_at: datetime, ends_at: datetime | None) -> int:
    return FOR_EVER if ends_at is None else int((ends_at - starts_at).total_seconds()) // 60


def published(price: PublishedPrice, now: datetime, tiers: int) -> bytes:
    """PublishPrice (D.4.2.4.1) of a tariff with so many tiers; the register of the same number counts its energy."""
    head = unsigned(price.provider, 4) + counted(price.label.encode()[:LONGEST_LABEL]) + unsigned(price.event, 4)
    head += unsigned(utc(now), 4) + unsigned(price.unit, 1) + unsigned(price.currency, 2)
    head += bytes((price.digits << 4 | price.tier, tiers << 4 | price.tier))
    head += unsigned(utc(price.starts_at), 4) + unsigned(_minutes(price.starts_at, price.ends_at), 2)
    return head + unsigned(price.price, 4) + _UNUSED_TAIL + unsigned(price.wants_ack, 1)


def display_message(message: Message) -> bytes:
    """DisplayMessage (D.5.2.3.1), for the home-area network alone."""
    control = message.importance << 2 | 0x80 * message.wants_confirmation
    head = unsigned(message.message, 4) + unsigned(control, 1) + unsigned(utc(message.starts_at), 4)
    return head + unsigned(_minutes(message.starts_at, message.ends_at), 2) + counted(message.text.encode())


def cancel_message(number: int) -> bytes:
    """CancelMessage (D.5.2.3.2)."""
    return unsigned(number, 4) + b"\x00"


def load_control_event(event: LoadEvent) -> bytes:
    """LoadControlEvent (D.2.2.3.1)."""
    head = unsigned(event.event, 4) + unsigned(event.classes, 2) + unsigned(event.group, 1)
    head += unsigned(utc(event.starts_at), 4) + unsigned(event.minutes, 2) + unsigned(event.criticality, 1)
    for offset in (event.cooling_offset, event.heating_offset):
        head += unsigned(UNUSED_OFFSET if offset is None else offset, 1)
    for point in (event.cooling_point, event.heating_point):
        head += (UNUSED_POINT if point is None else point).to_bytes(2, "little", signed=True)
    head += (UNUSED_LOAD if event.average_load is None else event.average_load).to_bytes(1, "little", signed=True)
    head += unsigned(UNUSED_CYCLE if event.duty_cycle is None else event.duty_cycle, 1)
    return head + unsigned(event.random_start | event.random_end << 1, 1)


def cancel_event(order: Cancellation) -> bytes:
    """CancelLoadControlEvent (D.2.2.3.2)."""
    head = unsigned(order.event, 4) + unsigned(order.classes, 2) + unsigned(order.group, 1)
    return head + unsigned(order.random, 1) + unsigned(NOW if order.at is None else utc(order.at), 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a device answered about a price, a text or an event of a number, at an instant by its own clock.

    status is an event's (participation.EventStatus), response what the customer wrote to a text.
    """

    number: int
    at: datetime
    status: int = 0
    response: str = ""


def price_acknowledged(octets: Octets, now: datetime) -> Told:
    """PriceAcknowledgement (D.4.2.3.4). Raises Malformed."""
    octets.take(4)
    return Told(number=octets.unsigned(4), at=instant(octets.unsigned(4), now))


def message_confirmed(octets: Octets, now: datetime) -> Told:
    """MessageConfirmation (D.5.2.4.2). Raises Malformed."""
    number, at = octets.unsigned(4), instant(octets.unsigned(4), now)
    octets.take(min(1, octets.left))
    return Told(number=number, at=at, response=octets.counted().decode(errors="replace") if octets.left else "")


def status_reported(octets: Octets, now: datetime) -> Told:
    """ReportEventStatus (D.2.2.4.1); what was applied, and the signature, are passed over. Raises Malformed."""
    number, status = octets.unsigned(4), octets.unsigned(1)
    return Told(number=number, at=instant(octets.unsigned(4), now), status=status)


def asked_from(octets: Octets, now: datetime) -> tuple[datetime, int | None]:
    """The body of GetScheduledPrices and GetScheduledEvents: since when, and how many (None: all). Raises Malformed."""
    start, count = instant(octets.unsigned(4), now), octets.unsigned(1)
    return start, count or None
