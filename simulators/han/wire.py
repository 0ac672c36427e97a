"""Smart Energy commands as devices read and write them: prices, texts and load control, out of bytes and into them.

Source: ZigBee Smart Energy 1.4 (17-05019-001), annexes D.2 (DRLC), D.4 (Price) and D.5 (Messaging). Fields that later
versions appended may be missing, and more may follow. Instants are seconds of the cluster library's clock, which
starts in 2000; 0 means now.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulators.zigbee.octets import Octets, counted, unsigned

PRICE, LOAD_CONTROL, MESSAGING = 0x0700, 0x0701, 0x0703
PUBLISH_PRICE, GET_CURRENT_PRICE, GET_SCHEDULED_PRICES, ACKNOWLEDGE_PRICE = 0x00, 0x00, 0x01, 0x02
EVENT, CANCEL_EVENT, CANCEL_ALL_EVENTS, REPORT_STATUS, GET_SCHEDULED_EVENTS = 0x00, 0x01, 0x02, 0x00, 0x01
DISPLAY, CANCEL_MESSAGE, GET_LAST_MESSAGE, CONFIRM_MESSAGE = 0x00, 0x01, 0x00, 0x01
NOW, FOR_EVER = 0, 0xFFFF
UNUSED_OFFSET, UNUSED_POINT, UNUSED_LOAD, UNUSED_CYCLE = 0xFF, -0x8000, -0x80, 0xFF
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def utc(instant: datetime) -> int:
    """An instant on the cluster library's clock, whole seconds."""
    return int((instant - _EPOCH).total_seconds())


def instant(seconds: int, now: datetime) -> datetime:
    """What a time field means: 0 is now."""
    return now if seconds == NOW else _EPOCH + timedelta(seconds=seconds)


def _signed(octets: Octets, size: int) -> int:
    return int.from_bytes(octets.take(size), "little", signed=True)


def _optional(octets: Octets, size: int, otherwise: int) -> int:
    """A field at the end that older versions do not send."""
    return octets.unsigned(size) if octets.left >= size else otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPrice:
    """A price for a kilowatt-hour: price x 10^-digits in a currency (ISO 4217). until None: until changed."""

    provider: int
    label: str
    event: int
    unit: int
    currency: int
    digits: int
    tier: int
    starts_at: datetime
    ends_at: datetime | None
    price: int
    wants_ack: bool


def published_price(octets: Octets, now: datetime) -> PublishedPrice:
    """PublishPrice (D.4.2.4.1). Raises Malformed."""
    provider, label, event = octets.unsigned(4), octets.counted(), octets.unsigned(4)
    octets.take(4)
    unit, currency, digits_and_tier = octets.unsigned(1), octets.unsigned(2), octets.unsigned(1)
    octets.take(1)
    start, duration, price = octets.unsigned(4), octets.unsigned(2), octets.unsigned(4)
    for size in (1, 4, 1, 4, 1, 1, 1):  # ratios, generation and alternate cost, number of block thresholds
        _optional(octets, size, 0)
    control = _optional(octets, 1, 0)
    starts_at = instant(start, now)
    return PublishedPrice(
        provider=provider,
        label=label.decode(errors="replace"),
        event=event,
        unit=unit,
        currency=currency,
        digits=digits_and_tier >> 4,
        tier=digits_and_tier & 15,
        starts_at=starts_at,
        ends_at=None if duration == FOR_EVER else starts_at + timedelta(minutes=duration),
        price=price,
        wants_ack=bool(control & 1),
    )


def price_acknowledgement(price: PublishedPrice, now: datetime) -> bytes:
    """PriceAcknowledgement (D.4.2.3.4)."""
    head = unsigned(price.provider, 4) + unsigned(price.event, 4)
    return head + unsigned(utc(now), 4) + unsigned(price.wants_ack, 1)


def get_current_price(awake: bool) -> bytes:
    """GetCurrentPrice (D.4.2.3.1); awake says that our receiver is on when idle."""
    return unsigned(awake, 1)


