"""Report orders while their workers are killed with SIGKILL, or stopped for longer than a lease, at random moments.

    python -m tests.crash_orders [short]

Two workers make sixteen orders of some hundred meters each. Then every order must be complete, told in one letter,
with one set of files whose bytes are those that its row names; nothing else may lie on the disk, and the company's
folder must have each file once.
"""

import asyncio
import hashlib
import signal
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from sqlalchemy import select

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from portal.mail.tables import letters
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderRequest
from portal.orders.settings import OrderSettings
from portal.orders.tables import report_order_files, report_orders
from portal.reports.forms import Format
from simulators.processes import Child
from tests.crash import say
from tests.portal.orders.stand import reads_of
from tests.portal.orders.test_killed_worker import CONFIG, MANY, Yard
from tests.portal.world import esi, settle, viewer
from tests.postgres import PrivatePostgres

LEASE_S = 1.0
ORDERS = 16
DAYS = date(2025, 1, 1), date(2026, 5, 31)
MOST_METERS = 250
LONGEST_CALM_S = 1.5
MORE = "attempts = 100\nretry_pause_s = 0.2\ntidy_s = 2.0\n"
CLOCK = SystemClock()


@dataclass(slots=True)
class Blows:
    """What happened to the workers."""

    kills: int = 0
    pauses: int = 0


async def order_all(database: Database, chance: Random) -> list[int]:
    """Place the orders; returns their numbers."""
    who, dice, numbers = await viewer(database, "rep.admin"), SeededDice(chance.getrandbits(32)), []
    settings, request = OrderSettings(most_open=ORDERS), OrderRequest(reports=(reads_of(*DAYS, Format.XLSX),))
    for _ in range(ORDERS):
        some = MeterList(by=By.ESI_ID, values=tuple(esi(each + 1) for each in range(chance.randint(100, MOST_METERS))))
        now = CLOCK.now()
        placed = await database.write(
            lambda each, some=some, now=now: place(each, who, request, some, settings, dice, now)  # type: ignore[misc]
        )
        assert isinstance(placed, Placed), placed
        numbers.append(placed.number)
    return numbers


async def storm(yard: Yard, chance: Random, most: int) -> Blows:
    """Kill and stop two workers at random until every order has ended; after so many blows they are left in peace."""
    blows, workers = Blows(), [await yard.worker(), await yard.worker()]
    while not await all_ended(yard.database):
        await CLOCK.sleep(chance.uniform(0.05, LONGEST_CALM_S))
        place_of = chance.randrange(2)
        if blows.kills + blows.pauses >= most:
            continue
        if chance.random() < 0.7:
            await workers[place_of].kill()
            workers[place_of] = await yard.worker()
            blows.kills += 1
        else:
            await stopped(workers[place_of], LEASE_S * 2)
            blows.pauses += 1
    await CLOCK.sleep(3.0)  # until the folder and the sweep have had their turn
    return blows


async def stopped(child: Child, seconds: float) -> None:
    """Stop a worker for longer than its lease, and let it go on as if nothing had been."""
    child.send(signal.SIGSTOP)
    await CLOCK.sleep(seconds)
    child.send(signal.SIGCONT)


async def all_ended(database: Database) -> bool:
    """Whether no order is in process."""
    async with database.reading() as connection:
        states = (await connection.scalars(select(report_orders.c.state))).all()
    return all(str(state) != "processing" for state in states)


async def check(yard: Yard, numbers: list[int]) -> list[int]:
    """Everything that must be so at the end; returns the attempts that each order took."""
    async with yard.database.reading() as connection:
        orders = (await connection.execute(select(report_orders))).all()
        told = Counter((await connection.scalars(select(letters.c.subject))).all())
        files = (await connection.execute(select(report_order_files))).all()
    assert {str(order.state) for order in orders} == {"complete"}, [(o.number, o.state, o.details) for o in orders]
    assert told == Counter(f"Report order {number}: Complete" for number in numbers), told
    root = yard.folder / "files"
    assert yard.on_disk() == sorted(root / file.path for file in files)
    for file in files:
        assert hashlib.sha256((root / file.path).read_bytes()).hexdigest() == file.sha256
    # Hidden files are what a killed worker leaves there; they are nobody's, and removed after a day.
    placed = [each for folder in root.glob("*/adhocusage") for each in folder.iterdir() if each.name[0] != "."]
    assert len(placed) == len(numbers), [each.name for each in placed]
    return [order.attempts for order in orders]


async def run(url: str, seed: int, most: int) -> None:
    """One storm over one database, and what is to be said of it."""
    chance, began = Random(seed), CLOCK.monotonic()
    with tempfile.TemporaryDirectory(prefix="metergate-orders-") as name:
        folder = Path(name)
        sqlite = not url
        url = url or f"sqlite:///{folder}/portal.db"
        database = Database.open(url)
        await settle(database, CLOCK.now(), MANY)
        intervals = f"sqlite:///{folder}/intervals.db" if sqlite else url
        text = CONFIG.format(folder=folder, database=url, intervals=intervals, lease_s=LEASE_S)
        (folder / "config.toml").write_text(text + MORE, encoding="utf-8")
        numbers = await order_all(database, chance)
        async with AsyncExitStack() as stack:
            yard = Yard(database, folder, stack)
            blows = await storm(yard, chance, most)
            attempts = await check(yard, numbers)
        await database.close()
    say(
        f"{database.dialect}, seed {seed}: {len(numbers)} orders delivered once each in {sum(attempts)} attempts, "
        f"{blows.kills} kills and {blows.pauses} pauses, {CLOCK.monotonic() - began:.0f} s"
    )


def main() -> None:
    """Storms on both databases."""
    most, seeds = (8, (1,)) if "short" in sys.argv[1:] else (30, (1, 2, 3))
    for seed in seeds:
        asyncio.run(run("", seed, most))
    with PrivatePostgres.started() as server:
        for seed in seeds:
            with server.fresh_database() as url:
                asyncio.run(run(url, seed, most))


if __name__ == "__main__":
    main()
