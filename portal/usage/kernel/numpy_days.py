"""Meter-days that a parser of numpy has taken, not packed yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.usage.batch import ESI_ID_WIDTH, Batch

Pack = Callable[[NDArray[np.int32], NDArray[np.bool_], NDArray[np.bool_]], list[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """n meter-days as columns of a batch; their quarter hours stand in values, missing, estimated from starts on.

    end: the offset behind them; lines: how many they were; more: whether what follows may be regular.
    """

    esi_ids: NDArray[np.bytes_]
    days: NDArray[np.int32]
    channels: NDArray[np.uint8]
    revised: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    values: NDArray[np.int32]
    missing: NDArray[np.bool_]
    estimated: NDArray[np.bool_]
    end: int
    lines: int
    more: bool

    def batch(self, pack: Pack) -> Batch:
        """The meter-days, packed."""
        n = len(self.days)
        blocks, totals, gone = [b""] * n, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.uint8)
        for count in np.unique(self.counts):
            these = np.flatnonzero(self.counts == count)
            places = self.starts[these][:, None] + np.arange(count)
            values, missing = self.values[places], self.missing[places]
            totals[these] = values.sum(axis=1, dtype=np.int64)
            gone[these] = missing.sum(axis=1)
            for at, block in zip(these.tolist(), pack(values, missing, self.estimated[places]), strict=True):
                blocks[at] = block
        return Batch(
            esi_ids=self.esi_ids,
            days=self.days,
            channels=self.channels,
            revised=self.revised,
            totals=totals,
            missing=gone,
            blocks=blocks,
        )


def joined(parts: Sequence[Days], end: int) -> Days:
    """Meter-days that follow each other as one; end is the offset behind them."""
    bases = np.cumsum([0, *(len(part.values) for part in parts)])

    def column(name: str, kind: str) -> NDArray[Any]:
        return np.concatenate([np.empty(0, dtype=kind), *(getattr(part, name) for part in parts)])

    return Days(
        esi_ids=column("esi_ids", f"S{ESI_ID_WIDTH}"),
        days=column("days", "i4"),
        channels=column("channels", "u1"),
        revised=column("revised", "i8"),
        starts=np.concatenate(
            [np.empty(0, dtype=np.int64), *(part.starts + base for part, base in zip(parts, bases[:-1], strict=True))]
        ),
        counts=column("counts", "i8"),
        values=column("values", "i4"),
        missing=column("missing", "?"),
        estimated=column("estimated", "?"),
        end=end,
        lines=sum(part.lines for part in parts),
        more=False,
    )
