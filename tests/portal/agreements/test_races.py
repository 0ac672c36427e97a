"""Agreements while the market moves: whoever comes second sees what the first did, on either database."""

import asyncio
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.dice import SeededDice
from gateway.identifiers import RequestId
from gateway.market_notices import MarketNotice, RepChange
from portal.acting import Act, actor_of
from portal.agreements.changing import terminate_agreement
from portal.agreements.tables import agreements
from portal.faults import PeopleRefusal
from portal.market.consequences import Acts
from portal.market.desk import MarketDesk
from portal.market.feed import find_sender, take
from portal.market.settings import MarketSettings
from portal.market.tables import NoticeSource
from tests.clock import HandClock
from tests.portal.agreements.asking import ENERGY, agreed, answer, ask, asked, end, seen
from tests.portal.market.words import exchanged, rep, tell
from tests.portal.people.stand import Office
from tests.portal.world import BLUEBONNET, WIRES, esi, viewer

HERE = esi(1)
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def waits(database: Database, task: asyncio.Task[object]) -> None:
    """Return once a task's transaction waits for another one, or has nothing to wait for.

    On SQLite there is one writer at a time, so that it waits before it has begun.
    """
    for _ in range(10_000):
        async with database.reading() as connection:
            if connection.dialect.name == "sqlite" or task.done() or await connection.scalar(WAITING):
                return
        await asyncio.sleep(0)
    raise AssertionError("nobody waits")


class Held:
    """A transaction that has done its work and does not commit yet."""

    def __init__(self) -> None:
        self.is_done = asyncio.Event()
        self.may_commit = asyncio.Event()

    async def here(self) -> None:
        """Wait, in the transaction, until the test lets it commit."""
        self.is_done.set()
        await self.may_commit.wait()


async def told(database: Database, clock: HandClock, notice: MarketNotice, held: Held) -> None:
    """Let a TDSP's notice be applied in a transaction that is held."""
    async with database.reading() as connection:
        sender = await find_sender(connection, WIRES)
    assert sender is not None

    async def work(connection: AsyncConnection) -> None:
        acts = Acts(now=clock.now(), new_id=lambda: RequestId("0" * 32), patience=timedelta(days=1))
        await take(connection, sender, [notice], NoticeSource.API, MarketSettings(), acts)
        await held.here()

    await database.write(work)


async def test_what_the_company_ended_is_not_ended_again_by_a_switch_at_the_same_time(
    office: Office, clock: HandClock
) -> None:
    agreement, held, who = await agreed(office), Held(), await viewer(office.database, "rep.admin")

    async def change(act: Act) -> None:
        await terminate_agreement(act, who, agreement.id)
        await held.here()

    ending = asyncio.create_task(office.acting.run(actor_of(who), change))
    await held.is_done.wait()
    feed = MarketDesk(office.database, clock, SeededDice(3))
    switching = asyncio.create_task(tell(feed, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE)))
    await waits(office.database, switching)
    held.may_commit.set()
    await asyncio.gather(ending, switching)
    row = await office.row(agreements)
    assert (row.status, row.ended_by, row.to_note) == ("terminated", "company", False)


async def test_no_agreement_is_made_by_whom_a_switch_leaves_at_the_same_time(office: Office, clock: HandClock) -> None:
    held = Held()
    notice = rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE)
    switching = asyncio.create_task(told(office.database, clock, notice, held))
    await held.is_done.wait()
    asking = asyncio.create_task(ask(office))
    await waits(office.database, asking)
    held.may_commit.set()
    await switching
    assert [*(await asking).faults] == ["esi_id"]
    assert await office.rows(agreements) == []


async def test_a_customer_accepts_nothing_of_a_company_that_does_not_serve_him_any_more(
    office: Office, clock: HandClock
) -> None:
    await asked(office, secret="open")
    accepted = await asked(office, kind=ENERGY, secret="accepted")
    assert await answer(office, "accepted") == "active"
    feed = MarketDesk(office.database, clock, SeededDice(3))
    await tell(feed, rep(clock.now() + timedelta(hours=1), RepChange.SWITCH, BLUEBONNET, HERE))
    clock.set(clock.now() + timedelta(hours=1))
    assert (await answer(office, "open")).reason is PeopleRefusal.NOT_NOW, "though nobody has carried the switch out"
    assert (await end(office, accepted.id)).ended_by == "company", "what stands can be ended by both until then"
    await feed.take_effect()
    assert {row.ended_by for row in await office.rows(agreements)} == {"switch", "company"}


async def test_an_agreement_is_about_the_meter_that_hangs_there_now(office: Office, clock: HandClock) -> None:
    over = await asked(office)
    await end(office, over.id)
    await asked(office)
    feed = MarketDesk(office.database, clock, SeededDice(3))
    await tell(feed, exchanged(clock.now(), "M00001", "M77777", HERE))
    assert [(each.number, each.status) for each in await seen(office)] == [
        ("M77777", "pending"),
        ("M00001", "terminated"),
    ]
