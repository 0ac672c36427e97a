"""A message of ZigBee's application support layer, as the radio carries it between nodes."""

from dataclasses import dataclass, field

ENCRYPTION, RETRY = 0x0020, 0x0040
"""The bits of EmberApsFrame.options that matter here."""
MAX_PAYLOAD = 82
ENCRYPTION_COST = 9
ZDO, SMART_ENERGY, ANY_PROFILE = 0x0000, 0x0109, 0xFFFF
COORDINATOR = 0x0000
BROADCASTS = range(0xFFF8, 0x10000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApsMessage:
    """One APS message. key is the link key that it is encrypted with, None if it goes plain (under the network key)."""

    source: int
    destination: int
    profile: int
    cluster: int
    source_endpoint: int
    destination_endpoint: int
    payload: bytes
    sequence: int
    key: bytes | None = field(default=None, repr=False)
    wants_ack: bool = True


def room(encrypted: bool) -> int:
    """How many bytes of payload one unfragmented message has room for."""
    return MAX_PAYLOAD - ENCRYPTION_COST * encrypted
