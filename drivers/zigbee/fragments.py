"""Messages that are longer than a frame: what fits one, cutting them up, and putting them together again (pure).

The co-processor repeats and encrypts each fragment by itself; what belongs together, and when it is complete, is the
host's business. Source: ZigBee specification 05-3474, section 2.2.8.4.5 and 2.2.9; EZSP (Silicon Labs UG100): a
fragment's group id has its index below, and in the first one the number of all above. Smart Energy sends one at a time
(a window of 1), so that every fragment is acknowledged by itself: by its index below and all ones above.
"""

from dataclasses import dataclass, field

MAX_PAYLOAD = 82
ENCRYPTION_COST, FRAGMENT_COST = 9, 2
"""Bytes of a frame's payload that are lost to its headers. A source route would cost more, but we use none."""

MOST_FRAGMENTS = 32
"""Of one message, some 2.3 kB: more than any command of the profile and than a tunnel's transfer needs."""

MOST_MESSAGES, MOST_OF_ONE = 8, 2
"""How many messages may be incomplete at once, and how many of one sender."""

MOST_DONE = 16
"""How many complete messages are known by their numbers, should their last acknowledgement have been lost."""

PATIENCE_S = 10.0
"""How long an incomplete message waits for its next fragment, and a complete one is known."""


class TooLong(ValueError):
    """A message that even fragments cannot carry."""


def room(*, encrypted: bool, in_fragments: bool = False) -> int:
    """How many bytes one frame carries."""
    return MAX_PAYLOAD - ENCRYPTION_COST * encrypted - FRAGMENT_COST * in_fragments


def cut(data: bytes, size: int) -> list[bytes]:
    """A message's fragments, each of a size but for the last. Raises TooLong."""
    fragments = [data[at : at + size] for at in range(0, len(data), size)]
    if len(fragments) > MOST_FRAGMENTS:
        raise TooLong(f"{len(data)} bytes are more than {MOST_FRAGMENTS} fragments of {size}")
    return fragments


def group(count: int, index: int) -> int:
    """The group id of a fragment that is sent."""
    return count << 8 | index


def acknowledgement(index: int) -> int:
    """The group id that acknowledges a fragment."""
    return 0xFF00 | index


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What all fragments of a message have in common. Encrypted ones and plain ones are never one message's."""

    sender: int
    sequence: int
    profile: int
    cluster: int
    endpoints: tuple[int, int]
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a fragment: whether to acknowledge it, and the whole message if that is complete now."""

    acknowledged: bool
    whole: bytes | None = None


REFUSED, KEPT = Taken(False), Taken(True)


@dataclass(slots=True)
class _Message:
    """One on its way in; count is None until the first fragment is there."""

    until_s: float
    count: int | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)

    def fits(self, index: int, count: int | None) -> bool:
        """Whether a fragment can be one of these."""
        if count is not None and (not 1 <= count <= MOST_FRAGMENTS or max(self.pieces, default=0) >= count):
            return False
        known = self.count if self.count is not None else count
        contradicted = None not in (self.count, count) and self.count != count
        return not contradicted and index < (MOST_FRAGMENTS if known is None else known)


class Assembler:
    """Messages on their way in. It keeps a bounded number of bytes, whatever comes, and forgets what stays unfinished.

    now_s is monotonic seconds.
    """

    def __init__(self) -> None:
        self._messages: dict[Origin, _Message] = {}
        self._done: dict[Origin, float] = {}

    @property
    def unfinished(self) -> int:
        """How many messages are incomplete."""
        return len(self._messages)

    def take(self, origin: Origin, group_id: int, data: bytes, now_s: float) -> Taken:
        """A fragment. One that was there before is acknowledged again, and a message is complete only once."""
        self._expire(now_s)
        index, count = group_id & 0xFF, None if group_id & 0xFF else group_id >> 8
        if origin in self._done:
            return KEPT
        message = self._messages.get(origin)
        if message is None:
            message = _Message(now_s + PATIENCE_S)
            if not self._has_room(origin) or not message.fits(index, count):
                return REFUSED
            self._messages[origin] = message
        elif not message.fits(index, count):
            del self._messages[origin]
            return REFUSED
        if index in message.pieces:
            return KEPT
        message.count = count if message.count is None else message.count
        message.pieces[index] = data
        message.until_s = now_s + PATIENCE_S
        return self._finished(origin, message, now_s)

    def _finished(self, origin: Origin, message: _Message, now_s: float) -> Taken:
        if message.count is None or len(message.pieces) < message.count:
            return KEPT
        del self._messages[origin]
        if len(self._done) >= MOST_DONE:
            del self._done[next(iter(self._done))]
        self._done[origin] = now_s + PATIENCE_S
        return Taken(True, b"".join(message.pieces[index] for index in range(message.count)))

    def _has_room(self, origin: Origin) -> bool:
        of_one = sum(one.sender == origin.sender for one in self._messages)
        return len(self._messages) < MOST_MESSAGES and of_one < MOST_OF_ONE

    def _expire(self, now_s: float) -> None:
        self._messages = {one: message for one, message in self._messages.items() if message.until_s > now_s}
        self._done = {one: until_s for one, until_s in self._done.items() if until_s > now_s}
