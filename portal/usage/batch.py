"""Many meter-days as columns: what readers of files give to the store, a piece of a file at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.usage.day_block import pack
from portal.usage.intervals import Channel, MeterDay

ESI_ID_WIDTH = 22
NO_REVISION = -1
CHANNELS = (Channel.CONSUMPTION, Channel.GENERATION)
"""A channel's number is its place here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """n meter-days in their file's order, each column of length n.

    esi_ids: bytes of at most 22 digits; days: proleptic ordinals of Chicago dates; channels: 0 consumption, 1
    generation; revised: the TDSP's revision date in seconds since 1970, UTC, or NO_REVISION; totals: the sum of what is
    known, Wh; missing: how many quarter hours are not known; blocks: as portal.usage.day_block packs them.
    """

    esi_ids: NDArray[np.bytes_]
    days: NDArray[np.int32]
    channels: NDArray[np.uint8]
    revised: NDArray[np.int64]
    totals: NDArray[np.int64]
    missing: NDArray[np.uint8]
    blocks: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.blocks)


def batch_of(meter_days: Iterable[MeterDay]) -> Batch:
    """Meter-days as columns."""
    rows: list[tuple[Any, ...]] = [
        (
            str(each.esi_id).encode(),
            each.day.toordinal(),
            CHANNELS.index(each.channel),
            NO_REVISION if each.revised_at is None else int(each.revised_at.timestamp()),
            each.total_wh,
            each.values.count(None),
            pack(each.values, each.estimated),
        )
        for each in meter_days
    ]
    esi_ids, days, channels, revised, totals, missing, blocks = zip(*rows, strict=True) if rows else ((),) * 7
    return Batch(
        esi_ids=np.array(esi_ids, dtype=f"S{ESI_ID_WIDTH}"),
        days=np.array(days, dtype=np.int32),
        channels=np.array(channels, dtype=np.uint8),
        revised=np.array(revised, dtype=np.int64),
        totals=np.array(totals, dtype=np.int64),
        missing=np.array(missing, dtype=np.uint8),
        blocks=blocks,
    )


def instant(revised: int) -> datetime | None:
    """A revision date of a batch as an instant, None where there is none."""
    return None if revised == NO_REVISION else datetime.fromtimestamp(revised, UTC)
