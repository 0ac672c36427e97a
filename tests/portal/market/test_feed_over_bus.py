"""Notices from the bus to the tables: acknowledged once they are committed, whatever becomes of each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import Duns
from gateway.market_notices import MarketNotice, MarketNotices, RepChange
from mqtt.codec import encode_market
from portal.context import Portal
from portal.market.consequences import Acts
from portal.market.feed import find_sender, take
from portal.market.settings import MarketSettings
from portal.market.tables import NoticeSource, NoticeState, market_notices
from tests.clock import HandClock
from tests.mqtt.places import DEADLINE_S, USERS, BrokerPlace, MemoryPlace, Place, embedded
from tests.mqtt.samples import ENVELOPE_ID, NOON
from tests.portal.market.test_feed import HERE, sees
from tests.portal.market.words import rep
from tests.portal.world import BLUEBONNET, OTHER_WIRES, WIRES, esi

STRANGER = Duns("999999999")


@asynccontextmanager
async def on_bus(place: Place, portal: Portal) -> AsyncIterator[None]:
    """The portal on a bus while the block lasts."""
    greeted = asyncio.Event()

    async def greet() -> None:
        greeted.set()

    bus = place.bus(None)
    running = asyncio.create_task(bus.run(portal.desk.handle, greet, market=portal.market.handle))
    async with asyncio.timeout(DEADLINE_S):
        await greeted.wait()
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def inject(place: Place, tdsp: Duns, *notices: MarketNotice) -> None:
    """Tell notices as a TDSP's program does."""
    topic, payload = encode_market(tdsp, MarketNotices(notices=notices), id=ENVELOPE_ID, at=NOON)
    if isinstance(place, BrokerPlace):
        async with place.raw(tdsp) as client:
            await client.publish(topic, payload, qos=1)
    else:
        await place.inject(topic, payload)


async def kept(database: Database) -> list[tuple[str, NoticeState, NoticeSource]]:
    wanted = select(market_notices.c.notice_id, market_notices.c.state, market_notices.c.source)
    async with database.reading() as connection:
        rows = (await connection.execute(wanted.order_by(market_notices.c.id))).all()
    return [(row.notice_id, row.state, row.source) for row in rows]


@pytest.mark.parametrize("kind", ["memory", "embedded"])
async def test_what_a_tdsp_tells_is_in_the_tables_when_it_is_acknowledged(
    kind: str, portal: Portal, database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tdsp in (WIRES, OTHER_WIRES, STRANGER):
        monkeypatch.setitem(USERS, tdsp, f"word-{tdsp}")
    switch = rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE)
    unknown = rep(clock.now(), RepChange.SWITCH, BLUEBONNET, esi(999))
    if kind == "memory":
        await _told(MemoryPlace(), portal, switch, unknown)
    else:
        async with embedded() as place:
            await _told(place, portal, switch, unknown)
    assert await kept(database) == [
        (switch.id, NoticeState.APPLIED, NoticeSource.MESSAGE),
        (unknown.id, NoticeState.REFUSED, NoticeSource.MESSAGE),
        (switch.id, NoticeState.REFUSED, NoticeSource.MESSAGE),
    ]
    assert not await sees(database, "rep.user", clock.now())
    assert await sees(database, "blue.admin", clock.now())


async def _told(place: Place, portal: Portal, switch: MarketNotice, unknown: MarketNotice) -> None:
    async with on_bus(place, portal):
        await inject(place, WIRES, switch, unknown)
        await inject(place, WIRES, switch)
        await inject(place, OTHER_WIRES, switch)
        await inject(place, STRANGER, switch)
        async with asyncio.timeout(DEADLINE_S):
            while place.acknowledged(None, 4) < 4:  # noqa: ASYNC110  # a place says nothing of acknowledgements
                await asyncio.sleep(0)


async def test_a_batch_that_fails_half_way_leaves_nothing_of_itself(database: Database, clock: HandClock) -> None:
    move_out = rep(clock.now(), RepChange.MOVE_OUT, None, HERE)

    async def fails(connection: AsyncConnection) -> None:
        acts = Acts(now=clock.now(), new_id=lambda: ENVELOPE_ID, patience=timedelta(days=1))
        sender = await find_sender(connection, WIRES)
        assert sender is not None
        await take(connection, sender, [move_out], NoticeSource.API, MarketSettings(), acts)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fails)
    assert await kept(database) == []
    assert await sees(database, "rep.user", clock.now())
    assert await sees(database, "maria.customer", clock.now())
