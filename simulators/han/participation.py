"""How a device takes part in load control: which events it follows, when, and what it reports of them (pure).

Instants in, reports out; nothing waits here. A device follows one event at a time. Source: ZigBee Smart Energy 1.4,
D.2.3.3 (rules of overlapping and superseding events) and table D-6 (event status).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

from simulators.han.wire import Cancellation, LoadEvent

MOST_EVENTS = 10
"""Scheduled events that a device remembers; the specification asks for three at least."""
MOST_MINUTES = 1440
MANDATORY = (7, 8, 9)
"""Criticalities that expect everybody to take part: emergency, planned outage, service disconnect."""


class EventStatus(IntEnum):
    """What ReportEventStatus says of an event."""

    RECEIVED = 0x01
    STARTED = 0x02
    COMPLETED = 0x03
    OPTED_OUT = 0x04
    OPTED_IN = 0x05
    CANCELLED = 0x06
    SUPERSEDED = 0x07
    PARTLY_OPTED_OUT = 0x08
    PARTLY_OPTED_IN = 0x09
    DID_NOT_TAKE_PART = 0x0A
    INVALID_OPT_OUT = 0xF6
    NOT_FOUND = 0xF7
    INVALID_CANCEL = 0xF8
    INVALID_EFFECTIVE_TIME = 0xF9
    EXPIRED = 0xFB
    UNDEFINED = 0xFD
    REJECTED = 0xFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One status report: of which event, and at which instant it became so."""

    event: LoadEvent
    status: EventStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class Unknown:
    """A status report about an event that the device does not have."""

    event: int
    status: EventStatus
    at: datetime


@dataclass(slots=True)
class _Held:
    """An event that the device remembers: when it truly starts and ends, and what the customer chose."""

    event: LoadEvent
    starts_at: datetime
    ends_at: datetime
    started: bool = False
    took_part: bool = False
    left_out: bool = False
    opted_out: bool = False
    cancelled: bool = False


