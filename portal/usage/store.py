"""Where meter-days are kept: what a store of them must do. Reports and pages know nothing more."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.identifiers import EsiId
from portal.usage.batch import Batch
from portal.usage.intervals import Channel, MeterDay


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as it came: its name, the SHA-256 of its bytes in hexadecimal, and when it was received.

    A digest that is taken while the file is read is a function instead, called once what it tells was read.
    """

    name: str
    sha256: str | Callable[[], str]
    received_at: datetime

    def digest(self) -> str:
        """The SHA-256, known by now."""
        return self.sha256 if isinstance(self.sha256, str) else self.sha256()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load did. version is the file's; already says that the same bytes had been loaded before.

    new, revised and identical count meter-days: unknown before, different from the current version, equal to it. Only
    the first two are stored.
    """

    version: int
    already: bool
    new: int = 0
    revised: int = 0
    identical: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDay:
    """A meter-day in one version; versions grow, the greatest of a meter-day is the current one."""

    version: int
    received_at: datetime
    data: MeterDay


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    """The sum of a meter-day's current version in Wh; missing counts the quarter hours that it lacks."""

    esi_id: EsiId
    day: date
    channel: Channel
    total_wh: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """The same of many meter-days, in columns of one length and in any order.

    meters: places in the list of meters that was asked for; days: proleptic ordinals; channels: places in
    portal.usage.batch.CHANNELS; totals: Wh of what is known; missing: quarter hours that are not.
    """

    meters: NDArray[np.int64]
    days: NDArray[np.int64]
    channels: NDArray[np.int64]
    totals: NDArray[np.int64]
    missing: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.days)


class StoredBlock(NamedTuple):
    """A meter-day in one version as it is kept, for those who turn many into something else.

    day is a proleptic ordinal, channel a place in portal.usage.batch.CHANNELS, revised the TDSP's revision date in
    seconds since 1970 or NO_REVISION, data as portal.usage.day_block packs it.
    """

    esi_id: EsiId
    day: int
    channel: int
    version: int
    revised: int
    total_wh: int
    missing: int
    data: bytes


MeterDays = Callable[[], Iterator[MeterDay]]
"""Begins a file's meter-days anew; the iteration may raise BadFile."""

Batches = Callable[[], Iterator[Batch]]
"""Begins a file's batches anew; the iteration may raise BadFile."""


class IntervalStore(Protocol):
    """Meter-days in versions. Days are Chicago dates; first and last are both included."""

    async def load(self, source: SourceFile, meter_days: MeterDays) -> Loaded:
        """Keep a file's meter-days, all or nothing: whatever the iteration raises leaves no trace, nor does a crash.

        meter_days may be called again if the transaction has to start over.
        """
        ...

    async def has_file(self, name: str) -> bool:
        """Whether a file of this name was loaded before, be it of the same bytes or not."""
        ...

    async def load_batches(self, source: SourceFile, batches: Batches) -> Loaded:
        """The same for meter-days in columns, which is the fast way. Raises BadInput for a day that comes twice."""
        ...

    async def current(self, esi_id: EsiId, first: date, last: date) -> Sequence[StoredDay]:
        """A meter's days in their current version, by day and channel."""
        ...

    async def versions(self, esi_id: EsiId, first: date, last: date) -> Sequence[StoredDay]:
        """A meter's days in every version, by day, channel and version (RPT-05)."""
        ...

    async def totals(self, esi_ids: Collection[EsiId], first: date, last: date) -> Sequence[DayTotal]:
        """Daily totals of some meters in the current version, by meter, day and channel; an object for each."""
        ...

    async def totals_by_columns(self, esi_ids: Sequence[EsiId], first: date, last: date) -> DayTotals:
        """Daily totals of many meters, each named once, in the current version: 40 bytes for each meter-day."""
        ...

    async def newest_day(self, esi_id: EsiId) -> date | None:
        """The last day of which a meter has anything, None if it has nothing."""
        ...

    async def newest_reads(self, esi_ids: Collection[EsiId]) -> Sequence[StoredBlock]:
        """Each meter's newest day in its current version, by meter and channel; nothing of a meter without any."""
        ...

    async def newest_by_columns(self, esi_ids: Sequence[EsiId]) -> DayTotals:
        """The totals of these days, of many meters, each named once: without the blocks, in a fraction of the time."""
        ...

    def rows(
        self, esi_id: EsiId, first: date, last: date, *, every_version: bool
    ) -> AsyncIterator[Sequence[StoredBlock]]:
        """A meter's blocks, the current ones or those of every version, by day, channel and version.

        An item has those of a few whole months, so that a report of any length needs little memory.
        """
        ...

    def many(
        self, esi_ids: Sequence[EsiId], first: date, last: date, *, every_version: bool
    ) -> AsyncIterator[Sequence[StoredBlock]]:
        """Many meters' blocks: an item for each meter in the order asked, an empty one for a meter without any.

        An item has a meter's blocks as rows has them. Meters are fetched together, each piece as of one state: some
        thousand blocks at once, or all of one meter where it has more.
        """
        ...

    async def received(self, versions: Collection[int]) -> dict[int, datetime]:
        """When the files of some versions were received."""
        ...

    async def names(self, versions: Collection[int]) -> dict[int, str]:
        """What the sources of some versions are called: files, or who collected or estimated."""
        ...
