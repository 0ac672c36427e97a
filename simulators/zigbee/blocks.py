"""Messages that are too long for one frame: cut into blocks, and put together again (pure).

Source: ZigBee specification 05-3474, section 2.2.8.4.5; Smart Energy profiles send one block at a time.
"""

from dataclasses import dataclass, field, replace

from simulators.zigbee.air.aps import Block
from simulators.zigbee.aps import ApsMessage, room

LONGEST = 1024
"""Bytes that a node puts together at most."""


def cut(message: ApsMessage) -> list[ApsMessage]:
    """The blocks of a message; one that fits a frame is left alone. Frame counters are given out by who sends."""
    encrypted = message.key is not None
    if len(message.payload) <= room(encrypted):
        return [message]
    size = room(encrypted, in_blocks=True)
    pieces = [message.payload[at : at + size] for at in range(0, len(message.payload), size)]
    return [
        replace(message, payload=piece, block=Block(index=index, of=len(pieces))) for index, piece in enumerate(pieces)
    ]


@dataclass(slots=True)
class Assembly:
    """One message on its way in: of blocks in all, the pieces by index. whole is it once it is complete."""

    first: ApsMessage
    of: int
    pieces: dict[int, bytes] = field(default_factory=dict)

    def is_of(self, message: ApsMessage) -> bool:
        """Whether a block belongs to the same message."""
        ours, theirs = self.first, message
        return (ours.source, ours.sequence, ours.cluster) == (theirs.source, theirs.sequence, theirs.cluster)


class Assembler:
    """What a node holds of messages that are not complete: one at a time, the newest wins."""

    def __init__(self) -> None:
        self._current: Assembly | None = None

    def take(self, message: ApsMessage) -> ApsMessage | bool:
        """A block: the whole message with the last of them, else whether the block is acknowledged.

        A message has to begin with its first block, which alone tells how many there are.
        """
        block = message.block
        assert block is not None
        current = self._current
        if current is None or not current.is_of(message):
            if block.index != 0 or not 1 <= block.of * len(message.payload) <= LONGEST:
                return False
            current = self._current = Assembly(message, block.of)
        if block.index >= current.of:
            return False
        if block.index in current.pieces or len(current.pieces) == current.of:
            return True
        current.pieces[block.index] = message.payload
        if len(current.pieces) < current.of:
            return True
        payload = b"".join(current.pieces[index] for index in range(current.of))
        return replace(current.first, payload=payload, block=None)
