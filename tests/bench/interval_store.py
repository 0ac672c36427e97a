"""The interval store: blocks loaded, sealed and read on both databases, against a table of one row for each interval.

    python tests/bench/interval_store.py [meters [days]]

Batches are made with numpy and packed before the clock starts, so that the store alone is measured; loads are durable.
PostgreSQL is measured if its programs are there. Takes about a minute with 10,000 meters and 31 days.
"""

import asyncio
import contextlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.identifiers import EsiId
from portal.usage.batch import Batch
from portal.usage.day_block import pack
from portal.usage.row_keys import month_number
from portal.usage.sealing import seal
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from tests.bench.echo import say
from tests.postgres import PrivatePostgres, binaries

FIRST = date(2026, 5, 1)
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SHAPES = 2000
PIECE = 8192
PER_DAY = 96
ROWS_METERS = 300


def shapes(dice: np.random.Generator) -> list[tuple[bytes, int, int]]:
    """Days as they are: about 212 Wh with noise and spikes, 1 % estimated, some gaps. Block, sum, missing of each."""
    hours = 1 + 0.5 * np.sin(np.arange(PER_DAY) / PER_DAY * 2 * np.pi - 2)
    made = []
    for _ in range(SHAPES):
        wh = dice.gamma(4.0, 44.0, PER_DAY) * hours
        spikes = dice.random(PER_DAY) < 0.04
        values: list[int | None] = [int(each) for each in wh + spikes * dice.integers(300, 1500, PER_DAY)]
        estimated = [bool(dice.random() < 0.3) for _ in values] if dice.random() < 0.01 else [False] * PER_DAY
        if dice.random() < 0.005:
            values[int(dice.integers(PER_DAY))] = None
        made.append((pack(values, estimated), sum(filter(None, values)), values.count(None)))
    return made


def day_batches(days: list[tuple[bytes, int, int]], day: date, meters: int, every: int = 1) -> list[Batch]:
    """A day of so many meters, or of every so many, sorted by meter."""
    found = []
    for start in range(0, meters, PIECE * every):
        numbers = np.arange(start, min(start + PIECE * every, meters), every)
        picked = [days[place] for place in ((numbers * 7919 + day.toordinal() * 31 + every) % len(days)).tolist()]
        found.append(
            Batch(
                esi_ids=np.char.mod("1044372%010d", numbers).astype("S22"),
                days=np.full(len(numbers), day.toordinal(), dtype=np.int32),
                channels=np.zeros(len(numbers), dtype=np.uint8),
                revised=np.full(len(numbers), 1_777_000_000 + day.toordinal() % 1000 * 86_400, dtype=np.int64),
                totals=np.array([total for _, total, _ in picked], dtype=np.int64),
                missing=np.array([missing for _, _, missing in picked], dtype=np.uint8),
                blocks=[block for block, _, _ in picked],
            )
        )
    return found


async def load(store: SqlIntervalStore, name: str, batches: list[Batch]) -> float:
    """Load batches as one file; returns seconds."""
    source = SourceFile(name=name, sha256=name, received_at=NOW)
    began = time.perf_counter()
    await store.load_batches(source, lambda: iter(batches))
    return time.perf_counter() - began


async def best(work: Callable[[], Awaitable[object]], rounds: int = 3) -> float:
    """The least seconds of some rounds."""
    least = 1e9
    for _ in range(rounds):
        began = time.perf_counter()
        await work()
        least = min(least, time.perf_counter() - began)
    return least


async def size(database: Database, folder: Path) -> int:
    """Bytes of all that is stored, keys included."""
    async with database.reading() as connection:
        if database.dialect == "sqlite":
            return int(
                (await connection.exec_driver_sql("select page_count * 4096 from pragma_page_count")).scalar_one()
            )
        words = (
            "select sum(pg_total_relation_size(oid)) from pg_class where relkind = 'r' and relname like '%%blocks%%'"
        )
        return int((await connection.exec_driver_sql(words.replace("%%", "%"))).scalar_one())


