"""The migrated schema is the one that the tables describe, on both engines."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from gateway.database import Database
from portal.tables import metadata
from tests.clock import HandClock
from tests.portal.world import MIGRATIONS, settle


def differences(connection: Connection) -> list[object]:
    found: list[object] = compare_metadata(
        MigrationContext.configure(connection, opts={"compare_type": True}), metadata
    )
    return found


async def test_migrated_schema_and_tables_agree(database: Database) -> None:
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_and_seeding_again_change_nothing(database: Database, clock: HandClock) -> None:
    async with database.reading() as connection:
        before = await connection.run_sync(contents)
    await settle(database, clock.now())
    async with database.reading() as connection:
        assert await connection.run_sync(contents) == before
    assert MIGRATIONS.is_dir()


def contents(connection: Connection) -> dict[str, int]:
    return {table.name: len(connection.execute(table.select()).all()) for table in metadata.sorted_tables}
