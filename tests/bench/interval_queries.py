"""Intervals read for reports, against DuckDB and ClickHouse (chDB): one meter's years, many meters' month, totals.

    python tests/bench/interval_queries.py [meters]

One store on SQLite holds 48 months of 20 meters, as the peers' do; another 31 days of so many meters, one in a hundred
revised. The peers write the same columns but the revision date. The best of five, in memory unless it says cold.
Takes some three minutes with 100,000 meters.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.identifiers import EsiId, MeterNumber
from portal.usage.daily_csv import csv_of, csv_of_many
from portal.usage.report_days import Span
from portal.usage.row_keys import month_number
from portal.usage.sealing import seal
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile
from portal.visibility import VisibleMeter
from tests.bench._interval_data import PER_DAY, Shapes, esi_id, file_pieces, write_file
from tests.bench._interval_peers import Click, Duck
from tests.bench._verdicts import goal
from tests.bench.echo import say

FIRST, LAST = date(2022, 1, 1), date(2025, 12, 31)
MONTH = Span(first=date(2026, 5, 1), last=date(2026, 5, 31))
FEW, MANY = 20, 500
ROUNDS = 5
TURNS = 15
PIECE = 8192
CLOCK = SystemClock()


def seen(esi_id: EsiId) -> VisibleMeter:
    """A meter as its viewer has it."""
    words = {"service_address": "1 Elm St", "city": "Austin", "state": "TX", "zip": "78701"}
    return VisibleMeter(id=1, gateway=None, esi_id=esi_id, number=MeterNumber("M1"), **words)


async def best(work: Callable[[], Awaitable[object]]) -> float:
    """The least milliseconds of some rounds."""
    least = 1e9
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        least = min(least, time.perf_counter() - began)
    return least * 1e3


async def best_of_each(*works: Callable[[], Awaitable[object]]) -> list[float]:
    """The least milliseconds of each of some works that take turns, for machines have slow moments."""
    least = [1e9] * len(works)
    for _ in range(TURNS):
        for place, work in enumerate(works):
            began = time.perf_counter()
            await work()
            least[place] = min(least[place], time.perf_counter() - began)
    return [each * 1e3 for each in least]


async def length(pieces: AsyncIterator[bytes]) -> int:
    """How many bytes a report has."""
    size = 0
    async for piece in pieces:
        size += len(piece)
    return size


def days_of(first: date, last: date) -> list[date]:
    """Every day."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


async def filled(url: str, shapes: Shapes, meters: int, days: Sequence[date]) -> SqlIntervalStore:
    """A store in which each day came as a file, and then a hundredth of the meters again for the last."""
    store = await SqlIntervalStore.opened(Database.open(url))
    numbers = np.arange(meters)
    for again, part, some in ((0, numbers, days), (1, numbers[::100], days[-1:])):
        for day in some:
            pieces = [part[start : start + PIECE] for start in range(0, len(part), PIECE)]
            source = SourceFile(name=f"{day}", sha256=f"{day} {again}", received_at=CLOCK.now())
            batches = [shapes.batch(each, day, again) for each in pieces]
            await store.load_batches(source, partial(iter, batches))
    return store


async def sealed(store: SqlIntervalStore, days: Sequence[date]) -> None:
    """Seal the months of some days."""
    for month in sorted({month_number(day) for day in days}):
        await seal(store._database, month, CLOCK)


