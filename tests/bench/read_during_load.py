"""A retailer's request for a read while a million meters' file is being loaded, on both databases.

    python tests/bench/read_during_load.py [meters]

Everything runs as real processes: broker, simulated radio, gateway, portal, and `metergate load` of one LodeStar
Enhanced file of a day. Until the load ends, a retailer asks for one read after the other; what is measured is how long
the portal takes to answer the request, and how long until the meter's value is there. The goal is 200 ms for the
answer. Takes some two minutes with a million meters.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp
from sqlalchemy import insert

from gateway.database import Database
from portal.market.tables import premises
from simulators.processes import Child, metergate
from tests.bench.echo import say
from tests.postgres import PrivatePostgres
from tests.stack import Plan, Stack, running

METERS = 1_000_000
GOAL_MS = 200.0
READ = 48
"""Meters on the radio, which the retailer reads by turns."""
LOAD_S = 170.0
PREMISES_AT_ONCE = 5_000


def esi_id(number: int) -> str:
    """A premise that only the file speaks of; 22 digits, so that none is the stack's own."""
    return f"10089010000{number:011d}"


def write(path: Path, meters: int) -> None:
    """A file of one day of them: the same 96 values for all, for what they are makes no difference here."""
    values = (f"{place % 7}.{place:03},{'E' if place % 50 == 0 else 'A'},," for place in range(96))
    rows = "".join(f"{code},{value}\n" for code, value in enumerate(values, 10_000_000))
    head = "00000002,,,,,,,900,01,,,,\n00000003,\n00000004,20260602070000,\n"
    behind = f",4,20260601000000,20260601235959,Y,N\n{head}{rows}"
    with path.open("w", encoding="ascii", newline="") as file:
        for number in range(meters):
            file.write(f"00000001,{esi_id(number)}{behind}")


async def known(url: str, meters: int) -> None:
    """Put the premises of the file into the market."""
    database = Database.open(url)
    fixed = {"tdsp_id": 1, "street_name": "Elm", "city": "Austin", "state": "TX", "zip": "78701", "status": "A"}

    def batches() -> Iterator[list[dict[str, object]]]:
        for start in range(0, meters, PREMISES_AT_ONCE):
            some = range(start, min(start + PREMISES_AT_ONCE, meters))
            yield [{"esi_id": esi_id(number), "time_zone": "America/Chicago", **fixed} for number in some]

    for batch in batches():
        await database.write(lambda connection, batch=batch: connection.execute(insert(premises), batch))  # type: ignore[misc]  # a job of one batch
    await database.close()


async def asked(stack: Stack, session: aiohttp.ClientSession, esi: str) -> tuple[float, float]:
    """How long a request took to be answered, and its read to be done, ms."""
    began = time.perf_counter()
    async with session.post(stack.url(f"/api/v1/meters/{esi}/reads")) as answer:
        assert answer.status in (200, 202), await answer.text()
        read = (await answer.json())["id"]
    answered = time.perf_counter()
    status = ""
    while status != "done":
        async with session.get(stack.url(f"/api/v1/reads/{read}?wait=20")) as answer:
            told = await answer.json()
            status = told["status"]
            assert status not in ("failed", "refused"), told
    return (answered - began) * 1000, (time.perf_counter() - began) * 1000


async def during(stack: Stack, load: Child) -> list[tuple[float, float]]:
    """Ask for reads until the load has ended."""
    loading = asyncio.create_task(load.run(LOAD_S))
    times = []
    async with aiohttp.ClientSession() as session:
        token = await stack.token(session, "rep.admin")
        session.headers["Authorization"] = f"Bearer {token}"
        for premise in cycle(stack.street):
            if loading.done():
                break
            times.append(await asked(stack, session, premise.esi_id))
    await loading
    return times


async def measure(name: str, folder: Path, file: Path, meters: int, databases: tuple[str, str]) -> bool:
    """One database: the times while its load ran; whether the goal is met."""
    market, intervals = databases
    settings = ("limits.reads_per_hour=100000", "limits.reads_per_day=100000", f"portal.intervals={intervals}")
    async with running(folder, Plan(meters=READ, database=market, settings=settings)) as stack:
        await known(stack.database_url, meters)
        places = [f"--set={line}" for line in settings]
        command = metergate("load", str(file), "--config", str(folder / "stack.toml"), *places)
        began = time.perf_counter()
        times = await during(stack, Child("load", command, folder / "load.log"))
        took = time.perf_counter() - began
    answers, values = (sorted(each) for each in zip(*times, strict=True))
    worst, rate = answers[-1], meters * 96 / took / 1e6
    say(f"{name}: {meters:,} meters loaded in {took:.1f} s, {rate:.1f} M intervals/s; {len(times)} reads meanwhile")
    for what, each in ((f"request answered (goal {GOAL_MS:.0f})", answers), ("value there", values)):
        say(f"    {what}: median {each[len(each) // 2]:.0f} ms, worst {each[-1]:.0f} ms")
    return bool(worst <= GOAL_MS)


async def main(meters: int) -> int:
    """Both databases, one after the other; the exit code is how many missed the goal."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "day.lse"
        write(file, meters)
        say(f"a file of {meters:,} meters, {file.stat().st_size / 1e6:,.0f} MB")
        postgres = stack.enter_context(PrivatePostgres.started())
        url = stack.enter_context(postgres.fresh_database())
        met = []
        for name, databases in (("SQLite", None), ("PostgreSQL", (url, url))):
            place = folder / name
            place.mkdir()
            files = (f"sqlite:///{place}/portal.db", f"sqlite:///{place}/intervals.db")
            met.append(await measure(name, place, file, meters, databases or files))
    return met.count(False)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else METERS)))
