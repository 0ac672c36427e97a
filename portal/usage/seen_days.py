"""Which meter-days a file has told already, in a few bytes for each meter however many days it has."""

from collections.abc import Container
from datetime import date
from itertools import count

import numpy as np
from numpy.typing import NDArray

from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS, Batch
from portal.usage.intervals import Channel

DAYS = 64
"""Days that share an array: a bit each."""


class SeenDays:
    """A set of meter-days: for every 64 days an array of a number for each meter and channel, each day a bit."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._words: dict[int, NDArray[np.uint64]] = {}

    def add(self, esi_id: EsiId, channel: Channel, day: date) -> bool:
        """Note a meter-day; False if it was noted before."""
        row = self._rows.setdefault(esi_id.encode(), len(self._rows))
        at, (word, bit) = 2 * row + CHANNELS.index(channel), divmod(day.toordinal(), DAYS)
        words, mask = self._array(word), 1 << bit
        if int(words[at]) & mask:
            return False
        words[at] = int(words[at]) | mask
        return True

    def add_batch(self, batch: Batch, known: Container[str]) -> bool:
        """Note meter-days; False, and none of them noted, if a meter is not known, or a meter-day was noted before."""
        rows = self._numbers(batch.esi_ids.tolist(), known)
        if rows is None:
            return False
        places = 2 * rows + batch.channels
        if not _differ(places, batch.days):
            return False
        words = batch.days // DAYS
        bits = np.uint64(1) << (batch.days % DAYS).astype(np.uint64)
        parts = [(self._array(int(word)), words == word) for word in np.unique(words)]
        if any((array[places[these]] & bits[these]).any() for array, these in parts):
            return False
        for array, these in parts:
            np.bitwise_or.at(array, places[these], bits[these])
        return True

    def _numbers(self, esi_ids: list[bytes], known: Container[str]) -> NDArray[np.int64] | None:
        """A number for each meter; None if one is not known. Those that have a number are."""
        found = list(map(self._rows.get, esi_ids))
        if None in found:
            new = [esi_id for esi_id, row in zip(esi_ids, found, strict=True) if row is None]
            if not all(map(known.__contains__, map(bytes.decode, new))):
                return None
            self._rows |= zip(dict.fromkeys(new), count(len(self._rows)))
            found = list(map(self._rows.get, esi_ids))
        return np.array(found, dtype=np.int64)

    def _array(self, word: int) -> NDArray[np.uint64]:
        """The numbers of 64 days, with room for every meter."""
        array, size = self._words.get(word), 2 * len(self._rows)
        if array is None or len(array) < size:
            wider = np.zeros(2 * size, dtype=np.uint64)
            wider[: 0 if array is None else len(array)] = () if array is None else array
            self._words[word] = array = wider
        return array


def _differ(places: NDArray[np.int64], days: NDArray[np.int32]) -> bool:
    """Whether no meter-day occurs twice; quick where they rise in the order of meters or of days."""
    low = int(days.min(initial=0))
    span = int(days.max(initial=0)) - low + 1
    keys = places * span + (days - low)
    if bool((np.diff(keys) > 0).all()):
        return True
    keys.sort(kind="stable")
    return bool((np.diff(keys) > 0).all())
