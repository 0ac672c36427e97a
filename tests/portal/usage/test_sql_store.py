"""The interval store on both databases: versions, totals, and files that are there whole or not at all."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from portal.usage.bad_file import BadFile
from portal.usage.intervals import Channel, MeterDay
from portal.usage.sql_store import MIGRATIONS, SqlIntervalStore
from portal.usage.store import Loaded, SourceFile
from portal.usage.tables import VERSION_TABLE, metadata, source_files
from tests.portal.usage.files import METER, OTHER, PLAIN, meter_day

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL_TIME = (date(2010, 1, 1), date(2030, 1, 1))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlIntervalStore]:
    database = Database.open(database_url)
    yield await SqlIntervalStore.opened(database)
    await database.close()


async def load(store: SqlIntervalStore, name: str, *days: MeterDay) -> Loaded:
    """Load a file of some meter-days; its name serves as its digest."""
    return await store.load(SourceFile(name=name, sha256=name, received_at=NOW), lambda: iter(days))


async def test_what_is_loaded_is_read_back(store: SqlIntervalStore) -> None:
    fall = meter_day([None, *range(99)], date(2025, 11, 2), estimated=[True] * 50 + [False] * 50)
    sold = meter_day([2**31 - 1] * 96, channel=Channel.GENERATION)
    loaded = await load(store, "one", fall, meter_day(), sold)
    assert (loaded.new, loaded.revised, loaded.identical, loaded.already) == (3, 0, 0, False)
    stored = await store.current(METER, *ALL_TIME)
    assert [day.data for day in stored] == [fall, meter_day(), sold]
    assert {(day.version, day.received_at) for day in stored} == {(loaded.version, NOW)}
    assert await store.current(METER, PLAIN + timedelta(days=1), ALL_TIME[1]) == []
    assert await store.newest_day(METER) == PLAIN
    assert await store.newest_day(OTHER) is None


async def test_the_same_bytes_are_recognised_and_change_nothing(store: SqlIntervalStore) -> None:
    first = await load(store, "one", meter_day())
    again = await load(store, "one", meter_day([0] * 96))
    assert again == Loaded(version=first.version, already=True)
    assert [day.data for day in await store.versions(METER, *ALL_TIME)] == [meter_day()]


async def test_a_later_file_makes_a_new_version_of_what_it_changes_only(store: SqlIntervalStore) -> None:
    other = meter_day(meter=OTHER)
    await load(store, "one", meter_day(), other)
    changed = meter_day([7] * 96)
    second = await load(store, "two", changed, other, meter_day(day=PLAIN + timedelta(days=1)))
    assert (second.new, second.revised, second.identical) == (1, 1, 1)
    assert [day.data for day in await store.current(METER, PLAIN, PLAIN)] == [changed]
    assert [day.data for day in await store.versions(METER, PLAIN, PLAIN)] == [meter_day(), changed]
    assert len(await store.versions(OTHER, PLAIN, PLAIN)) == 1


async def test_a_revision_that_only_turns_an_estimate_into_a_reading_counts(store: SqlIntervalStore) -> None:
    await load(store, "one", meter_day(estimated=[True] * 96))
    assert (await load(store, "two", meter_day())).revised == 1


async def test_totals_are_of_the_current_version(store: SqlIntervalStore) -> None:
    await load(store, "one", meter_day([1] * 96), meter_day([2] * 96, meter=OTHER))
    await load(store, "two", meter_day([10] * 95 + [None]))
    totals = await store.totals([METER, OTHER], PLAIN, PLAIN)
    assert [(total.esi_id, total.total_wh, total.missing) for total in totals] == [(OTHER, 192, 0), (METER, 950, 1)]


def refused_halfway(count: int) -> Iterator[MeterDay]:
    """More meter-days than are stored at once, then a refusal."""
    for day in range(count):
        yield meter_day(day=PLAIN - timedelta(days=day))
    raise BadFile(7, "USAGE_KWH", "is bad")


async def test_a_refused_file_leaves_nothing_and_may_come_again(store: SqlIntervalStore) -> None:
    source = SourceFile(name="one", sha256="one", received_at=NOW)
    with pytest.raises(BadFile, match="line 7, USAGE_KWH: is bad"):
        await store.load(source, lambda: refused_halfway(1200))
    assert await store.newest_day(METER) is None
    assert (await load(store, "one", meter_day())).new == 1


async def test_a_fault_halfway_rolls_back_what_copy_or_insert_brought(store: SqlIntervalStore) -> None:
    def broken() -> Iterator[MeterDay]:
        yield from (meter_day(day=PLAIN - timedelta(days=day)) for day in range(1200))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await store.load(SourceFile(name="one", sha256="one", received_at=NOW), broken)
    assert await store.versions(METER, *ALL_TIME) == []


async def test_nothing_is_seen_of_a_load_under_way(store: SqlIntervalStore, database_url: str) -> None:
    seen: list[int] = []
    reader = Database.open(database_url)

    def watched() -> Iterator[MeterDay]:
        yield from (meter_day(day=PLAIN - timedelta(days=day)) for day in range(1200))
        seen.append(len(found))

    found = await SqlIntervalStore(reader).versions(METER, *ALL_TIME)
    await store.load(SourceFile(name="one", sha256="one", received_at=NOW), watched)
    assert seen == [0]
    assert len(await SqlIntervalStore(reader).versions(METER, *ALL_TIME)) == 1200
    await reader.close()


KILLED = """
import asyncio, os, signal, sys
from datetime import timedelta
from tests.portal.usage.files import PLAIN, meter_day
from tests.portal.usage.test_sql_store import NOW, Database, SourceFile, SqlIntervalStore

def days():
    yield from (meter_day(day=PLAIN - timedelta(days=day)) for day in range(1200))
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = await SqlIntervalStore.opened(Database.open(sys.argv[1]))
    await store.load(SourceFile(name="one", sha256="one", received_at=NOW), days)

asyncio.run(main())
"""


async def test_a_killed_load_leaves_nothing_and_may_be_run_again(store: SqlIntervalStore, database_url: str) -> None:
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, database_url], check=False, timeout=60, capture_output=True
    )
    assert killed.returncode == -9, killed.stderr.decode()
    assert await store.versions(METER, *ALL_TIME) == []
    assert (await load(store, "one", meter_day())).new == 1


async def test_two_loads_of_the_same_bytes_at_once_are_one(store: SqlIntervalStore, database_url: str) -> None:
    other = Database.open(database_url)
    both = await asyncio.gather(load(store, "one", meter_day()), load(SqlIntervalStore(other), "one", meter_day()))
    assert sorted(loaded.already for loaded in both) == [False, True]
    await other.close()


async def test_a_store_opens_while_a_load_elsewhere_holds_the_writer(
    store: SqlIntervalStore, database_url: str
) -> None:
    other = Database.open(database_url)
    opened: list[SqlIntervalStore] = []

    async def hold(connection: AsyncConnection) -> None:
        await connection.execute(update(source_files).values(name="held"))
        async with asyncio.timeout(5):
            opened.append(await SqlIntervalStore.opened(other))

    holder = Database.open(database_url)
    await holder.write(hold)
    await holder.close()
    assert await opened[0].newest_day(METER) is None
    await other.close()


async def test_the_migrations_make_the_tables_that_the_code_means(database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, metadata))

    database = Database.open(database_url)
    await database.migrate(MIGRATIONS)
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()
