"""What a meter notes of its home-area network: who came, who was kept out and why, what was published and answered."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_NOTES = 500


class What(StrEnum):
    """What happened."""

    EXPECTED = "expected"
    WINDOW_OPENED = "window_opened"
    WINDOW_CLOSED = "window_closed"
    KEY_EXPIRED = "key_expired"
    DENIED = "denied"
    KEY_SENT = "key_sent"
    JOINED = "joined"
    REJOINED = "rejoined"
    REGISTERED = "registered"
    KEY_FAILED = "key_failed"
    LEFT = "left"
    REMOVED = "removed"
    NETWORK_KEY_CHANGED = "network_key_changed"
    STRANGER = "stranger"
    PLAIN = "plain"
    REPLAYED = "replayed"
    UNREADABLE = "unreadable"
    DELIVERED = "delivered"
    NOT_DELIVERED = "not_delivered"
    PRICE_ACKNOWLEDGED = "price_acknowledged"
    TEXT_CONFIRMED = "text_confirmed"
    EVENT_STATUS = "event_status"


ANSWERS = frozenset((What.PRICE_ACKNOWLEDGED, What.TEXT_CONFIRMED, What.EVENT_STATUS))
"""What devices say to what was published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line: at which instant of the meter's, about which device (None: none), of which published number."""

    at: datetime
    what: What
    device: int | None = None
    number: int | None = None
    words: str = ""


class Log:
    """The newest notes, the last of them last, and the newest answers, which no flood of other notes washes away.

    counts has how often each thing happened in all.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.notes: deque[Note] = deque(maxlen=MOST_NOTES)
        self.answers: deque[Note] = deque(maxlen=MOST_NOTES)
        self.counts = dict.fromkeys(What, 0)

    def note(self, what: What, device: int | None = None, number: int | None = None, words: str = "") -> None:
        """Write a line."""
        self.counts[what] += 1
        note = Note(at=self._now(), what=what, device=device, number=number, words=words)
        self.notes.append(note)
        if what in ANSWERS:
            self.answers.append(note)

    def of(self, device: int) -> list[Note]:
        """The lines about one device."""
        return [note for note in self.notes if note.device == device]
