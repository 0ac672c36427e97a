"""What a meter's snapshot holds (pure). Source: ZigBee Smart Energy 1.4, D.3.3.1.7 (PublishSnapshot).

A payload is the sum (6 bytes), in types 0 to 3 the bill to date and the projected one with their times and decimals (17
bytes), the number of tiers and each tier's sum. What follows for blocks, in types 2, 3, 6 and 7, is not decoded; nor is
a snapshot that comes in several commands.
"""

from dataclasses import dataclass
from datetime import datetime

from drivers.zigbee.intervals import instant
from drivers.zigbee.metering import Nameplate, scaled
from gateway.errors import BadReading, Unsupported
from gateway.reads import Direction

_BILLED, _KNOWN = range(4), range(8)
_SUM_SIZE, _BILL_SIZE = 6, 17
_INVALID = 0xFFFFFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A PublishSnapshot as it came: raw codes and bytes."""

    id: int
    time: int
    found: int
    commands: int
    cause: int
    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Registers as they stood at an instant by the meter's clock: the sum and each tier's in Wh, None if invalid.

    cause is the bitmap of why it was taken; found is how many snapshots the meter has of what was asked for.
    """

    id: int
    at: datetime
    cause: int
    found: int
    direction: Direction
    wh: int | None
    tiers_wh: tuple[int | None, ...]


def snapshot(published: Published, plate: Nameplate) -> Snapshot:
    """Decode a snapshot. Raises BadReading, or Unsupported for a kind of payload that is not known."""
    if published.commands > 1 or published.kind not in _KNOWN:
        raise Unsupported(f"a snapshot of type 0x{published.kind:02X} in {published.commands} commands")
    tiers_at = _SUM_SIZE + (_BILL_SIZE if published.kind in _BILLED else 0)
    payload = published.payload
    tiers = payload[tiers_at] if len(payload) > tiers_at else -1
    sums_at = [tiers_at + 1 + _SUM_SIZE * tier for tier in range(tiers)]
    if tiers < 0 or len(payload) < tiers_at + 1 + _SUM_SIZE * tiers:
        raise BadReading("the meter's snapshot ends too early")
    return Snapshot(
        id=published.id,
        at=instant(published.time),
        cause=published.cause,
        found=published.found,
        direction=Direction.RECEIVED if published.kind & 1 else Direction.DELIVERED,
        wh=_sum(payload, 0, plate),
        tiers_wh=tuple(_sum(payload, place, plate) for place in sums_at),
    )


def _sum(payload: bytes, place: int, plate: Nameplate) -> int | None:
    count = int.from_bytes(payload[place : place + _SUM_SIZE], "little")
    return scaled(None if count == _INVALID else count, plate.wh_per_count, plate.bcd)
