"""Real worker processes, killed in the middle of an order or told to stop: the database and the disk are the judges."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from portal.mail.tables import letters
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderRequest
from portal.orders.settings import OrderSettings
from portal.orders.states import OrderState
from portal.orders.tables import report_order_files, report_orders
from portal.seed import SeedWorld
from portal.usage.report_range import months_before
from simulators.processes import Child, metergate
from tests.portal.orders.stand import reads_of
from tests.portal.world import LONE_STAR, WORLD, esi, meter, premise, settle, since, viewer

METERS = 1_500
LEASE_S = 1.5
CONFIG = """
data = "{folder}"
[bus]
use = "mqtt:MqttBus"
[portal]
database = "{database}"
intervals = "{intervals}"
[portal.files]
folder = "{folder}/files"
[portal.orders]
lease_s = {lease_s}
poll_s = 0.1
"""
MANY = SeedWorld(
    companies=WORLD.companies,
    accounts=WORLD.accounts,
    gateways=WORLD.gateways,
    premises=tuple(premise(number, since(LONE_STAR)) for number in range(1, METERS + 1)),
    meters=tuple(meter(number) for number in range(1, METERS + 1)),
)


class Yard:
    """A database with many meters, a folder of files, and worker processes over both."""

    def __init__(self, database: Database, folder: Path, stack: AsyncExitStack) -> None:
        self.database, self.folder, self._stack = database, folder, stack
        self._names = iter(range(100))

    async def worker(self) -> Child:
        """A worker that has started."""
        name = f"worker-{next(self._names)}"
        child = Child(name, metergate("reports", "--config", f"{self.folder}/config.toml"), self.folder / f"{name}.log")
        self._stack.push_async_callback(child.stop)
        await child.start()
        return child

    async def place(self) -> Placed:
        """An order of every meter's daily reads over two years and a half: some seconds of work."""
        clock, who = SystemClock(), await viewer(self.database, "rep.admin")
        today = clock.now().date()
        request = OrderRequest(reports=(reads_of(months_before(today, 30), months_before(today, 1)),))
        wanted = MeterList(by=By.ESI_ID, values=tuple(esi(number) for number in range(1, METERS + 1)))
        dice, settings, now = SeededDice(3), OrderSettings(), clock.now()
        placed = await self.database.write(lambda each: place(each, who, request, wanted, settings, dice, now))
        assert isinstance(placed, Placed), placed
        return placed

    async def row(self) -> Any:
        """The one order as it stands."""
        async with self.database.reading() as connection:
            return (await connection.execute(select(report_orders))).one()

    async def told(self) -> tuple[int, list[Any]]:
        """How many letters there are, and the rows of the files."""
        async with self.database.reading() as connection:
            count = await connection.scalar(select(func.count()).select_from(letters)) or 0
            return count, list((await connection.execute(select(report_order_files))).all())

    def on_disk(self) -> list[Path]:
        """Every file of an order."""
        return sorted(each for each in (self.folder / "files" / "orders").rglob("*") if each.is_file())

    async def until(self, what: Callable[[], Any]) -> None:
        """Wait until something is so: for an end that is not of our own making there is nothing to wait on."""
        async with asyncio.timeout(90):
            while True:
                found = what()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.02)

    async def has_ended(self) -> bool:
        """Whether the order is in process no more."""
        return (await self.row()).state is not OrderState.PROCESSING

    async def is_taken(self, attempt: int) -> bool:
        """Whether that attempt at the order has written something."""
        row = await self.row()
        assert row.state is OrderState.PROCESSING, "the order ended before anybody could look"
        return bool(row.attempts == attempt and row.lease) and any(
            each.parent.name == row.lease and each.stat().st_size > 0 for each in self.on_disk()
        )


@pytest.fixture
async def yard(database_url: str, tmp_path: Path) -> AsyncIterator[Yard]:
    """The many meters, settled."""
    database = Database.open(database_url)
    await settle(database, SystemClock().now(), MANY)
    intervals = f"sqlite:///{tmp_path}/intervals.db" if database.dialect == "sqlite" else database_url
    text = CONFIG.format(folder=tmp_path, database=database_url, intervals=intervals, lease_s=LEASE_S)
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    async with AsyncExitStack() as stack:
        yield Yard(database, tmp_path, stack)
    await database.close()


async def test_an_order_whose_worker_is_killed_is_taken_up_again_and_delivered_once(yard: Yard) -> None:
    await yard.place()
    first = await yard.worker()
    await yard.until(lambda: yard.is_taken(1))
    await first.kill()
    killed = await yard.row()
    assert (killed.state, killed.attempts) == (OrderState.PROCESSING, 1)
    assert await yard.told() == (0, [])
    assert [each.suffix for each in yard.on_disk()] == [".part"]
    second = await yard.worker()
    await yard.until(lambda: yard.is_taken(2))
    await second.kill()
    third, fourth = await yard.worker(), await yard.worker()
    await yard.until(yard.has_ended)
    row = await yard.row()
    assert (row.state, row.attempts) == (OrderState.COMPLETE, 3), row.details
    count, (file,) = await yard.told()
    assert count == 1
    # Whoever had died before has left nothing, and a worker that comes later finds nothing to do.
    assert await third.stop() == 0
    assert await fourth.stop() == 0
    (path,) = yard.on_disk()
    assert path == yard.folder / "files" / file.path
    content = path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    lines = content.decode().splitlines()
    assert len(lines) == 1 + file.rows
    assert len({line.split(",")[0] for line in lines[1:]}) == METERS


async def test_a_worker_that_is_told_to_stop_gives_its_order_back(yard: Yard) -> None:
    await yard.place()
    first = await yard.worker()
    await yard.until(lambda: yard.is_taken(1))
    assert await first.stop() == 0
    row = await yard.row()
    assert (row.state, row.lease, row.attempts) == (OrderState.PROCESSING, None, 0)
    assert yard.on_disk() == []
    assert first.lines[0] == "ready"