def from_start(start: int, count: int) -> bytes:
    """The body of GetScheduledPrices and GetScheduledEvents: from when on, and how many (0: all)."""
    return unsigned(start, 4) + unsigned(count, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadEvent:
    """A load-control event. Offsets are tenths, points hundredths of a degree Celsius; None is not used."""

    event: int
    classes: int
    group: int
    starts_at: datetime
    minutes: int
    criticality: int
    cooling_offset: int | None
    heating_offset: int | None
    cooling_point: int | None
    heating_point: int | None
    average_load: int | None
    duty_cycle: int | None
    random_start: bool
    random_end: bool

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself."""
        return self.starts_at + timedelta(minutes=self.minutes)


def load_event(octets: Octets, now: datetime) -> LoadEvent:
    """LoadControlEvent (D.2.2.3.1). Raises Malformed."""
    event, classes, group, start, minutes, criticality = (octets.unsigned(size) for size in (4, 2, 1, 4, 2, 1))
    cooling_offset, heating_offset = octets.unsigned(1), octets.unsigned(1)
    cooling_point, heating_point, average_load = _signed(octets, 2), _signed(octets, 2), _signed(octets, 1)
    duty_cycle, control = octets.unsigned(1), octets.unsigned(1)
    return LoadEvent(
        event=event,
        classes=classes,
        group=group,
        starts_at=instant(start, now),
        minutes=minutes,
        criticality=criticality,
        cooling_offset=_used(cooling_offset, UNUSED_OFFSET),
        heating_offset=_used(heating_offset, UNUSED_OFFSET),
        cooling_point=_used(cooling_point, UNUSED_POINT),
        heating_point=_used(heating_point, UNUSED_POINT),
        average_load=_used(average_load, UNUSED_LOAD),
        duty_cycle=_used(duty_cycle, UNUSED_CYCLE),
        random_start=bool(control & 1),
        random_end=bool(control & 2),
    )


def _used(value: int, unused: int) -> int | None:
    return None if value == unused else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The end of one event; at is None for at once."""

    event: int
    classes: int
    group: int
    random: bool
    at: datetime | None


def cancellation(octets: Octets, now: datetime) -> Cancellation:
    """CancelLoadControlEvent (D.2.2.3.2). Raises Malformed."""
    event, classes, group, control, at = (octets.unsigned(size) for size in (4, 2, 1, 1, 4))
    return Cancellation(
        event=event,
        classes=classes,
        group=group,
        random=bool(control & 1),
        at=None if at == NOW else instant(at, now),
    )


def status_report(event: int, status: int, at: datetime, following: LoadEvent | None) -> bytes:
    """ReportEventStatus (D.2.2.4.1), unsigned: what we do of the event that we follow, or nothing of an unknown one."""
    criticality = following.criticality if following else 0
    points = [following.cooling_point, following.heating_point] if following else [None, None]
    load, cycle = (following.average_load, following.duty_cycle) if following else (None, None)
    body = unsigned(event, 4) + unsigned(status, 1) + unsigned(utc(at), 4) + unsigned(criticality, 1)
    for point in points:
        body += (UNUSED_POINT if point is None else point).to_bytes(2, "little", signed=True)
    body += (UNUSED_LOAD if load is None else load).to_bytes(1, "little", signed=True)
    body += unsigned(UNUSED_CYCLE if cycle is None else cycle, 1)
    control = (following.random_start | following.random_end << 1) if following else 0
    return body + unsigned(control, 1) + unsigned(0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text for the customer; importance from 0 (low) to 3 (critical)."""

    message: int
    text: str
    importance: int
    wants_confirmation: bool
    starts_at: datetime
    ends_at: datetime | None


def message(octets: Octets, now: datetime) -> Message:
    """DisplayMessage (D.5.2.3.1). Raises Malformed."""
    number, control, start, minutes = (octets.unsigned(size) for size in (4, 1, 4, 2))
    text = octets.counted()
    starts_at = instant(start, now)
    return Message(
        message=number,
        text=text.decode(errors="replace"),
        importance=control >> 2 & 3,
        wants_confirmation=bool(control & 0x80),
        starts_at=starts_at,
        ends_at=None if minutes == FOR_EVER else starts_at + timedelta(minutes=minutes),
    )


def confirmation(number: int, at: datetime, response: str = "") -> bytes:
    """MessageConfirmation (D.5.2.4.2), with what the customer answered if there is more than a press of a button."""
    body = unsigned(number, 4) + unsigned(utc(at), 4)
    return body + (b"\x00" + counted(response.encode()[:20]) if response else b"")
