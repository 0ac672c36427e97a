"""Sealing a month: all or nothing, once, beside loads, and nobody who reads can tell."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.clock import SystemClock
from gateway.database import Database
from portal.usage.row_keys import month_number
from portal.usage.sealing import Sealed, open_months, seal
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import Loaded, SourceFile
from portal.usage.tables import open_blocks, sealed_blocks, sealed_months
from tests.clock import HandClock
from tests.portal.usage.files import METER, OTHER, PLAIN, meter_day
from tests.portal.usage.test_sql_store import ALL_TIME, NOW, load

MONTH = month_number(PLAIN)
CLOCK = SystemClock()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    await SqlIntervalStore.opened(opened)
    yield opened
    await opened.close()


async def counts(database: Database) -> tuple[int, int, int]:
    """Rows that stand open, rows that are sealed, months that are."""
    async with database.reading() as connection:
        tables = (open_blocks, sealed_blocks, sealed_months)
        found = [await connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    return found[0], found[1], found[2]


async def test_a_sealed_month_reads_as_before_and_is_sealed_once(database: Database) -> None:
    store = SqlIntervalStore(database)
    days = [
        meter_day([day] * 96, date(2026, month, day), meter)
        for meter in (METER, OTHER)
        for month in (4, 5, 6)
        for day in (1, 30)
    ]
    await load(store, "one", *days)
    await load(store, "two", meter_day([7] * 96, date(2026, 5, 1)))
    before = [await store.versions(meter, *ALL_TIME) for meter in (METER, OTHER)]
    totals = await store.totals([METER, OTHER], *ALL_TIME)
    assert await seal(database, MONTH, CLOCK) == Sealed(month=MONTH, already=False, blocks=5)
    assert await seal(database, MONTH, CLOCK) == Sealed(month=MONTH, already=True)
    assert await counts(database) == (8, 5, 1)
    assert [await store.versions(meter, *ALL_TIME) for meter in (METER, OTHER)] == before
    assert await store.totals([METER, OTHER], *ALL_TIME) == totals
    assert await open_months(database, MONTH + 9) == [MONTH - 1, MONTH + 1]
    assert await open_months(database, MONTH) == [MONTH - 1]


async def test_a_revision_of_a_sealed_month_is_compared_and_goes_straight_to_it(database: Database) -> None:
    store = SqlIntervalStore(database)
    later = date(2026, 6, 1)
    await load(store, "one", meter_day(), meter_day(day=later))
    await seal(database, MONTH, CLOCK)
    same = await load(store, "two", meter_day(), meter_day(day=later), meter_day(meter=OTHER))
    assert (same.new, same.revised, same.identical) == (1, 0, 2)
    revised = await load(store, "three", meter_day([5] * 96), meter_day([5] * 96, later))
    assert (revised.new, revised.revised, revised.identical) == (0, 2, 0)
    assert await counts(database) == (2, 3, 1)
    assert [each.data.total_wh for each in await store.current(METER, *ALL_TIME)] == [480, 480]
    assert len(await store.versions(METER, *ALL_TIME)) == 4


async def test_an_empty_month_can_be_sealed_and_takes_what_comes_later(database: Database) -> None:
    assert (await seal(database, MONTH, CLOCK)).blocks == 0
    store = SqlIntervalStore(database)
    await load(store, "one", meter_day())
    assert await counts(database) == (0, 1, 1)
    assert await store.newest_day(METER) == PLAIN


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer, who waits by itself
async def test_a_seal_waits_for_a_load_that_writes_the_month(database: Database, database_url: str) -> None:
    store, other, clock = SqlIntervalStore(database), Database.open(database_url), HandClock()
    sealing: list[asyncio.Task[Sealed]] = []

    async def loading() -> Loaded:
        # The load's transaction is open while batches are made; the seal comes upon it there.
        return await store.load(SourceFile(name="one", sha256="one", received_at=NOW), lambda: iter([meter_day()]))

    async with database.reading() as holder:
        await holder.execute(select(func.pg_advisory_xact_lock_shared(7_204_119, MONTH)))
        sealing.append(asyncio.create_task(seal(other, MONTH, clock)))
        async with asyncio.timeout(20):
            assert (await loading()).new == 1  # the seal that tries again keeps no load from beginning
        assert not sealing[0].done()
        assert await counts(other) == (1, 0, 0)
    async with asyncio.timeout(20):
        while not sealing[0].done():
            await clock.advance(1.0)
            await counts(other)
    assert (await sealing[0]).blocks == 1
    await other.close()


KILLED = """
import asyncio, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from portal.usage import sealing
from tests.portal.usage.test_seal import CLOCK, MONTH, Database

@event.listens_for(Engine, "before_cursor_execute")
def die(connection, cursor, statement, parameters, context, executemany):
    if statement.lower().startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(sealing.seal(Database.open(sys.argv[1]), MONTH, CLOCK))
"""


@pytest.mark.parametrize("before", ["delete from open_blocks", "insert into sealed_months"])
async def test_a_killed_seal_leaves_all_or_nothing_and_may_be_run_again(
    database: Database, database_url: str, before: str
) -> None:
    store = SqlIntervalStore(database)
    await load(store, "one", meter_day(), meter_day(meter=OTHER))
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, database_url, before],
        check=False,
        timeout=60,
        capture_output=True,
    )
    assert killed.returncode == -9, killed.stderr.decode()
    assert await counts(database) == (2, 0, 0)
    assert (await seal(database, MONTH, CLOCK)).blocks == 2
    assert await counts(database) == (0, 2, 1)


def metergate_seal(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder with a store of its own."""
    (place / "configuration.toml").write_text(f'portal.intervals = "sqlite:///{place}/usage.db"')
    command = [str(Path(sys.executable).with_name("metergate")), "seal", *words, "--config", "configuration.toml"]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)


async def test_the_command_seals_a_month_or_all_before_one_and_says_what_it_did(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/usage.db")
    store = await SqlIntervalStore.opened(database)
    await load(store, "one", *(meter_day(day=date(2026, month, 3)) for month in (1, 2, 3)))
    await database.close()
    assert metergate_seal(tmp_path, "2026-02").stdout.startswith("2026-02: 1 meter-days sealed in ")
    assert metergate_seal(tmp_path, "2026-02").stdout == "2026-02: sealed before\n"
    assert [line[:10] for line in metergate_seal(tmp_path, "--before", "2026-04").stdout.splitlines()] == [
        "2026-01: 1",
        "2026-03: 1",
    ]
    assert metergate_seal(tmp_path, "--before", "2026-04").stdout == "nothing to seal before 2026-04\n"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["2026-13"], "2026-13 is not a month such as 2026-05"),
        (["1999-12"], "1999-12 is before 2000"),
        (["2088-01"], "a month can be sealed once it is over"),
        (["2026-01", "--before", "2026-02"], "either a month or --before a month, not both"),
    ],
)
def test_the_command_refuses_what_is_no_month_that_is_over(tmp_path: Path, words: list[str], cause: str) -> None:
    refused = metergate_seal(tmp_path, *words)
    assert (refused.returncode, refused.stderr) == (1, f"metergate: {cause}\n")
