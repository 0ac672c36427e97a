"""Loads of files and seals of months, killed with SIGKILL at random moments, on both databases.

    python -m tests.crash_loads [short]

A street's files of one month, in LSE and CSV, the last ones revisions, are loaded by `metergate load` until each is in,
then `metergate seal` puts the month away; each command is killed at a random moment of its life and run again. After
every kill each file must be there whole or not at all, and in the end every value must read as the files say. Then the
same check looks at a store in which one meter-day was taken away by hand, and must see it.
"""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select, union_all

from gateway.clock import SystemClock, intervals_in
from gateway.database import Database
from gateway.identifiers import EsiId
from portal.companies.kinds import Kind
from portal.opening import open_database
from portal.seed import SeedCompany, SeedPremise, SeedWorld, seed
from portal.settings import PortalSettings
from portal.usage import lse_write, smt_write
from portal.usage.intervals import Channel, MeterDay
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.tables import open_blocks, sealed_blocks, source_files
from simulators.processes import Child, metergate
from tests.crash import say
from tests.portal.world import CHEAP
from tests.postgres import PrivatePostgres

KILLS, FEW = 100, 12
METERS, DAYS, FIRST = 400, 30, date(2026, 6, 1)
PIECES = 5
"""Files of the month, each of so many days as fit; then a revision of each second one."""
CLOCK = SystemClock()
NOW = datetime(2026, 7, 2, 12, tzinfo=UTC)
LONGEST_S = 60.0
SAMPLED = 12
KILLS_OF_ONE = 4
"""Then a command is let through."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to load and what it says."""

    path: Path
    revision: int
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days of each meter it holds."""
        return (self.last - self.first).days + 1


def esi_id(number: int) -> EsiId:
    """The meter of a number."""
    return EsiId(f"10443720{number:09d}")


def said(number: int, day: date, revision: int) -> MeterDay:
    """What a file of a revision says of a meter's day: some values missing, some estimated."""
    rolls = random.Random(f"{number} {day} {revision}")
    values = [None if rolls.random() < 0.01 else rolls.randrange(900) for _ in range(intervals_in(day))]
    estimated = [value is not None and rolls.random() < 0.01 for value in values]
    return MeterDay(
        esi_id=esi_id(number),
        day=day,
        channel=Channel.CONSUMPTION,
        revised_at=datetime(2026, 7, 1, revision, tzinfo=UTC),
        values=tuple(values),
        estimated=tuple(estimated),
    )


def written(folder: Path) -> list[File]:
    """The month's files, and revisions of every second one, by turns as LSE and as CSV."""
    span = DAYS // PIECES
    starts = [FIRST + timedelta(days=span * piece) for piece in range(PIECES)]
    plan = [(start, 0) for start in starts] + [(start, 1) for start in starts[::2]]
    files = []
    for number, (start, revision) in enumerate(plan):
        path = folder / f"{number}.{('lse', 'csv')[number % 2]}"
        file = File(path=path, revision=revision, first=start, last=start + timedelta(days=span - 1))
        days = (said(meter, start + timedelta(days=day), revision) for meter in range(METERS) for day in range(span))
        text: Iterator[str] = lse_write.write(days) if number % 2 == 0 else smt_write.write(days)
        with path.open("w", encoding="ascii") as file_:
            file_.writelines(text)
        files.append(file)
    return files


@dataclass(kw_only=True)
class Storm:
    """Rounds of loads and seals, each over an empty store; tally says how the killed commands had fared.

    spans are how long each kind of command lives until its commit, s, learnt from those that were killed.
    """

    options: list[str]
    files: list[File]
    kills: int
    rolls: random.Random = field(default_factory=lambda: random.Random(11))
    spans: dict[str, float] = field(default_factory=lambda: {"load": 1.5, "seal": 1.5})
    tally: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    async def rage(self, url: str) -> None:
        """Every file, then the seal, each killed and run again until it is through."""
        database, options = Database.open(url), [*self.options, f"--set=portal.intervals={url}"]
        store = await SqlIntervalStore.opened(database)
        for number, file in enumerate(self.files, 1):
            load = metergate("load", str(file.path), *options)
            await self._until_through(database, "load", load, partial(holds, database, number))
        seal = metergate("seal", "2026-06", *options)
        await self._until_through(database, "seal", seal, partial(is_sealed, database))
        self.faults += await differing(store, self.files)
        await database.close()

    async def _until_through(
        self, database: Database, kind: str, command: list[str], through: Callable[[], Awaitable[bool]]
    ) -> None:
        for _ in range(KILLS_OF_ONE):
            if self.tally.total() >= self.kills or await self._survived(kind, command):
                break
            self.faults += await torn(database)
            done = await through()
            self.tally[f"{kind} killed {'after' if done else 'before'} its commit"] += 1
            self.spans[kind] *= 0.9 if done else 1.05
        await Child("survivor", command).run(LONGEST_S)
        self.faults += await torn(database)
        if not await through():
            self.faults.append(f"{' '.join(command[3:5])} ended well and did nothing")

    async def _survived(self, kind: str, command: list[str]) -> bool:
        """Run a command and kill it at some moment; whether it was faster."""
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        try:
            async with asyncio.timeout(self.rolls.uniform(0.5, 1.2) * self.spans[kind]):
                code = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            return False
        if code:
            self.faults.append(f"{' '.join(command[3:5])} ended with {code}")
        self.spans[kind] *= 0.9
        return True


