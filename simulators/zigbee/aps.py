"""A message of ZigBee's application support layer, as the radio carries it between nodes, and the keys of its ends."""

from dataclasses import dataclass, field

from simulators.zigbee.air.aps import Block

ENCRYPTION, RETRY, FRAGMENT = 0x0020, 0x0040, 0x8000
"""The bits of EmberApsFrame.options that matter here."""
MAX_PAYLOAD = 82
ENCRYPTION_COST, BLOCK_COST = 9, 2
ZDO, SMART_ENERGY, ANY_PROFILE = 0x0000, 0x0109, 0xFFFF
COORDINATOR = 0x0000
EVERYBODY, ALL_AWAKE = 0xFFFF, 0xFFFD
BROADCASTS = range(0xFFF8, 0x10000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApsMessage:
    """One APS message. key is the link key that it is encrypted with, None if it goes plain (under the network key).

    counter is the frame counter that goes with the link key: a receiver takes each value once, and none below.
    block is the payload's place in a longer one that does not fit a frame.
    """

    source: int
    destination: int
    profile: int
    cluster: int
    source_endpoint: int
    destination_endpoint: int
    payload: bytes
    sequence: int
    key: bytes | None = field(default=None, repr=False)
    counter: int = 0
    wants_ack: bool = True
    block: Block | None = None


@dataclass(slots=True, kw_only=True)
class LinkKey:
    """One end of a key that two devices share: the partner, the counter that is sent next, the least one accepted."""

    eui64: int
    key: bytes = field(repr=False)
    outgoing: int = 0
    incoming: int = 0

    def accepts(self, counter: int) -> bool:
        """Whether a frame's counter is new; it is then used up, and all below it."""
        if counter < self.incoming:
            return False
        self.incoming = counter + 1
        return True


def room(encrypted: bool, *, in_blocks: bool = False) -> int:
    """How many bytes of payload one frame has room for."""
    return MAX_PAYLOAD - ENCRYPTION_COST * encrypted - BLOCK_COST * in_blocks
