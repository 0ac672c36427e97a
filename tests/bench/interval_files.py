"""Interval files: read and loaded, against the csv module and against a table of one row for each interval.

    python tests/bench/interval_files.py [meters]

A street's file of 13 months is written once; then each way handles it in turn, three rounds, durable where it stores.
The peers check nothing: no dates, no times, no decimals, no duplicates. Takes some 40 seconds with 32 meters.
"""

import asyncio
import csv
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.clock import SystemClock
from gateway.database import Database
from portal.usage.esi_ids import KnownMeters
from portal.usage.load import PIECE, load_file
from portal.usage.smt_file import parse
from portal.usage.sql_store import SqlIntervalStore
from simulators.smt_csv import history, write
from simulators.street import Premise, street
from tests.bench.echo import say

ROUNDS = 3
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


def pieces(path: Path) -> Iterator[bytes]:
    """A file's bytes."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def parsed(path: Path, premises: list[Premise]) -> None:
    """Ours: every row checked, meter-days made."""
    known = KnownMeters(premise.esi_id for premise in premises)
    for _ in parse(pieces(path), known, NOW.date()):
        pass


def csv_rows(path: Path) -> Iterator[tuple[str, str, str, int, str, str]]:
    """The peer: the csv module and float, nothing checked."""
    with path.open(encoding="ascii", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for esi_id, day, _, start, _, kwh, flag, channel in reader:
            yield esi_id, day, start, round(float(kwh or 0) * 1000), flag, channel


def exhausted(path: Path) -> None:
    """The peer reads and forgets."""
    for _ in csv_rows(path):
        pass


def loaded(path: Path, premises: list[Premise], folder: Path) -> None:
    """Ours: checked, compared with what is there, stored with its version."""
    known = KnownMeters(premise.esi_id for premise in premises)

    async def load() -> None:
        database = Database.open(f"sqlite:///{folder}/ours-{time.monotonic_ns()}.db")
        store = await SqlIntervalStore.opened(database)
        await load_file(store, path, known, SystemClock(), lambda count: None)
        await database.close()

    asyncio.run(load())


def rows_loaded(path: Path, folder: Path) -> None:
    """The peer: a row for each interval, keyed by meter, day and time, in one transaction."""
    connection = sqlite3.connect(folder / f"rows-{time.monotonic_ns()}.db")
    connection.execute("pragma journal_mode = wal")
    connection.execute(
        "create table intervals (esi_id, day, start, wh, flag, channel, seq integer,"
        " primary key (esi_id, day, channel, seq)) without rowid"
    )
    numbered = ((*row, seq) for seq, row in enumerate(csv_rows(path)))
    connection.executemany("insert into intervals values (?, ?, ?, ?, ?, ?, ?)", numbered)
    connection.commit()
    connection.close()


def rate(work: Callable[[], None], rows: int) -> float:
    """Rows a second, in millions."""
    began = time.perf_counter()
    work()
    return rows / (time.perf_counter() - began) / 1e6


def main() -> None:
    """Write a file, then let the four take turns."""
    premises = street(7, int(sys.argv[1]) if len(sys.argv) > 1 else 32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "IntervalData.csv"
        last = NOW.date() - timedelta(days=1)
        began = time.perf_counter()
        rows = write(path, history(premises, last - timedelta(days=395), last), random.Random(7), NOW)
        say(f"{rows:,} rows written in {time.perf_counter() - began:.1f} s")
        ways: dict[str, Callable[[], None]] = {
            "read: csv module": lambda: exhausted(path),
            "read: metergate": lambda: parsed(path, premises),
            "load: a row for each interval": lambda: rows_loaded(path, folder),
            "load: metergate": lambda: loaded(path, premises, folder),
        }
        rounds = [{way: rate(work, rows) for way, work in ways.items()} for _ in range(ROUNDS)]
        for way in ways:
            say(f"{way:32} {statistics.median(one[way] for one in rounds):5.2f} M rows/s")
        for ours, peer in (
            ("read: metergate", "read: csv module"),
            ("load: metergate", "load: a row for each interval"),
        ):
            ratios = sorted(one[ours] / one[peer] for one in rounds)
            say(f"{ours} to {peer}: {statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})")


if __name__ == "__main__":
    main()
