"""The cluster servers of an Energy Services Interface, as one device meets them: its answers are told under its name.

Source: ZigBee Smart Energy 1.4, annexes A (Keep-Alive), D.2 (DRLC), D.4 (Price), D.5 (Messaging); ZigBee Cluster
Library 8, section 3.12 (Time).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gateway.clock import CENTRAL
from simulators.han import published, wire
from simulators.han.participation import EventStatus
from simulators.meter import SimMeter
from simulators.zigbee.clusters import Fixed
from simulators.zigbee.devices.panel import Client
from simulators.zigbee.octets import Octets
from simulators.zigbee.services_interface.log import What
from simulators.zigbee.services_interface.programme import LABELS, Programme
from simulators.zigbee.zcl import (
    BITMAP8,
    INT32,
    OCTETS,
    SUCCESS,
    UINT8,
    UINT16,
    UINT32,
    UNSUPPORTED_CLUSTER_COMMAND,
    Command,
    Reply,
    Value,
)
from simulators.zigbee.zcl import UTC as UTC_TIME

NOT_FOUND = 0x8B
TIERS = len(LABELS)
KEEP_ALIVE_MINUTES, KEEP_ALIVE_JITTER_S = 10, 300
_MASTER_OF_TIME_AND_ZONE = 0x05

Heard = Callable[[What, int, str], None]
"""Takes what a device answered: of which kind, to which number, in words."""
More = Callable[[int, int, bytes, int], None]
"""Sends a command more in answer to one: cluster, command, body, and the number of the transaction."""


def keep_alive() -> Fixed:
    """The Keep-Alive server: how often a device looks for its trust centre."""
    return Fixed({0x0000: Value(UINT8, KEEP_ALIVE_MINUTES), 0x0001: Value(UINT16, KEEP_ALIVE_JITTER_S)})


class Time(Client):
    """The meter's clock, with the rules of Central time; nobody sets it from the home."""

    def __init__(self, meter: SimMeter) -> None:
        self._meter = meter

    @property
    def values(self) -> dict[int, Value]:  # type: ignore[override]  # they follow the clock
        """Time, status, zone, begin and end and shift of daylight-saving time, standard and local time."""
        now = self._meter.now()
        local = now.astimezone(CENTRAL)
        offset, shift = (each or timedelta() for each in (local.utcoffset(), local.dst()))
        zone_s, shift_s = int((offset - shift).total_seconds()), 3600
        begins, ends = daylight_saving(local.year)
        return {
            0x0000: Value(UTC_TIME, wire.utc(now)),
            0x0001: Value(BITMAP8, _MASTER_OF_TIME_AND_ZONE),
            0x0002: Value(INT32, zone_s),
            0x0003: Value(UINT32, wire.utc(begins)),
            0x0004: Value(UINT32, wire.utc(ends)),
            0x0005: Value(INT32, shift_s),
            0x0006: Value(UINT32, wire.utc(now) + zone_s),
            0x0007: Value(UINT32, wire.utc(now) + int(offset.total_seconds())),
        }


@lru_cache(maxsize=16)
def daylight_saving(year: int) -> tuple[datetime, datetime]:
    """The instants at which daylight-saving time begins and ends in a year."""
    hours = (datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(hours=place) for place in range(24 * 365))
    changes, before = [], timedelta()
    for hour in hours:
        saved = hour.astimezone(CENTRAL).dst() or timedelta()
        if saved != before:
            changes.append(hour)
            before = saved
    begins, ends = changes
    return begins, ends


class Price(Client):
    """The Price server: the price of now, those to come, and who acknowledged."""

    def __init__(self, programme: Programme, now: Callable[[], datetime], heard: Heard, more: More) -> None:
        self._programme, self._now, self._heard, self._more = programme, now, heard, more
        self.values = {tier - 1: Value(OCTETS, label.encode()) for tier, label in LABELS.items()}

    def command(self, command: Command) -> Reply | int | None:
        """GetCurrentPrice, GetScheduledPrices, PriceAcknowledgement."""
        octets, now = Octets(command.body), self._now()
        match command.header.command:
            case wire.GET_CURRENT_PRICE:
                octets.take(1)
                price = self._programme.price_at(now)
                found = [] if price is None else [price]
            case wire.GET_SCHEDULED_PRICES:
                found = self._programme.prices_from(*published.asked_from(octets, now))
            case wire.ACKNOWLEDGE_PRICE:
                self._heard(What.PRICE_ACKNOWLEDGED, published.price_acknowledged(octets, now).number, "")
                return SUCCESS
            case _:
                return UNSUPPORTED_CLUSTER_COMMAND
        bodies = [published.published(price, now, TIERS) for price in found]
        return _answered(wire.PRICE, wire.PUBLISH_PRICE, bodies, command, self._more)


class Messaging(Client):
    """The Messaging server: the last text, and who confirmed it."""

    def __init__(self, programme: Programme, now: Callable[[], datetime], heard: Heard) -> None:
        self._programme, self._now, self._heard = programme, now, heard
        self.values = {}

    def command(self, command: Command) -> Reply | int | None:
        """GetLastMessage, MessageConfirmation."""
        now = self._now()
        match command.header.command:
            case wire.GET_LAST_MESSAGE:
                text = self._programme.text_at(now)
                return NOT_FOUND if text is None else Reply(wire.DISPLAY, published.display_message(text))
            case wire.CONFIRM_MESSAGE:
                told = published.message_confirmed(Octets(command.body), now)
                self._heard(What.TEXT_CONFIRMED, told.number, told.response)
                return SUCCESS
        return UNSUPPORTED_CLUSTER_COMMAND


class LoadControl(Client):
    """The server of Demand Response and Load Control: events that have not ended, and what devices make of them."""

    def __init__(self, programme: Programme, now: Callable[[], datetime], heard: Heard, more: More) -> None:
        self._programme, self._now, self._heard, self._more = programme, now, heard, more
        self.values = {}

    def command(self, command: Command) -> Reply | int | None:
        """GetScheduledEvents, ReportEventStatus."""
        octets, now = Octets(command.body), self._now()
        match command.header.command:
            case wire.GET_SCHEDULED_EVENTS:
                events = self._programme.events_from(*published.asked_from(octets, now))
                bodies = [published.load_control_event(event) for event in events]
                return _answered(wire.LOAD_CONTROL, wire.EVENT, bodies, command, self._more)
            case wire.REPORT_STATUS:
                told = published.status_reported(octets, now)
                self._heard(What.EVENT_STATUS, told.number, status_words(told.status))
                return SUCCESS
        return UNSUPPORTED_CLUSTER_COMMAND


def status_words(status: int) -> str:
    """An event's status by its name, or as a number where it has none."""
    return EventStatus(status).name.lower() if status in list(EventStatus) else f"status 0x{status:02X}"


def _answered(cluster: int, command: int, bodies: Sequence[bytes], asked: Command, more: More) -> Reply | int:
    """The first of some commands as the answer, the others after it; none is said by a status."""
    if not bodies:
        return NOT_FOUND
    for body in bodies[1:]:
        more(cluster, command, body, asked.header.tsn)
    return Reply(command, bodies[0])
