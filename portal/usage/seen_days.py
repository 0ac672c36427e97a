"""Which meter-days a file has told already, in a few bytes for each meter however many days it has."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS, Batch
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel

DAYS = 64
"""Days that share an array: a bit each."""


class SeenDays:
    """A set of days of known meters: for every 64 days an array of a number for each meter and channel, a bit a day."""

    def __init__(self, known: KnownMeters) -> None:
        self._known = known
        self._words: dict[int, NDArray[np.uint64]] = {}

    def add(self, esi_id: EsiId, channel: Channel, day: date) -> bool:
        """Note a day of a known meter; False if it was noted before."""
        at, (word, bit) = 2 * self._known.place(esi_id) + CHANNELS.index(channel), divmod(day.toordinal(), DAYS)
        words, mask = self._array(word), 1 << bit
        if int(words[at]) & mask:
            return False
        words[at] = int(words[at]) | mask
        return True

    def add_batch(self, batch: Batch) -> bool:
        """Note meter-days; False, and none of them noted, if a meter is not known, or a meter-day was noted before."""
        places = 2 * self._known.places(batch.esi_ids) + batch.channels
        if places.min(initial=0) < 0:
            return False
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

    def _array(self, word: int) -> NDArray[np.uint64]:
        """The numbers of 64 days; memory that nobody writes to is not taken."""
        array = self._words.get(word)
        if array is None:
            self._words[word] = array = np.zeros(2 * len(self._known), dtype=np.uint64)
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