class Participation:
    """One device's part: the classes and the group that it is enrolled for, and the bounds of its random choice."""

    def __init__(
        self,
        classes: int,
        group: int = 0,
        chance: Callable[[], float] = lambda: 0.0,
        start_minutes: int = 30,
        end_minutes: int = 30,
    ) -> None:
        self.classes, self.group = classes, group
        self.start_minutes, self.end_minutes = start_minutes, end_minutes
        self._chance = chance
        self._held: dict[int, _Held] = {}

    @property
    def following(self) -> LoadEvent | None:
        """The event that the device follows now."""
        return next((held.event for held in self._held.values() if held.started and not held.opted_out), None)

    def deadline(self) -> datetime | None:
        """When advance() is due next."""
        times = (held.ends_at if held.started else held.starts_at for held in self._held.values())
        return min(times, default=None)

    def hear(self, event: LoadEvent, now: datetime) -> list[Report | Unknown]:
        """Take an event. One that is not for this device is passed over in silence, as is a repetition."""
        if not event.classes & self.classes or event.group not in (0, self.group):
            return []
        if event.event in self._held and self._held[event.event].event == event:
            return []
        if event.minutes > MOST_MINUTES or event.minutes == 0 or not 1 <= event.criticality <= 0x0F:
            return [Report(event=event, status=EventStatus.REJECTED, at=now)]
        if event.ends_at <= now:
            return [Report(event=event, status=EventStatus.EXPIRED, at=now)]
        reports: list[Report | Unknown] = [Report(event=event, status=EventStatus.RECEIVED, at=now)]
        for held in list(self._held.values()):
            if held.event.event != event.event and not held.started and self._overlap(held.event, event):
                del self._held[held.event.event]  # the newer one takes the place of what has not begun
                reports.append(Report(event=held.event, status=EventStatus.SUPERSEDED, at=now))
        if len(self._held) >= MOST_EVENTS and event.event not in self._held:
            return [Report(event=event, status=EventStatus.REJECTED, at=now)]
        starts_at = event.starts_at + self._roll(event.random_start, self.start_minutes)
        ends_at = event.ends_at + self._roll(event.random_end, self.end_minutes)
        before = self._held.get(event.event)
        self._held[event.event] = _Held(event, min(starts_at, ends_at), ends_at)
        if before is not None and before.started:
            self._held[event.event].started = self._held[event.event].took_part = True
        return reports + self.advance(now)

    def cancel(self, order: Cancellation, now: datetime) -> list[Report | Unknown]:
        """End one event, now or at its effective time."""
        held = self._held.get(order.event)
        if held is None:
            return [Unknown(order.event, EventStatus.UNDEFINED, now)]
        if order.classes & held.event.classes == 0 or order.group not in (0, self.group):
            return [Report(event=held.event, status=EventStatus.INVALID_CANCEL, at=now)]
        if order.at is not None and order.at >= held.ends_at:
            return [Report(event=held.event, status=EventStatus.INVALID_EFFECTIVE_TIME, at=now)]
        held.cancelled = True
        held.ends_at = (order.at or now) + self._roll(order.random, self.end_minutes)
        held.starts_at = min(held.starts_at, held.ends_at) if held.started else held.ends_at
        return self.advance(now)

    def cancel_all(self, now: datetime, *, random: bool) -> list[Report | Unknown]:
        """End every event."""
        reports: list[Report | Unknown] = []
        for held in list(self._held.values()):
            order = Cancellation(event=held.event.event, classes=0xFFFF, group=0, random=random, at=None)
            reports += self.cancel(order, now)
        return reports

    def opt_out(self, number: int, now: datetime) -> list[Report | Unknown]:
        """The customer leaves an event, before or during it."""
        held = self._held.get(number)
        if held is None or held.opted_out:
            return [Unknown(number, EventStatus.INVALID_OPT_OUT, now)]
        held.opted_out = held.left_out = True
        return [Report(event=held.event, status=EventStatus.OPTED_OUT, at=now)]

    def opt_in(self, number: int, now: datetime) -> list[Report | Unknown]:
        """The customer comes back to an event."""
        held = self._held.get(number)
        if held is None or not held.opted_out:
            return []
        held.opted_out = False
        held.took_part |= held.started
        return [Report(event=held.event, status=EventStatus.OPTED_IN, at=now)]

    def advance(self, now: datetime) -> list[Report | Unknown]:
        """Let events begin and end that are due, in the order of their instants."""
        reports: list[Report | Unknown] = []
        while (due := self.deadline()) is not None and due <= now:
            ending = [held for held in self._held.values() if (held.started or held.cancelled) and held.ends_at == due]
            if ending:
                reports.append(self._end(ending[0], due))
            else:
                starting = [held for held in self._held.values() if not held.started and held.starts_at == due]
                reports += self._start(starting[0], due)
        return reports

    def _start(self, held: _Held, now: datetime) -> list[Report | Unknown]:
        """Begin an event; whatever was followed until now gives way to it."""
        reports: list[Report | Unknown] = []
        for other in [each for each in self._held.values() if each.started and each is not held]:
            del self._held[other.event.event]
            reports.append(Report(event=other.event, status=EventStatus.SUPERSEDED, at=now))
        held.started = True
        if held.opted_out:
            return reports
        held.took_part = True
        return [*reports, Report(event=held.event, status=EventStatus.STARTED, at=now)]

    def _end(self, held: _Held, now: datetime) -> Report:
        del self._held[held.event.event]
        if held.cancelled:
            status = EventStatus.CANCELLED
        elif not held.left_out:
            status = EventStatus.COMPLETED
        elif not held.took_part:
            status = EventStatus.DID_NOT_TAKE_PART
        else:
            status = EventStatus.PARTLY_OPTED_OUT if held.opted_out else EventStatus.PARTLY_OPTED_IN
        return Report(event=held.event, status=status, at=now)

    def _roll(self, wanted: bool, minutes: int) -> timedelta:
        """A random span within the bounds, whole seconds."""
        return timedelta(seconds=int(self._chance() * 60 * minutes)) if wanted else timedelta()

    @staticmethod
    def _overlap(one: LoadEvent, other: LoadEvent) -> bool:
        return one.starts_at < other.ends_at and other.starts_at < one.ends_at and bool(one.classes & other.classes)


def effect(event: LoadEvent | None, device_classes: int) -> LoadEvent | None:
    """The part of an event that a device of some classes must carry out, None if none."""
    if event is None or not event.classes & device_classes:
        return None
    return replace(event, classes=event.classes & device_classes)
