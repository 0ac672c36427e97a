"""An outcome outlives a portal whose database fails when it should be recorded: gateway, bus and portal together."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from gateway.database import Database, Job
from gateway.dice import SeededDice
from gateway.links import Backoff, keep
from gateway.messages import ReadEnded
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from mqtt.memory import MemoryBroker, MemoryBus
from mqtt.refusals import Cause
from portal.reads.ask import Asked
from portal.reads.desk import ReadDesk
from portal.reads.listener import record
from portal.reads.shown import OnDemandRead
from portal.reads.status import ReadStatus
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import DictionaryDriver, Shelves, assignments, shelves
from tests.portal.conftest import running
from tests.portal.world import GATEWAY, meter, settle, viewer, visible

T = TypeVar("T")


class StumblingDatabase(Database):
    """A database that is gone for as many recordings of outcomes as `stumbles` says."""

    stumbles = 0

    async def write(self, job: Job[T]) -> T:
        """As any database, but for the stumbles."""
        told = job.keywords["deliveries"] if isinstance(job, partial) and job.func is record else ()
        if self.stumbles and any(isinstance(delivery.message, ReadEnded) for delivery in told):
            self.stumbles -= 1
            raise OperationalError("insert", None, ConnectionError("the server closed the connection"))
        return await super().write(job)


def gateway_on(broker: MemoryBroker, clock: VirtualClock, kept: Shelves) -> Gateway:
    """A whole gateway whose driver is a dictionary of one meter."""
    return Gateway(
        settings=GatewaySettings(id=GATEWAY, database="", assignments=Path("none.csv")),
        limits=ReadLimits(),
        journal=kept.journal,
        devices=kept.devices,
        meters=kept.meters,
        collected=kept.collected,
        bus=MemoryBus(broker, GATEWAY, clock, SeededDice(2)),
        drivers={"desk": DictionaryDriver(clock)},
        assignments=assignments(meter(1).number),
        clock=clock,
        boot_id="boot-1",
    )


async def read_through_stumbles(folder: Path, stumbles: int) -> tuple[OnDemandRead | None, Gateway, MemoryBus]:
    """Ask for a read whose outcome is refused by the database so often at first; the read, a while later."""
    clock = VirtualClock()
    database = StumblingDatabase.open(f"sqlite:///{folder}/portal.db")
    await settle(database, clock.now())
    broker = MemoryBroker(clock, SeededDice(1))
    bus = MemoryBus(broker, None, clock, SeededDice(3))
    desk = ReadDesk(database, bus, clock, SeededDice(4))
    stop = asyncio.Event()
    async with AsyncExitStack() as exits:
        exits.push_async_callback(database.close)
        gateway = gateway_on(broker, clock, await exits.enter_async_context(shelves(folder)))
        await exits.enter_async_context(running(desk))
        serving = asyncio.create_task(keep("the bus", lambda: bus.run(desk.handle, desk.greet), clock, Backoff()))
        exits.callback(serving.cancel)
        life = asyncio.create_task(gateway.run(stop))
        await asyncio.sleep(2)
        database.stumbles = stumbles
        who = await viewer(database, "rep.admin")
        answer = await desk.ask(await visible(database, who, 1, clock.now()), who)
        assert isinstance(answer, Asked)
        await asyncio.sleep(30)
        read = await desk.wait(answer.id, 0.01)
        stop.set()
        await life
        assert await gateway.journal.unreceipted(10) == []
    return read, gateway, bus


def test_an_outcome_that_a_failing_handler_let_fall_is_told_again_until_it_is_recorded(tmp_path: Path) -> None:
    for stumbles in (1, 3):
        folder = tmp_path / str(stumbles)
        read, gateway, bus = run(read_through_stumbles(folder, stumbles))
        assert read is not None
        assert read.status is ReadStatus.DONE
        assert bus.counters[Cause.HANDLER] == stumbles
        driver = gateway.drivers["desk"]
        assert isinstance(driver, DictionaryDriver)
        assert driver.executed == [meter(1).number]
