"""The Events cluster of a simulated meter: what its log holds, newest first, in pages; and what it tells unasked.

Event ids are the numbers that this make of meter gives its events (simulators.meter.EventKind). One request is answered
with one PublishEventLog, as many events as one encrypted frame holds; what is left, its total tells, and the request's
offset reaches. Nobody clears the log.

Source: ZigBee Cluster Library 8, section 10.11; Smart Energy 1.2, annex D.11.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from simulators.meter import EventKind, MeterEvent, SimMeter
from simulators.zigbee.octets import Octets, counted, unsigned
from simulators.zigbee.zcl import UNSUPPORTED_CLUSTER_COMMAND, Command, Reply, Value

EVENTS = 0x0709
PUBLISH_EVENT, PUBLISH_EVENT_LOG, CLEAR_EVENT_LOG_RESPONSE = 0x00, 0x01, 0x02
GET_EVENT_LOG, CLEAR_EVENT_LOG_REQUEST = 0x00, 0x01
MOST_IN_FRAME = 8
"""Events in one unfragmented encrypted answer: 73 bytes, less 3 of the header and 5 before the events, 8 for each."""
NO_LIMIT = (0, 0xFFFFFFFF)
"""End times that mean the present."""
_NONE_CLEARED, _NO_ACTION = 0, 0
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TOLD_AT_ONCE = (EventKind.TAMPERED, EventKind.POWER_BACK)


class Log(IntEnum):
    """The logs in which a meter keeps its events; as a question, ALL is every one."""

    ALL = 0
    TAMPER = 1
    FAULT = 2
    GENERAL = 3


class Events:
    """The server of the Events cluster; it has no attributes."""

    def __init__(self, meter: SimMeter) -> None:
        self._meter = meter

    def attributes(self) -> Sequence[int]:
        """None."""
        return ()

    def attribute(self, attribute: int) -> Value | None:
        """None."""
        return None

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        """Nothing happens when it is read."""
        return None

    def command(self, command: Command) -> Reply | int | None:
        """The log is asked for, or shall be cleared."""
        octets = Octets(command.body)
        match command.header.command:
            case 0x00:
                return self._published(octets)
            case 0x01:
                octets.take(1)
                return Reply(CLEAR_EVENT_LOG_RESPONSE, bytes((_NONE_CLEARED,)))
        return UNSUPPORTED_CLUSTER_COMMAND

    def _published(self, octets: Octets) -> Reply:
        """GetEventLog: the events of one log or of all, of one kind or (0) of all, between two instants."""
        log, kind = octets.unsigned(1) & 0x0F, octets.unsigned(2)
        start, end = octets.unsigned(4), octets.unsigned(4)
        count, offset = octets.unsigned(1), octets.unsigned(2)
        before = 0xFFFFFFFF if end in NO_LIMIT else end
        found = [
            event
            for event in reversed(self._meter.events)
            if log in (Log.ALL, log_of(event)) and kind in (0, event.kind) and start <= _seconds(event.at) <= before
        ]
        shown = found[offset : offset + min(count or MOST_IN_FRAME, MOST_IN_FRAME)]
        head = unsigned(len(found), 2) + bytes((0, 1, len(shown) << 4))
        lines = (bytes((log_of(event),)) + _head(event) + counted(b"") for event in shown)
        return Reply(PUBLISH_EVENT_LOG, head + b"".join(lines))


def log_of(event: MeterEvent) -> Log:
    """The log in which an event is kept."""
    return Log.TAMPER if event.kind in (EventKind.TAMPERED, EventKind.TAMPER_ENDED) else Log.GENERAL


def told_at_once(event: MeterEvent) -> bool:
    """Whether a meter tells its trust centre of an event unasked: its case was opened, or its power is back."""
    return event.kind in _TOLD_AT_ONCE


def published(event: MeterEvent) -> bytes:
    """The body of PublishEvent."""
    return bytes((log_of(event),)) + _head(event) + bytes((_NO_ACTION,)) + counted(b"")


def _head(event: MeterEvent) -> bytes:
    return unsigned(event.kind, 2) + unsigned(_seconds(event.at), 4)


def _seconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(seconds=1)