async def torn(database: Database) -> list[str]:
    """Which files are there in part: fewer meter-days than their rows promise, or meter-days without a file's row."""
    both = union_all(select(open_blocks.c.version), select(sealed_blocks.c.version)).subquery()
    counted = select(both.c.version, func.count().label("blocks")).group_by(both.c.version)
    async with database.reading() as connection:
        if database.dialect == "postgresql":
            await connection.execution_options(isolation_level="REPEATABLE READ")
        found: dict[int, int] = {row.version: row.blocks for row in await connection.execute(counted)}
        promised = {row.id: row.meter_days for row in await connection.execute(select(source_files))}
    return [
        f"version {version} has {found.get(version, 0)} meter-days of {promised.get(version)}"
        for version in sorted({*found, *promised})
        if found.get(version, 0) != promised.get(version)
    ]


async def holds(database: Database, files: int) -> bool:
    """Whether the store holds so many files."""
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(source_files)) == files


async def is_sealed(database: Database) -> bool:
    """Whether nothing stands open."""
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(open_blocks)) == 0


async def differing(store: SqlIntervalStore, files: list[File]) -> list[str]:
    """Which meters, of a sample, do not read as the files say, in every version and in the current one."""
    faults = []
    for number in range(0, METERS, METERS // SAMPLED):
        last = FIRST + timedelta(days=DAYS - 1)
        told = [each.data for each in await store.versions(esi_id(number), FIRST, last)]
        days = {(file.first + timedelta(days=day), file.revision) for file in files for day in range(file.days)}
        if told != [said(number, day, revision) for day, revision in sorted(days)]:
            faults.append(f"meter {number} does not read as its files say")
        newest = dict(sorted(days))
        now = [each.data for each in await store.current(esi_id(number), FIRST, last)]
        if now != [said(number, day, revision) for day, revision in newest.items()]:
            faults.append(f"meter {number} has other current values than its files")
    return faults


async def seeded(folder: Path) -> list[str]:
    """A market whose premises the files speak of; returns the commands' options."""
    market = f"sqlite:///{folder}/portal.db"
    database = await open_database(PortalSettings(database=market))
    premises = [
        SeedPremise(
            esi_id=esi_id(number), tdsp="Wires", house_number="1", street_name="Elm", city="Austin", zip="78701"
        )
        for number in range(METERS)
    ]
    company = SeedCompany(name="Wires", kind=Kind.TDSP, email="desk@wires.example")
    world = SeedWorld(companies=(company,), premises=premises)
    await database.write(lambda connection: seed(connection, world, CHEAP, NOW))
    await database.close()
    return ["--config", "demo.toml", f"--set=data={folder}", f"--set=portal.database={market}"]


async def is_blind(database: Database) -> bool:
    """Take one meter-day away by hand; whether the check that must see it does not."""
    table = sealed_blocks
    one = select(table.c.month, table.c.meter, table.c.day, table.c.version).limit(1)
    async with database.reading() as connection:
        row = (await connection.execute(one)).one()
    gone = table.delete().where(*(table.c[name] == value for name, value in row._mapping.items()))
    await database.write(lambda connection: connection.execute(gone))
    return not await torn(database)


async def run(name: str, stores: Callable[[], AbstractContextManager[str]], files: list[File], kills: int) -> bool:
    """Rounds over one database's stores until that many commands were killed; whether nothing was torn."""
    began = CLOCK.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        storm = Storm(options=await seeded(Path(folder)), files=files, kills=kills)
        while storm.tally.total() < kills and not storm.faults:
            with stores() as url:
                await storm.rage(url)
                database = Database.open(url)
                if await is_blind(database):
                    storm.faults.append("a meter-day that was taken away is not missed")
                await database.close()
    took = f"{CLOCK.monotonic() - began:.0f} s"
    say(f"{'FAIL' if storm.faults else 'ok  '} {name}: {storm.tally.total()} kills, {dict(storm.tally)}, {took}")
    for fault in storm.faults[:10]:
        say(f"       {fault}")
    return not storm.faults


@contextmanager
def new_file() -> Iterator[str]:
    """A place for a database on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/intervals.db"


async def main(kills: int) -> int:
    """Half of the kills on each database; returns how many storms came out wrong."""
    with tempfile.TemporaryDirectory() as folder, PrivatePostgres.started() as postgres:
        files = written(Path(folder))
        results = [
            await run("SQLite", new_file, files, kills // 2),
            await run("PostgreSQL", postgres.fresh_database, files, kills - kills // 2),
        ]
    return results.count(False)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(FEW if "short" in sys.argv[1:] else KILLS)))
