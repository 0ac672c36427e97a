"""Meter-days of the first schema become blocks and lose nothing, and go back if they must."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, Table, insert, select

from gateway.clock import SystemClock
from gateway.database import Database
from portal.usage.intervals import Channel
from portal.usage.row_keys import month_number
from portal.usage.sealing import seal
from portal.usage.sql_store import MIGRATIONS, SqlIntervalStore
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, meter_day
from tests.portal.usage.test_sql_store import ALL_TIME

REVISED = datetime(2026, 5, 7, 12, 40, 29, tzinfo=UTC)
RECEIVED = datetime(2026, 5, 8, tzinfo=UTC)
VALUES = [None, *range(99)]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    yield opened
    await opened.close()


def alembic_on(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def old_rows(connection: Connection) -> list[tuple[Any, ...]]:
    table = Table("meter_days", MetaData(), autoload_with=connection)
    rows = connection.execute(select(table).order_by(table.c.esi_id, table.c.day, table.c.version)).all()
    return [tuple(row) for row in rows]


def fill(connection: Connection) -> list[tuple[Any, ...]]:
    """The first schema with three meter-days, one of them in two versions; their blocks byte by byte."""
    command.upgrade(alembic_on(connection), "0001")
    metadata = MetaData()
    files = Table("source_files", metadata, autoload_with=connection)
    old = Table("meter_days", metadata, autoload_with=connection)
    naive = connection.dialect.name == "sqlite"
    received, revised = (each.replace(tzinfo=None) if naive else each for each in (RECEIVED, REVISED))
    connection.execute(
        insert(files),
        [{"name": n, "sha256": n, "received_at": received, "meter_days": 2} for n in ("one", "two")],
    )
    gap = (-(2**31)).to_bytes(4, "little", signed=True)
    fall = gap + b"".join(value.to_bytes(4, "little") for value in range(99)) + b"\x02" + bytes(12)
    plain = b"".join(value.to_bytes(4, "little") for value in range(96)) + bytes(12)
    sevens = (7).to_bytes(4, "little") * 96 + bytes(12)
    rows = [
        (str(METER), FALL, "C", 1, None, 100, sum(range(99)), 1, fall),
        (str(METER), PLAIN, "C", 1, None, 96, sum(range(96)), 0, plain),
        (str(METER), PLAIN, "C", 2, revised, 96, 672, 0, sevens),
        (str(OTHER), PLAIN, "G", 2, None, 96, sum(range(96)), 0, plain),
    ]
    connection.execute(insert(old), [dict(zip(old.columns.keys(), row, strict=True)) for row in rows])
    return old_rows(connection)


async def changed(database: Database, work: Any) -> Any:
    return await database.write(lambda connection: connection.run_sync(work))


async def test_every_old_row_is_carried_over_and_comes_back_on_the_way_down(database: Database) -> None:
    before = await changed(database, fill)
    store = await SqlIntervalStore.opened(database)
    estimated = [False, True] + [False] * 98
    versions = await store.versions(METER, *ALL_TIME)
    assert [(each.version, each.received_at) for each in versions] == [(1, RECEIVED), (1, RECEIVED), (2, RECEIVED)]
    assert versions[0].data == meter_day(VALUES, FALL, estimated=estimated)
    assert versions[1].data == meter_day()
    assert (versions[2].data.revised_at, versions[2].data.values) == (REVISED, (7,) * 96)
    assert [each.data for each in await store.current(OTHER, *ALL_TIME)] == [
        meter_day(meter=OTHER, channel=Channel.GENERATION)
    ]
    totals = await store.totals([METER, OTHER], *ALL_TIME)
    assert sorted((each.esi_id, each.day, each.total_wh, each.missing) for each in totals) == [
        (OTHER, PLAIN, sum(range(96)), 0),
        (METER, FALL, sum(range(99)), 1),
        (METER, PLAIN, 672, 0),
    ]
    await seal(database, month_number(date(2026, 5, 1)), SystemClock())
    await changed(database, lambda connection: command.downgrade(alembic_on(connection), "0004"))
    await changed(database, lambda connection: command.upgrade(alembic_on(connection), "head"))
    assert await store.totals([METER, OTHER], *ALL_TIME) == totals, "made of sealed and of open blocks alike"
    await changed(database, lambda connection: command.downgrade(alembic_on(connection), "0001"))
    assert sorted(await changed(database, old_rows), key=str) == sorted(before, key=str)
