"""Register reads of TDSPs on a database, by day and by month: a row for each version, as the interval store has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from itertools import islice
from typing import Any, Generic, TypeVar

from sqlalchemy import Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.register_tables import daily_reads, monthly_usage
from portal.usage.store import Loaded, SourceFile
from portal.usage.tables import source_files
from portal.usage.versions import Counts, load_version

R = TypeVar("R", DailyRead, MonthlyUsage)
BATCH = 500
TABLES: dict[type[Any], tuple[Table, str]] = {
    DailyRead: (daily_reads, "read_date"),
    MonthlyUsage: (monthly_usage, "start_date"),
}
"""For each kind its table and the date that, with the meter, names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRead(Generic[R]):
    """A read in one version; the greatest version of a read is the current one."""

    version: int
    received_at: datetime
    data: R


class RegisterStore:
    """Reads in versions, beside the interval store, whose opening brings the schema up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, source: SourceFile, kind: type[R], reads: Callable[[], Iterator[R]]) -> Loaded:
        """Keep a file's reads, all or nothing: whatever the iteration raises leaves no trace, nor does a crash.

        reads may be called again if the transaction has to start over. Bytes that were loaded before change nothing.
        """

        async def keep(connection: AsyncConnection, version: int) -> Counts:
            return await _keep(connection, version, kind, reads)

        return await load_version(self._database, source, keep)

    async def current(self, kind: type[R], esi_id: EsiId, first: date, last: date) -> Sequence[StoredRead[R]]:
        """A meter's reads in their current version, by date; first and last are both included."""
        _, key = TABLES[kind]
        newest = {getattr(stored.data, key): stored for stored in await self.versions(kind, esi_id, first, last)}
        return list(newest.values())

    async def versions(self, kind: type[R], esi_id: EsiId, first: date, last: date) -> Sequence[StoredRead[R]]:
        """A meter's reads in every version, by date and version."""
        table, key = TABLES[kind]
        names = [field.name for field in fields(kind)]
        statement = (
            select(table, source_files.c.received_at)
            .join(source_files, source_files.c.id == table.c.version)
            .where(table.c.esi_id == esi_id, table.c[key].between(first, last))
            .order_by(table.c[key], table.c.version)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [
            StoredRead(
                version=row["version"],
                received_at=row["received_at"],
                data=kind(**{name: row[name] for name in names}),
            )
            for row in rows
        ]


async def _keep(connection: AsyncConnection, version: int, kind: type[R], reads: Callable[[], Iterator[R]]) -> Counts:
    """Inside the transaction: what is unknown or differs from the current version."""
    table, key = TABLES[kind]
    new = revised = identical = 0
    iterator = reads()
    while batch := list(islice(iterator, BATCH)):
        rows = [asdict(read) for read in batch]
        current = await _current(connection, table, key, rows)
        changed = [row for row in rows if current.get((row["esi_id"], row[key])) != row]
        unknown = sum((row["esi_id"], row[key]) not in current for row in rows)
        new, revised, identical = new + unknown, revised + len(changed) - unknown, identical + len(rows) - len(changed)
        if changed:
            await connection.execute(table.insert(), [{**row, "version": version} for row in changed])
    return Counts(new=new, revised=revised, identical=identical)


async def _current(
    connection: AsyncConnection, table: Table, key: str, rows: list[dict[str, Any]]
) -> dict[tuple[str, date], dict[str, Any]]:
    """What the current versions of some reads hold, by meter and date."""
    keys = [(row["esi_id"], row[key]) for row in rows]
    wanted = tuple_(table.c.esi_id, table.c[key]).in_(keys)
    found = (await connection.execute(select(table).where(wanted).order_by(table.c.version))).mappings()
    return {(row["esi_id"], row[key]): {name: row[name] for name in rows[0]} for row in found}
