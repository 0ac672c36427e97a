"""Interval files loaded from the disk, durable, against DuckDB, ClickHouse (chDB), PostgreSQL rows and SQLite rows.

    python tests/bench/interval_load.py [meters]

One day of so many meters as CSV and as LodeStar Enhanced; every way takes its turn, six rounds, and the best of each
counts. Ours checks each row, takes the file's SHA-256 and compares with what stands, in a store that has had the day
before; the peers check nothing, and begin with an empty table. The slow ones load fewer meters: their rates only fall
with more. Takes some four minutes with 100,000 meters.
"""

import asyncio
import csv
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from portal.usage.kernel.numpy_kernel import NumpyKernel
from tests.bench._interval_data import PER_DAY, Shapes
from tests.bench._interval_ground import Ground, known, load
from tests.bench._interval_peers import Click, Duck, postgres_rows
from tests.bench._verdicts import goal
from tests.bench.echo import say
from tests.postgres import PrivatePostgres, binaries

ROUNDS = 6
NUMBERS = count(1)


Rates = dict[str, float]
Spent = tuple[float, float]
"""Seconds, and seconds of processor time of all threads of this process."""


def timed(work: Callable[[], None]) -> Spent:
    """What work takes."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu


def sqlite_rows(path: Path, folder: Path) -> None:
    """A row for each interval, keyed by meter, start and version, by the csv module."""
    connection = sqlite3.connect(folder / f"rows-{next(NUMBERS)}.db")
    connection.execute("pragma journal_mode = wal")
    connection.execute(
        "create table r (esi_id, day, start, version, wh, flag,"
        " primary key (esi_id, day, start, version)) without rowid"
    )
    with path.open(encoding="ascii", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        rows = ((e, d, s, 1, round(float(kwh or 0) * 1000), flag) for e, d, _, s, _, kwh, flag, _ in reader)
        connection.executemany("insert into r values (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def rates(ground: Ground, meters: int, server: PrivatePostgres | None) -> tuple[Rates, Rates]:
    """The best rate of each way, in millions a second and a second of processor time."""
    tenth, fiftieth = max(meters // 10, 1), max(meters // 50, 1)
    names, few, folder = known(meters), known(tenth), ground.folder

    def fresh() -> str:
        return f"sqlite:///{ground.folder}/ours-{next(NUMBERS)}.db"

    ways: dict[str, tuple[int, Callable[[], Spent]]] = {
        "ours CSV, SQLite": (meters, lambda: load(ground.file("csv", meters), names, fresh(), before=ground.shapes)),
        "DuckDB, eight columns": (
            meters,
            lambda: timed(lambda: Duck(folder).load_all(ground.file("csv", meters))),
        ),
        "ours LSE, SQLite": (meters, lambda: load(ground.file("lse", meters), names, fresh(), before=ground.shapes)),
        "DuckDB, four columns": (meters, lambda: timed(lambda: Duck(folder).load(ground.file("csv", meters)))),
        "ClickHouse": (meters, lambda: timed(lambda: Click(folder).load(ground.file("csv", meters)))),
        "ours CSV, SQLite, numpy": (
            tenth,
            lambda: load(ground.file("csv", tenth), few, fresh(), NumpyKernel(), ground.shapes),
        ),
        "ours LSE, SQLite, numpy": (
            tenth,
            lambda: load(ground.file("lse", tenth), few, fresh(), NumpyKernel(), ground.shapes),
        ),
        "SQLite rows": (fiftieth, lambda: timed(lambda: sqlite_rows(ground.file("csv", fiftieth), ground.folder))),
    }
    if server:

        def on_postgres(written_as: str) -> Spent:
            with server.fresh_database() as url:
                return load(ground.file(written_as, meters), names, url, before=ground.shapes)

        def rows() -> Spent:
            with server.fresh_database() as url:
                return timed(lambda: asyncio.run(postgres_rows(url, ground.file("csv", tenth))))

        ways["ours CSV, PostgreSQL"] = meters, lambda: on_postgres("csv")
        ways["ours LSE, PostgreSQL"] = meters, lambda: on_postgres("lse")
        ways["PostgreSQL rows"] = tenth, rows
    for written_as, part in (("csv", meters), ("lse", meters), ("csv", tenth), ("lse", tenth), ("csv", fiftieth)):
        ground.file(written_as, part)
    best, frugal = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0.0)
    for turn in range(ROUNDS):
        for name, (part, work) in ways.items():
            if turn and name in ("PostgreSQL rows", "SQLite rows"):
                continue
            seconds, cpu = work()
            best[name] = max(best[name], part * PER_DAY / seconds / 1e6)
            frugal[name] = max(frugal[name], part * PER_DAY / cpu / 1e6)
            for old in ground.folder.glob("ours-*"):
                old.unlink()
    return best, frugal


def compared(best: Rates, frugal: Rates) -> None:
    """The rates, and ratios against the goals; of processor time too, which what else runs here does not change."""
    for name, rate in sorted(best.items(), key=lambda each: -each[1]):
        cpu = "" if "PostgreSQL" in name else f", {frugal[name]:6.2f} M a second of processor time"
        say(f"{name:26} {rate:6.2f} M intervals/s{cpu}")
    least = max(frugal["DuckDB, eight columns"], frugal["DuckDB, four columns"])
    mine = frugal["ours CSV, SQLite"]
    say(f"by processor time: CSV to DuckDB {mine / least:.1f}, to ClickHouse {mine / frugal['ClickHouse']:.1f},")
    say(f"   LSE to DuckDB's CSV {frugal['ours LSE, SQLite'] / least:.1f}")
    duck = max(best["DuckDB, eight columns"], best["DuckDB, four columns"])
    for where in ("SQLite", "PostgreSQL"):
        if f"ours CSV, {where}" not in best:
            continue
        mine, lse = best[f"ours CSV, {where}"], best[f"ours LSE, {where}"]
        goal(f"{where}: CSV to DuckDB's best", mine / duck, 2.5)
        goal(f"{where}: CSV to ClickHouse", mine / best["ClickHouse"], 2.5)
        if "PostgreSQL rows" in best:
            goal(f"{where}: CSV to PostgreSQL rows", mine / best["PostgreSQL rows"], 10)
        goal(f"{where}: CSV to SQLite rows", mine / best["SQLite rows"], 30)
        goal(f"{where}: LSE, M intervals/s", lse, 15)
        goal(f"{where}: LSE to DuckDB's CSV", lse / duck, 5)
    goal("numpy: LSE to DuckDB's CSV", best["ours LSE, SQLite, numpy"] / duck, 1)
    goal("numpy: CSV to DuckDB's CSV", best["ours CSV, SQLite, numpy"] / duck, 1)


def main(words: list[str]) -> None:
    """Everything on files of so many meters."""
    meters = int(words[0]) if words else 100_000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(PrivatePostgres.started()) if binaries() else None
        compared(*rates(Ground(folder=folder, shapes=Shapes()), meters, server))


if __name__ == "__main__":
    main(sys.argv[1:])
