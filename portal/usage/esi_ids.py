"""Columns of ESI IDs, and the meters of which files may speak: many are looked up at once, in order and by numpy."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from portal.usage.batch import ESI_ID_WIDTH

EsiIds = NDArray[np.bytes_]


def esi_ids_of(texts: Iterable[str]) -> EsiIds:
    """ESI IDs as a column."""
    return np.array(list(texts), dtype=f"S{ESI_ID_WIDTH}")


def places_in(rising: EsiIds, esi_ids: EsiIds) -> NDArray[np.int64]:
    """The place of each ESI ID in a column of different ones that rise, -1 for one that is not there."""
    if not len(rising):
        return np.full(len(esi_ids), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(rising, esi_ids), len(rising) - 1)
    return np.where(rising[at] == esi_ids, at, -1)


class KnownMeters:
    """The meters of which files may speak, each with a place from 0 on: 22 bytes for each, however many there are."""

    def __init__(self, esi_ids: Iterable[str] = ()) -> None:
        self._rising = np.unique(esi_ids_of(esi_ids))

    def __len__(self) -> int:
        return len(self._rising)

    def __contains__(self, esi_id: str) -> bool:
        return self.place(esi_id) >= 0

    def place(self, esi_id: str) -> int:
        """The place of a meter, -1 of one that is not known; any text may be asked for."""
        text = esi_id.encode()
        at = int(np.searchsorted(self._rising, np.array(text[:ESI_ID_WIDTH], self._rising.dtype)))
        return at if at < len(self) and self._rising[at] == text else -1

    def places(self, esi_ids: EsiIds) -> NDArray[np.int64]:
        """The places of many."""
        return places_in(self._rising, esi_ids)
