"""Meter-days that a parser of numpy has taken, not packed yet."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portal.usage.batch import Batch

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
