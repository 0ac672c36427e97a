"""What the tests of the desk and of the listener share: desks of their own numbers, asks, and looks at the tables."""

import asyncio

from sqlalchemy import func, select

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import GatewayId, RequestId
from gateway.read_policy import ReadLimits
from portal.gateways.tables import IncidentKind, incidents
from portal.reads.ask import Answer, Asked
from portal.reads.desk import ReadDesk
from portal.reads.settings import DeskSettings
from portal.reads.shown import OnDemandRead
from portal.reads.status import ReadStatus
from portal.reads.tables import read_outbox
from tests.clock import HandClock
from tests.portal.wire import WireBus
from tests.portal.world import viewer, visible


def make_desk(database: Database, bus: WireBus, clock: HandClock, **settings: object) -> ReadDesk:
    numbers = DeskSettings(**settings)  # type: ignore[arg-type]  # tests name the settings they change
    return ReadDesk(database, bus, clock, SeededDice(3), ReadLimits(), numbers)


async def ask(database: Database, desk: ReadDesk, clock: HandClock, user: str = "rep.user", number: int = 1) -> Answer:
    who = await viewer(database, user)
    return await desk.ask(await visible(database, who, number, clock.now()), who)


async def asked(database: Database, desk: ReadDesk, clock: HandClock, number: int = 1) -> Asked:
    answer = await ask(database, desk, clock, "rep.admin", number)
    assert isinstance(answer, Asked), answer
    return answer


async def given_up(desk: ReadDesk, clock: HandClock, read_id: RequestId) -> OnDemandRead:
    """The read once the desk has given it up, the clock moving on in tenths of a second meanwhile."""
    async with asyncio.timeout(10):
        while True:
            await clock.advance(0.1)
            read = await desk.wait(read_id, 0.01)
            assert read is not None
            if read.status is ReadStatus.FAILED:
                return read


async def kept_incidents(database: Database) -> list[tuple[IncidentKind, int]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(incidents.c.kind, incidents.c.times).order_by(incidents.c.id))
        return [tuple(row) for row in rows]


async def outbox_size(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(read_outbox)) or 0


def published(bus: WireBus) -> list[tuple[GatewayId, object]]:
    return [bus.published.get_nowait() for _ in range(bus.published.qsize())]
