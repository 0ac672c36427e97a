"""The migrated schema is the one that the tables describe, on both engines."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select

from gateway.database import Database
from portal.meters.tables import meters
from portal.tables import metadata
from tests.clock import HandClock
from tests.portal.world import MIGRATIONS, esi, settle


def differences(connection: Connection) -> list[object]:
    found: list[object] = compare_metadata(
        MigrationContext.configure(connection, opts={"compare_type": True}), metadata
    )
    return found


async def test_migrated_schema_and_tables_agree(database: Database) -> None:
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_meters_of_an_older_schema_are_found_by_their_ends(database: Database) -> None:
    found = select(meters.c.number_lower, meters.c.number_backwards, meters.c.esi_id_backwards).order_by(meters.c.id)

    def there_and_back(connection: Connection) -> list[tuple[str, ...]]:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        before = [tuple(row) for row in connection.execute(found)]
        command.downgrade(config, "v0015")
        command.upgrade(config, "head")
        assert before == [tuple(row) for row in connection.execute(found)]
        return before

    rows = await database.write(lambda connection: connection.run_sync(there_and_back))
    assert rows[0] == ("m00001", "10000m", str(esi(1))[::-1])


async def test_migrating_and_seeding_again_change_nothing(database: Database, clock: HandClock) -> None:
    async with database.reading() as connection:
        before = await connection.run_sync(contents)
    await settle(database, clock.now())
    async with database.reading() as connection:
        assert await connection.run_sync(contents) == before
    assert MIGRATIONS.is_dir()


def contents(connection: Connection) -> dict[str, int]:
    return {table.name: len(connection.execute(table.select()).all()) for table in metadata.sorted_tables}
