"""A notice reaches orders that wait: what is made of a meter that went is made without it."""

from dataclasses import replace

from gateway.dice import SeededDice
from gateway.market_notices import RepChange
from portal.market.desk import MarketDesk
from portal.orders.states import OrderState
from tests.portal.market.words import exchanged, rep, tell
from tests.portal.orders.stand import Stand
from tests.portal.world import BLUEBONNET, esi


async def test_an_order_loses_what_a_notice_took_while_it_waited(stand: Stand) -> None:
    feed = MarketDesk(stand.database, stand.clock, SeededDice(3))
    placed = await stand.place("rep.admin", (1, 2, 5))
    now = stand.clock.now()
    await tell(feed, rep(now, RepChange.SWITCH, BLUEBONNET, esi(1)), exchanged(now, "M00002", None, esi(2)))
    await stand.worker().work()
    row = await stand.order(placed.number)
    assert row.state is OrderState.COMPLETE
    assert row.details.endswith("Left out: 2 meters of the order no longer among yours.")
    (file,) = await stand.files(placed.number)
    text = (stand.root / file.path).read_text(encoding="utf-8")
    assert [esi(number) in text for number in (1, 2, 5)] == [False, False, True]


async def test_a_move_out_told_ahead_takes_the_meter_from_an_order_that_runs_after_it(stand: Stand) -> None:
    feed = MarketDesk(stand.database, stand.clock, SeededDice(3))
    placed = await stand.place("rep.admin", (1,))
    at = stand.clock.now().replace(hour=20)
    (outcome,) = await tell(feed, replace(rep(at, RepChange.MOVE_OUT, None, esi(1)), id="ahead"))
    assert outcome.state == "waiting"
    stand.clock.set(at)
    await stand.worker().work()
    assert (await stand.order(placed.number)).state is OrderState.UNSUCCESSFUL
