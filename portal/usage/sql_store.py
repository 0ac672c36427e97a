"""The interval store on a database: meter-days as blocks, loaded by columns and read across open and sealed months."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS, Batch, batch_of
from portal.usage.block_reader import READ, blocks_of, extent, latest, newest_of, newest_open, one_state
from portal.usage.block_writer import BlockWriter
from portal.usage.meter_ids import MeterIds, different, look_up
from portal.usage.row_keys import EPOCH, Numbers, days_of, month_of, revised, span
from portal.usage.store import (
    Batches,
    DayTotal,
    DayTotals,
    Loaded,
    MeterDays,
    SourceFile,
    StoredBlock,
    StoredDay,
)
from portal.usage.tables import VERSION_TABLE, source_files
from portal.usage.total_columns import newest_totals, totals_of
from portal.usage.unpacked import unpacked
from portal.usage.versions import Counts, load_version

MIGRATIONS = Path(__file__).parent / "migrations"
BATCH = 2000
"""Meter-days made into columns at once."""
MONTHS_AT_ONCE = 24
BLOCKS_AT_ONCE = 8192
"""Blocks of many meters fetched at once, some 6 MB; of one meter all are."""


class SqlIntervalStore:
    """Meter-days in a database of their own (SQLite) or beside the market's tables (PostgreSQL)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._meters = MeterIds()

    @classmethod
    async def opened(cls, database: Database) -> Self:
        """A store on a database whose schema is brought up to date first.

        One that is up to date is only read: a load under way elsewhere may hold the writer for long.
        """
        if not await _is_up_to_date(database):
            await database.migrate(MIGRATIONS)
        return cls(database)

    async def load(self, source: SourceFile, meter_days: MeterDays) -> Loaded:
        """Keep a file's meter-days in one transaction; see IntervalStore."""

        def batches() -> Iterator[Batch]:
            days = iter(meter_days())
            while some := list(islice(days, BATCH)):
                yield batch_of(some)

        return await self.load_batches(source, batches)

    async def load_batches(self, source: SourceFile, batches: Batches) -> Loaded:
        """The same for meter-days in columns; see IntervalStore."""

        meters = self._meters

        async def keep(connection: AsyncConnection, version: int) -> Counts:
            nonlocal meters
            writer = BlockWriter(connection, version, self._meters)
            if connection.dialect.name == "postgresql":
                # The tables grow meanwhile: a plan from when they were small, or thought so, reads them whole.
                await connection.exec_driver_sql("set local plan_cache_mode = force_custom_plan")
                await connection.exec_driver_sql("set local enable_seqscan = off")
            for batch in batches():
                await writer.keep(batch)
            meters = writer.meters
            return writer.counts

        loaded = await load_version(self._database, source, keep)
        if not loaded.already and len(meters) > len(self._meters):  # kept only now that they stand for certain
            self._meters = meters
        return loaded

    async def has_file(self, name: str) -> bool:
        """Whether a file of this name was loaded before; see IntervalStore."""
        found = select(source_files.c.id).where(source_files.c.name == name[:255]).limit(1)
        async with self._database.reading() as connection:
            return await connection.scalar(found) is not None

    async def current(self, esi_id: EsiId, first: date, last: date) -> Sequence[StoredDay]:
        """A meter's days in their current version; see IntervalStore."""
        return await self._days(esi_id, first, last, every_version=False)

    async def versions(self, esi_id: EsiId, first: date, last: date) -> Sequence[StoredDay]:
        """A meter's days in every version; see IntervalStore."""
        return await self._days(esi_id, first, last, every_version=True)

    async def totals(self, esi_ids: Collection[EsiId], first: date, last: date) -> Sequence[DayTotal]:
        """Daily totals of many meters; see IntervalStore."""
        asked = sorted(set(esi_ids))
        found = await self.totals_by_columns(asked, first, last)
        columns = (found.meters, found.days, found.channels, found.totals, found.missing)
        return [
            DayTotal(
                esi_id=asked[meter],
                day=date.fromordinal(day),
                channel=CHANNELS[channel],
                total_wh=total_wh,
                missing=missing,
            )
            for meter, day, channel, total_wh, missing in sorted(
                zip(*(column.tolist() for column in columns), strict=True)
            )
        ]

    async def totals_by_columns(self, esi_ids: Sequence[EsiId], first: date, last: date) -> DayTotals:
        """Daily totals of many meters; see IntervalStore."""
        async with one_state(self._database) as connection:
            numbers, self._meters = await self._meters.read(connection, esi_ids)
            pieces = [piece async for piece in totals_of(connection, different(numbers), *span(first, last))]
        return _by_place(numbers, pieces)

    async def newest_day(self, esi_id: EsiId) -> date | None:
        """The last day of which a meter has anything; see IntervalStore."""
        newest = await self.newest_reads([esi_id])
        return date.fromordinal(newest[0].day) if newest else None

    async def newest_reads(self, esi_ids: Collection[EsiId]) -> Sequence[StoredBlock]:
        """Each meter's newest day in its current version; see IntervalStore."""
        asked = sorted(set(esi_ids))
        if len(asked) == 1 and (quick := await newest_open(self._database, asked[0])):
            return _current(asked[0], quick)
        async with one_state(self._database) as connection:
            numbers, self._meters = await self._meters.read(connection, asked)
            found = await newest_of(connection, different(numbers))
        names = dict(zip(numbers.tolist(), asked, strict=True))
        current = {(names[row[0]], row[2]): row for row in found}
        return [_stored_block(esi_id, current[esi_id, channel]) for esi_id, channel in sorted(current)]

    async def newest_by_columns(self, esi_ids: Sequence[EsiId]) -> DayTotals:
        """The totals of these days; see IntervalStore."""
        async with one_state(self._database) as connection:
            numbers, self._meters = await self._meters.read(connection, esi_ids)
            pieces = await newest_totals(connection, different(numbers))
        return _by_place(numbers, pieces)

    async def rows(
        self, esi_id: EsiId, first: date, last: date, *, every_version: bool
    ) -> AsyncIterator[Sequence[StoredBlock]]:
        """A meter's blocks, a few months at a time, each piece as of one state; see IntervalStore."""
        least, most = span(first, last)
        async with one_state(self._database) as connection:
            meter = (await look_up(connection, [esi_id])).get(str(esi_id))
            if meter is None:
                return
            where = await extent(connection, least, most)
        months = sorted({*where.sealed, *map(month_of, where.open_days)})
        for start in range(0, len(months), MONTHS_AT_ONCE):
            piece = months[start : start + MONTHS_AT_ONCE]
            begin, end = max(least, days_of(piece[0])[0]), min(most, days_of(piece[-1])[-1])
            yield [_stored_block(esi_id, row) for row in await self._rows(meter, begin, end, every_version)]

    async def many(
        self, esi_ids: Sequence[EsiId], first: date, last: date, *, every_version: bool
    ) -> AsyncIterator[Sequence[StoredBlock]]:
        """Many meters' blocks, a meter after the other; see IntervalStore."""
        days = span(first, last)
        async with one_state(self._database) as connection:
            at_once = max(1, BLOCKS_AT_ONCE // max(1, (await extent(connection, *days)).days))
        for start in range(0, len(esi_ids), at_once):
            some = esi_ids[start : start + at_once]
            async with one_state(self._database) as connection:
                numbers = await _numbers(connection, some)
                found = await blocks_of(connection, list(numbers.values()), await extent(connection, *days))
            for esi_id in some:
                rows = found.get(numbers.get(esi_id, 0), [])
                yield [_stored_block(esi_id, row) for row in (rows if every_version else latest(rows))]
            del found  # before the next are fetched

    async def received(self, versions: Collection[int]) -> dict[int, datetime]:
        """When the files of some versions were received; see IntervalStore."""
        statement = select(source_files.c.id, source_files.c.received_at).where(source_files.c.id.in_(set(versions)))
        async with self._database.reading() as connection:
            return {row.id: row.received_at for row in await connection.execute(statement)}

    async def names(self, versions: Collection[int]) -> dict[int, str]:
        """What the sources of some versions are called; see IntervalStore."""
        statement = select(source_files.c.id, source_files.c.name).where(source_files.c.id.in_(set(versions)))
        async with self._database.reading() as connection:
            return {row.id: row.name for row in await connection.execute(statement)}

    async def _rows(self, meter: int, first: int, last: int, every_version: bool) -> Sequence[Any]:
        async with one_state(self._database) as connection:
            found = await blocks_of(connection, [meter], await extent(connection, first, last))
        rows = found.get(meter, [])
        return rows if every_version else latest(rows)

    async def _days(self, esi_id: EsiId, first: date, last: date, *, every_version: bool) -> Sequence[StoredDay]:
        async with one_state(self._database) as connection:
            meter = (await look_up(connection, [esi_id])).get(str(esi_id))
            found = (
                {}
                if meter is None
                else await blocks_of(connection, [meter], await extent(connection, *span(first, last)))
            )
        rows = found.get(meter or 0, [])
        blocks = [_stored_block(esi_id, row) for row in (rows if every_version else latest(rows))]
        if not blocks:
            return []
        received = await self.received({block.version for block in blocks})
        return [
            StoredDay(version=block.version, received_at=received[block.version], data=day)
            for block, day in zip(blocks, unpacked(blocks), strict=True)
        ]


def _by_place(numbers: Numbers, pieces: Sequence[tuple[Numbers, ...]]) -> DayTotals:
    """Columns of totals, whose meters are named by their places among those that were asked for."""
    places = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.int64)
    places[numbers] = np.arange(len(numbers))
    none: tuple[Numbers, ...] = (np.empty(0, dtype=np.int64),) * 5
    meters, days, channels, totals, missing = map(np.concatenate, zip(none, *pieces, strict=True))
    return DayTotals(meters=places[meters], days=days + EPOCH, channels=channels, totals=totals, missing=missing)


def _current(esi_id: EsiId, rows: Sequence[Any]) -> list[StoredBlock]:
    """The last version of each channel of a day, of rows by channel and version."""
    current = {row.channel: row for row in rows}
    return [_stored_block(esi_id, current[channel][: len(READ)]) for channel in sorted(current)]


async def _is_up_to_date(database: Database) -> bool:
    """Whether the newest migration has been run."""

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()

    async with database.reading() as connection:
        return await connection.run_sync(revision) == ScriptDirectory(str(MIGRATIONS)).get_current_head()


async def _numbers(connection: AsyncConnection, esi_ids: Collection[EsiId]) -> dict[EsiId, int]:
    """The numbers of those meters that have ever had anything."""
    found = await look_up(connection, list(esi_ids))
    return {esi_id: found[str(esi_id)] for esi_id in esi_ids if str(esi_id) in found}


def _stored_block(esi_id: EsiId, row: Any) -> StoredBlock:
    _, day, channel, version, revised_s, total_wh, missing, data = row
    return StoredBlock(esi_id, EPOCH + day, channel, version, revised(revised_s, day), total_wh, missing, data)