async def measured(url: str, meters: int, days: int, made: list[tuple[bytes, int, int]], folder: Path) -> float:
    """Everything about one database; returns its load rate, intervals a second."""
    database, clock = Database.open(url), SystemClock()
    store = await SqlIntervalStore.opened(database)
    say(f"-- {database.dialect}: {meters:,} meters, {days} days")
    seconds = []
    for number in range(days):
        batches = day_batches(made, FIRST + timedelta(days=number), meters)
        seconds.append(await load(store, f"day {number}", batches))
    loaded = meters * days
    rate = loaded * PER_DAY / sum(seconds)
    say(f"load      {rate / 1e6:6.1f} M intervals/s, {sum(seconds) / loaded * 1e6:.2f} us per meter-day")
    flat = np.median(seconds[-3:]) / np.median(seconds[1:4])
    say(f"flat      the last three days took {flat:.2f} of days 2 to 4; day 1 numbers the meters, {seconds[0]:.2f} s")
    revised = await load(store, "revisions", day_batches(made, FIRST, meters, 10))
    say(f"revisions {revised / (meters / 10) * 1e6:.1f} us each, compared with what stands")
    say(f"size      {await size(database, folder) / loaded / PER_DAY:.2f} bytes per interval, open")
    esi_ids = [EsiId(f"1044372{number:010d}") for number in range(meters)]
    last = FIRST + timedelta(days=days - 1)

    async def one_meter() -> None:
        async for _ in store.rows(esi_ids[meters // 2], FIRST, last, every_version=False):
            pass

    for state in ("open", "sealed"):
        if state == "sealed":
            began = time.perf_counter()
            done = await seal(database, month_number(FIRST), clock)
            took = time.perf_counter() - began
            each = done.blocks / took
            say(f"seal      {each / 1e3:.0f} k meter-days/s, {each * PER_DAY / 1e6:.1f} M intervals/s")
        say(
            f"{state:9} one meter, {days} days {await best(one_meter) * 1e3:.1f} ms;"
            f" totals of all {await best(lambda: store.totals_by_columns(esi_ids, FIRST, last), 1):.2f} s;"
            f" newest of all {await best(lambda: store.newest_reads(esi_ids), 2):.2f} s"
        )
    await database.close()
    return rate


async def long_history(url: str, made: list[tuple[bytes, int, int]]) -> None:
    """One meter's 48 months among 20, open and then sealed."""
    database, store = Database.open(url), None
    store = await SqlIntervalStore.opened(database)
    days = [date(2022, 1, 1) + timedelta(days=number) for number in range(1461)]
    await load(store, "all", [batch for day in days for batch in day_batches(made, day, 20)])

    async def fetch() -> None:
        async for _ in store.rows(EsiId(f"1044372{7:010d}"), days[0], days[-1], every_version=False):
            pass

    opened = await best(fetch, 5)
    for month in range(month_number(days[0]), month_number(days[-1]) + 1):
        await seal(database, month, SystemClock())
    sealed = await best(fetch, 5)
    say(f"-- {database.dialect}: one meter's 48 months in {opened * 1e3:.1f} ms open, {sealed * 1e3:.1f} ms sealed")
    await database.close()


def rows_table(folder: Path, meters: int, days: int) -> tuple[float, float]:
    """The peer: a row for each interval by executemany from tuples that are there; intervals a second, bytes each."""
    path, dice = folder / "rows.db", np.random.default_rng(1)
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute(
        "create table r (meter, start, version, wh, flag, primary key (meter, start, version)) without rowid"
    )
    seconds = 0.0
    for day in range(days):
        wh = iter(dice.gamma(4.0, 53.0, meters * PER_DAY).astype(int).tolist())
        rows = [(m, (day * PER_DAY + i) * 900, 1, next(wh), 0) for m in range(meters) for i in range(PER_DAY)]
        began = time.perf_counter()
        connection.executemany("insert into r values (?, ?, ?, ?, ?)", rows)
        connection.commit()
        seconds += time.perf_counter() - began
    pages = connection.execute("pragma page_count").fetchone()[0] * 4096
    connection.close()
    count = meters * days * PER_DAY
    return count / seconds, pages / count


async def by_meters(folder: Path, most: int, made: list[tuple[bytes, int, int]]) -> None:
    """What a meter-day costs with more and more meters in the store, on SQLite."""
    words = []
    for meters in (1_000, 10_000, 100_000):
        if meters <= most:
            database = Database.open(f"sqlite:///{folder}/m{meters}.db")
            store = await SqlIntervalStore.opened(database)
            await load(store, "first", day_batches(made, FIRST, meters))
            second = await load(store, "second", day_batches(made, FIRST + timedelta(days=1), meters))
            words.append(f"{second / meters * 1e6:.2f} at {meters:,}")
            await database.close()
    say(f"-- sqlite: us per meter-day of a second day: {', '.join(words)} meters")


@contextlib.contextmanager
def urls(folder: Path) -> Iterator[list[tuple[str, str]]]:
    """Two empty databases on each engine that is there."""
    found = [(f"sqlite:///{folder}/days.db", f"sqlite:///{folder}/long.db")]
    with contextlib.ExitStack() as stack:
        if binaries() is not None:
            server = stack.enter_context(PrivatePostgres.started())
            found.append((stack.enter_context(server.fresh_database()), stack.enter_context(server.fresh_database())))
        yield found


def main(words: list[str]) -> None:
    """Both databases, then the peer."""
    meters, days = (int(words[0]) if words else 10_000), (int(words[1]) if len(words) > 1 else 31)
    made = shapes(np.random.default_rng(7))
    say(f"blocks of {np.mean([len(block) for block, _, _ in made]) / PER_DAY:.2f} bytes per interval")
    say(f"mean of {np.mean([total for _, total, _ in made]) / PER_DAY:.0f} Wh")
    with tempfile.TemporaryDirectory() as name, urls(Path(name)) as databases:
        folder = Path(name)
        rates: list[Any] = []
        for url, long_url in databases:
            rates.append(asyncio.run(measured(url, meters, days, made, folder)))
            asyncio.run(long_history(long_url, made))
        asyncio.run(by_meters(folder, 100_000, made))
        rate, each = rows_table(folder, ROWS_METERS, 10)
        say(f"-- a row for each interval, sqlite3: {rate / 1e6:.2f} M intervals/s, {each:.1f} bytes per interval")
        for ours, (url, _) in zip(rates, databases, strict=True):
            say(f"{url.partition(':')[0]} to it: {ours / rate:.1f} times the rate")


if __name__ == "__main__":
    main(sys.argv[1:])