async def history(folder: Path, shapes: Shapes) -> None:
    """One meter's 48 months to CSV, here and at the peers."""
    days, meter = days_of(FIRST, LAST), esi_id(7)
    path, span, file = folder / "history.db", Span(first=FIRST, last=LAST), folder / "history.csv"
    write_file(file, file_pieces(shapes, "csv", days, np.arange(FEW)))
    duck, click = Duck(folder), Click(folder)
    duck.load(file, keep=True)
    click.load(file, keep=True)
    store = await filled(f"sqlite:///{path}", shapes, FEW, days)
    opened = await best(lambda: length(csv_of(store, seen(meter), span)))
    await sealed(store, days)

    async def by_duck() -> None:
        duck.connection.execute(f"copy ({Duck.REPORT.format(meter=meter)}) to '{folder}/out.csv' (header)")

    async def by_click() -> None:
        click.session.query(Click.REPORT.format(meter=meter), "CSVWithNames").bytes()

    warm, of_duck, of_click = await best_of_each(lambda: length(csv_of(store, seen(meter), span)), by_duck, by_click)
    size = await length(csv_of(store, seen(meter), span))
    await store._database.close()
    cold = 1e9
    for _ in range(ROUNDS):
        with path.open("rb") as held:
            os.fsync(held.fileno())
            os.posix_fadvise(held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        again = SqlIntervalStore(Database.open(f"sqlite:///{path}"))
        began = time.perf_counter()
        await length(csv_of(again, seen(meter), span))
        cold = min(cold, (time.perf_counter() - began) * 1e3)
        await again._database.close()
    peers = f"DuckDB {of_duck:.1f}, ClickHouse {of_click:.1f}"
    say(f"one meter, 48 months, {size / 1e6:.1f} MB of CSV: open {opened:.1f} ms, {peers}")
    goal("sealed, warm, ms", warm, 15, most=True)
    goal("sealed, cold, with the opening of the file, ms", cold, 40, most=True)
    goal("faster than ClickHouse", of_click / warm, 3)
    goal("faster than DuckDB", of_duck / warm, 6)
    click.session.close()


async def used(store: SqlIntervalStore) -> int:
    """Bytes of the pages that hold anything."""
    async with store._database.reading() as connection:
        words = "select (page_count - freelist_count) * 4096 from pragma_page_count, pragma_freelist_count"
        return int((await connection.exec_driver_sql(words)).scalar_one())


async def month(folder: Path, shapes: Shapes, meters: int) -> None:
    """31 days of many meters: sizes, one meter, many, totals and newest, open and sealed."""
    days = days_of(MONTH.first, MONTH.last)
    ids = [esi_id(number) for number in range(meters)]
    apart = [seen(ids[number * meters // MANY]) for number in range(MANY)]
    small = await filled(f"sqlite:///{folder}/small.db", shapes, 1000, days)
    began = time.perf_counter()
    store = await filled(f"sqlite:///{folder}/month.db", shapes, meters, days)
    count = meters * len(days)
    say(f"{meters:,} meters, 31 days, packed before: stored in {time.perf_counter() - began:.0f} s, packing included")
    for state in ("open", "sealed"):
        if state == "sealed":
            began = time.perf_counter()
            await sealed(store, days)
            say(f"sealed in {time.perf_counter() - began:.1f} s")
            await sealed(small, days)
        goal(f"{state}: bytes per interval", await used(store) / count / PER_DAY, 2.0, most=True)
        few = await best(lambda: length(csv_of(small, seen(ids[500]), MONTH)))
        one = await best(lambda: length(csv_of(store, seen(ids[meters // 2]), MONTH)))
        goal(f"{state}: a meter's month among {meters:,} to among 1,000", one / few, 1.2, most=True)
        many = await best(lambda: length(csv_of_many(store, apart, MONTH)))
        goal(f"{state}: {MANY} meters, 31 days, to CSV, ms", many, 250, most=True)
        totals = await best(lambda: store.totals_by_columns(ids, MONTH.first, MONTH.last))
        goal(f"{state}: daily totals of all, s", totals / 1e3, 0.4, most=True)
        newest = await best(lambda: store.newest_by_columns(ids))
        goal(f"{state}: newest read of each, s", newest / 1e3, 0.2, most=True)
        intervals = await best(lambda: store.newest_reads(ids))
        say(f"{state}: the same with the quarter hours, an object for each: {intervals / 1e3:.2f} s")
    await small._database.close()
    await store._database.close()


def main(words: list[str]) -> None:
    """Both stores."""
    shapes = Shapes()
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(history(Path(name), shapes))
        asyncio.run(month(Path(name), shapes, int(words[0]) if words else 100_000))


if __name__ == "__main__":
    main(sys.argv[1:])
