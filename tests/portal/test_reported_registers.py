"""From a simulated meter's radio frame to the portal's store: the real driver, gateway, bus and portal together."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import select

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from gateway.links import Backoff, keep
from gateway.ports import Assignment
from gateway.read_policy import ReadLimits
from gateway.settings import CollectionSettings, GatewaySettings, ReportingSettings
from gateway.supervisor import Gateway
from mqtt.memory import MemoryBroker, MemoryBus
from portal.meters.tables import reported_registers
from portal.reads.ask import Asked
from portal.reads.desk import ReadDesk
from portal.reads.status import ReadStatus
from portal.usage.sql_store import SqlIntervalStore
from simulators.world import StreetPlan, ZigBeeStreet
from tests.gateway.fakes import shelves
from tests.portal.conftest import running
from tests.portal.world import GATEWAY, esi, meter, settle, viewer, visible
from tests.world.homestead import SkippingClock

EVERY_S, LIMIT_S = 300, 30.0


async def test_registers_that_a_meter_reports_reach_the_portal_and_cost_no_read(tmp_path: Path) -> None:
    clock = SkippingClock()
    street = ZigBeeStreet(StreetPlan(meters=1), clock, SystemClock())
    [sim] = street.meters.values()
    database = Database.open(f"sqlite:///{tmp_path}/portal.db")
    await settle(database, clock.now())
    broker = MemoryBroker(clock, SeededDice(1))
    async with AsyncExitStack() as exits:
        exits.push_async_callback(database.close)
        exits.push_async_callback(street.close)
        intervals = Database.open(f"sqlite:///{tmp_path}/intervals.db")
        exits.push_async_callback(intervals.close)
        bus = MemoryBus(broker, None, clock, SeededDice(3))
        store = await SqlIntervalStore.opened(intervals)
        desk = ReadDesk(database, bus, clock, SeededDice(4), collected=store)
        await exits.enter_async_context(running(desk))
        serving = asyncio.create_task(keep("the bus", lambda: bus.run(desk.handle, desk.greet), clock, Backoff()))
        exits.callback(serving.cancel)
        radio = ZigBeeDriver.Settings(radio=f"socket://127.0.0.1:{await street.start()}")
        driver = ZigBeeDriver("radio", radio, clock, SeededDice(7))
        place = Assignment(meter=meter(1).number, driver="radio", address=sim.eui64)
        kept = await exits.enter_async_context(shelves(tmp_path))
        gateway = Gateway(
            settings=GatewaySettings(
                id=GATEWAY, database="", assignments=Path("none"), grace_s=1,
                collection=CollectionSettings(enabled=False), reporting=ReportingSettings(every_s=EVERY_S, check_s=1),
            ),
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=MemoryBus(broker, GATEWAY, clock, SeededDice(2)),
            drivers={"radio": driver},
            assignments={place.meter: place},
            clock=clock,
            boot_id="boot-1",
        )  # fmt: skip
        stop = asyncio.Event()
        life = asyncio.create_task(gateway.run(stop))
        await until(lambda: driver.reporting.agreed(place))
        clock.skip(EVERY_S)
        [row] = await rows(database, 1)
        assert (row.esi_id, row.meter, row.gateway) == (esi(1), place.meter, GATEWAY)
        assert row.latched_at is not None
        held = sim.load
        assert (row.delivered_wh, row.demand_w) == (held.delivered_wh(row.latched_at), held.demand_w(row.latched_at))
        assert row.path.split()[-1] == "reported"
        who = await viewer(database, "rep.admin")
        answer = await desk.ask(await visible(database, who, 1, clock.now()), who)
        assert isinstance(answer, Asked), "a report is no read: the hour's one is still there"
        read = await desk.wait(answer.id, LIMIT_S)
        assert read is not None
        assert (read.status, read.used_today) == (ReadStatus.DONE, 1)
        async with asyncio.timeout(LIMIT_S):
            while await gateway.journal.unreceipted(9):  # noqa: ASYNC110  # receipts are written now and then
                await asyncio.sleep(0)
        stop.set()
        await life


async def until(holds: Callable[[], bool]) -> None:
    """Until something holds of which nobody is told."""
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110  # as said
            await asyncio.sleep(0)


async def rows(database: Database, count: int) -> list[Any]:
    """What the portal keeps of reports, once there is so much."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with database.reading() as connection:
                found = list((await connection.execute(select(reported_registers))).all())
            if len(found) >= count:
                return found
            await asyncio.sleep(0)
