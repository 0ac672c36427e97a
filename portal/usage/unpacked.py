"""Stored blocks to meter-days, many at once through the kernel."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from portal.usage.batch import CHANNELS, instant
from portal.usage.intervals import MeterDay
from portal.usage.kernel import chosen
from portal.usage.store import StoredBlock


def unpacked(blocks: Sequence[StoredBlock]) -> list[MeterDay]:
    """The meter-day of each block, in their order. Raises BadInput for bytes that are no block."""
    found = chosen().unpack([block.data for block in blocks])
    values, estimated = found.values.tolist(), tuple(found.estimated.tolist())
    for place in found.missing.nonzero()[0].tolist():
        values[place] = None
    places = [0, *found.counts.cumsum(dtype="int64").tolist()]
    return [
        MeterDay(
            esi_id=block.esi_id,
            day=date.fromordinal(block.day),
            channel=CHANNELS[block.channel],
            revised_at=instant(block.revised),
            values=tuple(values[start:end]),
            estimated=estimated[start:end],
        )
        for block, (start, end) in zip(blocks, pairwise(places), strict=True)
    ]
