"""The interval store on a database: one row for each version of a meter-day."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Self

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import ColumnElement, Connection, and_, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import BadInput
from gateway.identifiers import EsiId
from portal.usage.block import pack, unpack
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import DayTotal, Loaded, MeterDays, SourceFile, StoredDay
from portal.usage.tables import VERSION_TABLE, meter_days, source_files

MIGRATIONS = Path(__file__).parent / "migrations"
BATCH = 500
ASKED_AT_ONCE = 500
COLUMNS = [column.name for column in meter_days.columns]
Row = dict[str, Any]


class SqlIntervalStore:
    """Meter-days in a database of their own (SQLite) or beside the market's tables (PostgreSQL)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def opened(cls, database: Database) -> Self:
        """A store on a database whose schema is brought up to date first.

        One that is up to date is only read: a load under way elsewhere may hold the writer for long.
        """
        if not await _is_up_to_date(database):
            await database.migrate(MIGRATIONS)
        return cls(database)

    async def load(self, source: SourceFile, days: MeterDays) -> Loaded:
        """Keep a file's meter-days in one transaction; see IntervalStore."""

        async def job(connection: AsyncConnection) -> Loaded | BadInput:
            # A refusal of the file undoes the savepoint and travels as a value: a job that raises is run again.
            try:
                async with connection.begin_nested():
                    return await _load(connection, source, days)
            except BadInput as refusal:
                return refusal

        outcome = await self._database.write(job)
        if isinstance(outcome, BadInput):
            raise outcome
        return outcome

    async def current(self, esi_id: EsiId, first: date, last: date) -> Sequence[StoredDay]:
        """A meter's days in their current version; see IntervalStore."""
        newest = {(stored.data.day, stored.data.channel): stored for stored in await self.versions(esi_id, first, last)}
        return list(newest.values())

    async def versions(self, esi_id: EsiId, first: date, last: date) -> Sequence[StoredDay]:
        """A meter's days in every version; see IntervalStore."""
        statement = (
            select(meter_days, source_files.c.received_at)
            .join(source_files)
            .where(meter_days.c.esi_id == esi_id, meter_days.c.day.between(first, last))
            .order_by(meter_days.c.day, meter_days.c.channel, meter_days.c.version)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return [StoredDay(version=row.version, received_at=row.received_at, data=_meter_day(row)) for row in rows]

    async def totals(self, esi_ids: Collection[EsiId], first: date, last: date) -> Sequence[DayTotal]:
        """Daily totals of many meters; see IntervalStore."""
        wanted = sorted(esi_ids)
        found: list[DayTotal] = []
        async with self._database.reading() as connection:
            for some in _batches(wanted, ASKED_AT_ONCE):
                rows = await connection.execute(_totals(some, first, last))
                found += [
                    DayTotal(esi_id=e, day=d, channel=Channel(c), total_wh=total, missing=missing)
                    for e, d, c, total, missing in rows
                ]
        return found

    async def newest_day(self, esi_id: EsiId) -> date | None:
        """The last day of which a meter has anything; see IntervalStore."""
        statement = select(func.max(meter_days.c.day)).where(meter_days.c.esi_id == esi_id)
        async with self._database.reading() as connection:
            newest: date | None = await connection.scalar(statement)
        return newest


async def _is_up_to_date(database: Database) -> bool:
    """Whether the newest migration has been run."""

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()

    async with database.reading() as connection:
        return await connection.run_sync(revision) == ScriptDirectory(str(MIGRATIONS)).get_current_head()


async def _load(connection: AsyncConnection, source: SourceFile, days: MeterDays) -> Loaded:
    """Inside the transaction: the file's row first, which decides who loads these bytes, then its meter-days."""
    version = await _new_version(connection, source)
    if version is None:
        known = select(source_files.c.id).where(source_files.c.sha256 == source.sha256)
        return Loaded(version=(await connection.execute(known)).scalar_one(), already=True)
    new = revised = identical = 0
    for batch in _batches(days(), BATCH):
        rows = [_row(day, version) for day in batch]
        current = await _current(connection, rows)
        changed = [row for row in rows if current.get(_key(row)) != _content(row)]
        unknown = sum(_key(row) not in current for row in rows)
        new += unknown
        revised += len(changed) - unknown
        identical += len(rows) - len(changed)
        await _insert(connection, changed)
    stored = update(source_files).where(source_files.c.id == version).values(meter_days=new + revised)
    await connection.execute(stored)
    return Loaded(version=version, already=False, new=new, revised=revised, identical=identical)


async def _new_version(connection: AsyncConnection, source: SourceFile) -> int | None:
    """The version of a file whose bytes are new, None if they were loaded before or are being loaded elsewhere.

    On PostgreSQL a load of the same bytes that is under way elsewhere is waited for.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"name": source.name[:255], "sha256": source.sha256, "received_at": source.received_at, "meter_days": 0}
    statement = insert(source_files).values(values).on_conflict_do_nothing().returning(source_files.c.id)
    version: int | None = await connection.scalar(statement)
    return version


async def _current(connection: AsyncConnection, rows: list[Row]) -> dict[Any, Any]:
    """What the current versions of some meter-days hold, by key."""
    key = tuple_(meter_days.c.esi_id, meter_days.c.day, meter_days.c.channel)
    statement = select(meter_days).where(key.in_([_key(row) for row in rows])).order_by(meter_days.c.version)
    found = (await connection.execute(statement)).mappings()
    return {_key(row): _content(row) for row in found}


async def _insert(connection: AsyncConnection, rows: list[Row]) -> None:
    """Add rows; on PostgreSQL by COPY, which stands within the transaction since statements of it came before."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        await connection.execute(meter_days.insert(), rows)
        return
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    records = [tuple(row[name] for name in COLUMNS) for row in rows]
    await driver.copy_records_to_table(meter_days.name, records=records, columns=COLUMNS)


def _key(row: Any) -> tuple[str, date, str]:
    return (row["esi_id"], row["day"], row["channel"])


def _content(row: Any) -> tuple[Any, ...]:
    return (row["revised_at"], row["intervals"], row["block"])


def _row(day: MeterDay, version: int) -> Row:
    return {
        "esi_id": str(day.esi_id),
        "day": day.day,
        "channel": str(day.channel),
        "version": version,
        "revised_at": day.revised_at,
        "intervals": len(day.values),
        "total_wh": day.total_wh,
        "missing": day.values.count(None),
        "block": pack(day.values, day.estimated),
    }


def _meter_day(row: Any) -> MeterDay:
    values, estimated = unpack(row.block, row.intervals)
    return MeterDay(
        esi_id=row.esi_id,
        day=row.day,
        channel=Channel(row.channel),
        revised_at=row.revised_at,
        values=values,
        estimated=estimated,
    )


def _totals(esi_ids: list[EsiId], first: date, last: date) -> Any:
    """The current version's totals: rows than which there is no newer one."""
    columns, newer = meter_days.c, meter_days.alias("newer").c
    same_key = and_(newer.esi_id == columns.esi_id, newer.day == columns.day, newer.channel == columns.channel)
    outdated: ColumnElement[bool] = (
        select(newer.version).where(same_key, newer.version > columns.version).correlate(meter_days).exists()
    )
    return (
        select(columns.esi_id, columns.day, columns.channel, columns.total_wh, columns.missing)
        .where(columns.esi_id.in_(esi_ids), columns.day.between(first, last), ~outdated)
        .order_by(columns.esi_id, columns.day, columns.channel)
    )


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
