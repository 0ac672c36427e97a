"""The write discipline: read-decide-write transactions do not lose updates, and a bad job fails alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database, IdentifierType, Instant, over_database
from gateway.errors import BadConfig, LinkLost
from gateway.identifiers import EsiId
from tests.postgres import PrivatePostgres

ROOT = Path(__file__).resolve().parents[2]
metadata = MetaData()
counter = Table("counter", metadata, Column("id", Integer, primary_key=True), Column("value", Integer))
spans = Table("spans", metadata, Column("esi_id", IdentifierType(EsiId), primary_key=True), Column("at", Instant))


async def create(connection: AsyncConnection) -> None:
    await connection.run_sync(metadata.create_all)
    await connection.execute(insert(counter).values(id=1, value=0))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(database_url)
    await database.write(create)
    yield database
    await database.close()


async def count_up(connection: AsyncConnection) -> None:
    value = await connection.scalar(select(counter.c.value).where(counter.c.id == 1).with_for_update())
    await connection.execute(update(counter).values(value=(value or 0) + 1))


async def value_of(database: Database) -> int | None:
    async with database.reading() as connection:
        return await connection.scalar(select(counter.c.value))


async def test_two_hundred_concurrent_read_decide_write_transactions_count_to_two_hundred(
    database: Database, database_url: str
) -> None:
    other = Database.open(database_url)
    await asyncio.gather(*(each.write(count_up) for each in [database, other] * 100))
    assert await value_of(database) == 200
    await other.close()


async def test_a_job_that_raises_fails_alone(database: Database) -> None:
    async def bad(connection: AsyncConnection) -> None:
        await count_up(connection)
        raise LookupError("this one")

    results = await asyncio.gather(*(database.write(job) for job in (count_up, bad, count_up)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), LookupError, type(None)]
    assert await value_of(database) == 2


async def test_the_jobs_of_one_turn_share_a_commit_on_sqlite(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/group.db")
    await database.write(create)
    commits: list[object] = []
    event.listen(database._writer.sync_engine, "commit", commits.append)
    await asyncio.gather(*(database.write(count_up) for _ in range(50)))
    assert len(commits) == 1
    assert await value_of(database) == 50
    await database.close()


async def test_instants_come_back_aware_and_identifiers_as_themselves(database: Database) -> None:
    at = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)

    async def put(connection: AsyncConnection) -> None:
        await connection.execute(insert(spans).values(esi_id=EsiId("10443720000000001"), at=at))

    await database.write(put)
    async with database.reading() as connection:
        row = (await connection.execute(select(spans))).one()
    assert row.at == at
    assert row.at.tzinfo is not None
    assert isinstance(row.esi_id, EsiId)


async def revisions(database: Database) -> dict[str, int]:
    """How many rows each version table of Alembic's holds."""
    async with database.reading() as connection:
        tables = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
        versions = [table for table in tables if "version" in table]
        return {table: len((await connection.execute(text(f"select * from {table}"))).all()) for table in versions}


@pytest.mark.parametrize(
    "scripts", ["gateway/migrations", "portal/migrations", "portal/usage/migrations"], ids=lambda path: path
)
async def test_processes_that_start_together_on_an_empty_database_migrate_it_once(
    database_url: str, scripts: str
) -> None:
    databases = [Database.open(database_url) for _ in range(4)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(database.migrate(ROOT / scripts) for database in databases))
    assert list((await revisions(databases[0])).values()) == [1]
    for database in databases:
        await database.close()


async def test_the_script_folders_of_one_postgresql_database_take_turns(postgres: PrivatePostgres) -> None:
    with postgres.fresh_database() as url:
        databases = [Database.open(url) for _ in range(2)]
        folders = ("portal/migrations", "portal/usage/migrations")
        async with asyncio.timeout(30):
            await asyncio.gather(*(database.migrate(ROOT / scripts) for database in databases for scripts in folders))
        assert list((await revisions(databases[0])).values()) == [1, 1]
        for database in databases:
            await database.close()


@pytest.mark.parametrize("url", ["garbage", "", "sqlite://", "postgresql://h:port/x", "mysql://h/x"])
def test_what_is_no_url_of_a_database_is_refused_in_words(url: str) -> None:
    with pytest.raises(BadConfig):
        Database.open(url)


@pytest.mark.parametrize("trouble", [OSError("refused"), DBAPIError("select 1", None, Exception("closed"))])
async def test_work_ends_with_a_lost_link_when_its_database_is_gone(trouble: Exception) -> None:
    async def fails() -> None:
        raise trouble

    async def in_groups() -> None:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(fails())

    for work in (fails(), in_groups()):
        with pytest.raises(LinkLost, match=r"refused|closed"):
            await over_database(work)


async def test_trouble_of_another_kind_stays_what_it_is() -> None:
    async def fails() -> None:
        raise LookupError("a mistake of ours")

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(over_database(fails()))
