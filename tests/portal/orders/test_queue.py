"""The queue of orders on both databases: leases, fencing, attempts, fairness, and what a worker leaves behind."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.tables import accounts
from portal.orders import queue
from portal.orders.changing import cancel
from portal.orders.ending import Ended, Ending
from portal.orders.making import Maker, Progress
from portal.orders.queue import Exhausted, Taken
from portal.orders.settings import OrderSettings
from portal.orders.states import OrderState
from portal.orders.tables import report_orders
from portal.reports.rows import Sources
from tests.clock import turns
from tests.portal.orders.stand import DAY, POST, BrokenRegisters, Stand, keep_day, usage_of
from tests.portal.usage.files import meter_day
from tests.portal.world import esi, viewer

NUMBERS = OrderSettings()
DICE = SeededDice(5)


async def take(stand: Stand, database: Database | None = None, *, small: bool = False) -> Taken | Exhausted | None:
    now = stand.clock.now()
    job = partial(queue.take, worker="hand", settings=NUMBERS, dice=DICE, now=now, small=small)
    return await (database or stand.database).write(job)


async def taken(stand: Stand) -> Taken:
    found = await take(stand)
    assert isinstance(found, Taken), found
    return found


def renewing(stand: Stand, order: Taken) -> Any:
    return stand.database.write(partial(queue.renew, taken=order, done=1, settings=NUMBERS, now=stand.clock.now()))


async def completing(stand: Stand, order: Taken) -> Ended:
    """Make and complete an order by hand, as a worker does."""
    maker = Maker(
        stand.database, Sources(intervals=stand.intervals, registers=stand.registers), NUMBERS, stand.root, stand.clock
    )
    made = await maker.make(order, Progress())
    ending = Ending(settings=NUMBERS, by=POST)
    return await stand.database.write(partial(ending.complete, taken=order, made=made, now=stand.clock.now()))


async def test_a_taken_order_is_nobody_else_s_until_its_lease_ends(stand: Stand) -> None:
    await stand.place()
    first = await taken(stand)
    assert (first.attempt, first.esi_ids) == (1, [esi(1), esi(2)])
    await stand.clock.advance(NUMBERS.lease_s - 1)
    assert await take(stand) is None
    assert await renewing(stand, first)
    await stand.clock.advance(NUMBERS.lease_s - 1)
    assert await take(stand) is None
    await stand.clock.advance(1)
    second = await taken(stand)
    assert (second.id, second.attempt) == (first.id, 2)
    assert second.lease != first.lease
    assert not await renewing(stand, first)
    assert await renewing(stand, second)


async def test_many_takers_at_once_take_each_order_once(stand: Stand, database_url: str) -> None:
    placed = [await stand.place(user, (number,)) for user, number in (("rep.admin", 1), ("blue.admin", 3)) * 4]
    others = [Database.open(database_url) for _ in range(3)]
    found = await asyncio.gather(*(take(stand, each) for each in (stand.database, *others) for _ in range(5)))
    orders = [each.id for each in found if isinstance(each, Taken)]
    assert len(orders) == len(set(orders))
    while isinstance(more := await take(stand), Taken):  # one may have been locked while another looked
        orders.append(more.id)
    assert sorted(orders) == sorted(each.id for each in placed)
    for each in others:
        await each.close()


async def test_who_lost_the_lease_completes_nothing_and_the_order_is_delivered_once(stand: Stand) -> None:
    placed = await stand.place()
    slow = await taken(stand)
    await stand.clock.advance(NUMBERS.lease_s)
    quick = await taken(stand)
    assert await completing(stand, quick) is Ended.ENDED
    assert await completing(stand, slow) is Ended.LEASE_LOST
    assert [each.subject for each in await stand.letters()] == [f"Report order {placed.number}: Complete"]
    (file,) = await stand.files(placed.number)
    assert f"/{quick.lease}/" in file.path
    await stand.worker().tidy()
    assert stand.on_disk() == [file.path]


async def test_a_lease_that_ran_out_with_nobody_taking_the_order_still_completes_it(stand: Stand) -> None:
    await stand.place()
    order = await taken(stand)
    await stand.clock.advance(NUMBERS.lease_s * 3)
    assert await completing(stand, order) is Ended.ENDED
    assert await completing(stand, order) is Ended.LEASE_LOST
    assert len(await stand.letters()) == 1


async def test_a_cancelled_order_is_not_completed(stand: Stand) -> None:
    placed = await stand.place()
    order = await taken(stand)
    who = await viewer(stand.database, "rep.admin")
    await stand.database.write(partial(cancel, viewer=who, number=placed.number, now=stand.clock.now()))
    assert await completing(stand, order) is Ended.LEASE_LOST
    assert not await renewing(stand, order)
    assert await stand.letters() == []
    await stand.worker().tidy()
    assert stand.on_disk() == []


async def test_an_attempt_that_fails_is_made_again_after_a_pause(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    placed = await stand.place()
    broken = BrokenRegisters(stand.database)
    worker = stand.worker(registers=broken)
    assert await worker.work()
    row = await stand.order(placed.number)
    assert (row.state, row.attempts) == (OrderState.PROCESSING, 1)
    assert row.details == "Attempt 1 of 3 did not succeed; it is made again."
    assert row.due_at == stand.clock.now() + timedelta(seconds=20)
    assert stand.on_disk() == []
    assert "the disk is full" in caplog.text
    assert not await worker.work()
    await stand.clock.advance(20)
    assert await worker.work()
    assert (await stand.order(placed.number)).state is OrderState.COMPLETE
    assert len(await stand.letters()) == 1


async def test_rpt_23_after_the_last_attempt_it_is_unsuccessful_and_says_what_to_do(stand: Stand) -> None:
    """RPT-23: "Unsuccessful = submit again, and if it persists, whom to ask"."""
    placed = await stand.place()
    broken = BrokenRegisters(stand.database)
    broken.failures = 99
    worker = stand.worker(registers=broken)
    for _ in range(3):
        assert await worker.work()
        await stand.clock.advance(100)
    assert not await worker.work()
    row = await stand.order(placed.number)
    assert row.state is OrderState.UNSUCCESSFUL
    assert row.details == (
        "The order could not be made in 3 attempts. "
        "Submit it again with Retry; if it fails again, the help desk can tell why."
    )
    (letter,) = await stand.letters()
    assert letter.subject == f"Report order {placed.number}: Unsuccessful"
    assert row.details in letter.text


async def test_an_order_whose_workers_all_die_ends_and_is_told(stand: Stand) -> None:
    placed = await stand.place()
    for _ in range(3):
        await taken(stand)
        await stand.clock.advance(NUMBERS.lease_s)
    assert isinstance(await take(stand), Exhausted)
    assert await stand.worker().work()
    row = await stand.order(placed.number)
    assert (row.state, row.attempts) == (OrderState.UNSUCCESSFUL, 3)
    assert len(await stand.letters()) == 1


async def test_a_worker_that_is_stopped_gives_its_order_back_at_once(stand: Stand) -> None:
    placed = await stand.place()
    waiting = asyncio.Event()

    class Waiting(BrokenRegisters):
        async def current(self, *given: Any) -> Any:
            waiting.set()
            await asyncio.Event().wait()

    work = asyncio.create_task(stand.worker(registers=Waiting(stand.database)).work())
    async with asyncio.timeout(20):
        await waiting.wait()
    assert [path.rpartition(".")[2] for path in stand.on_disk()] == ["part"]
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    row = await stand.order(placed.number)
    assert (row.state, row.lease, row.attempts, row.due_at) == (OrderState.PROCESSING, None, 0, stand.clock.now())
    assert stand.on_disk() == []


async def test_a_worker_stops_when_its_order_is_cancelled(stand: Stand) -> None:
    placed = await stand.place()
    waiting = asyncio.Event()

    class Waiting(BrokenRegisters):
        async def current(self, *given: Any) -> Any:
            waiting.set()
            await asyncio.Event().wait()

    work = asyncio.create_task(stand.worker(registers=Waiting(stand.database)).work())
    async with asyncio.timeout(20):
        await waiting.wait()
        who = await viewer(stand.database, "rep.admin")
        await stand.database.write(partial(cancel, viewer=who, number=placed.number, now=stand.clock.now()))
        while not work.done():
            await stand.clock.advance(NUMBERS.lease_s / 3)
            await asyncio.sleep(0)
    assert await work
    assert stand.on_disk() == []
    assert (await stand.order(placed.number)).state is OrderState.CANCELLED


async def test_a_long_order_keeps_its_lease(stand: Stand) -> None:
    await stand.place()
    waiting, go_on = asyncio.Event(), asyncio.Event()

    class Slow(BrokenRegisters):
        failures = 0

        async def current(self, *given: Any) -> Any:
            waiting.set()
            await go_on.wait()
            return await super().current(*given)

    work = asyncio.create_task(stand.worker(registers=Slow(stand.database)).work())
    async with asyncio.timeout(30):
        await waiting.wait()
        for _ in range(10):
            await stand.clock.advance(NUMBERS.lease_s / 3)
            await settled(stand)
            assert await take(stand) is None
        go_on.set()
        assert await work
    assert len(await stand.letters()) == 1


async def settled(stand: Stand) -> None:
    """Wait until the worker has renewed its lease by the clock as it stands."""
    while True:
        async with stand.database.reading() as connection:
            due_at = await connection.scalar(select(report_orders.c.due_at))
        assert due_at is not None
        if due_at >= stand.clock.now() + timedelta(seconds=NUMBERS.lease_s / 3):
            return
        await turns(5)


async def test_nobody_s_many_orders_keep_another_s_one_waiting(stand: Stand) -> None:
    for _ in range(4):
        await stand.place("rep.admin", (1,))
        await stand.clock.advance(1)
    await stand.place("blue.admin", (3,))
    order = [(await taken(stand)).account_id for _ in range(5)]
    mine, theirs = order[0], order[1]
    assert mine != theirs
    assert order[2:] == [mine] * 3


async def test_a_large_order_leaves_lanes_for_small_ones(stand: Stand) -> None:
    large = OrderSettings(small_meter_days=1)
    first = await stand.place(settings=large)
    await stand.clock.advance(1)
    second = await stand.place()
    assert not (await stand.order(first.number)).small
    found = await take(stand, small=True)
    assert isinstance(found, Taken)
    assert found.number == second.number
    assert await take(stand, small=True) is None
    assert (await taken(stand)).number == first.number


async def test_lanes_run_beside_each_other_until_they_are_stopped(stand: Stand) -> None:
    placed = [await stand.place("rep.admin", (1,)) for _ in range(3)]
    running = asyncio.create_task(stand.worker(poll_s=1.0).run())
    async with asyncio.timeout(30):
        while len(await stand.letters()) < len(placed):
            await stand.clock.advance(1)
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert {(await stand.order(each.number)).state for each in placed} == {OrderState.COMPLETE}


async def test_an_address_that_no_letter_can_have_keeps_nobody_from_the_files(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.database.write(lambda each: each.execute(update(accounts).values(email="nobody")))
    placed = await stand.place()
    await stand.worker().work()
    assert (await stand.order(placed.number)).state is OrderState.COMPLETE
    assert await stand.letters() == []
    assert "ends without a letter" in caplog.text


async def test_a_value_that_a_format_cannot_hold_ends_an_order_at_once(stand: Stand) -> None:
    await keep_day(stand.intervals, meter_day([-1] * 96, DAY, esi(1)), stand.clock.now())
    placed = await stand.place(reports=[usage_of()])
    await stand.worker().work()
    row = await stand.order(placed.number)
    assert (row.state, row.attempts) == (OrderState.UNSUCCESSFUL, 1)
    assert row.details.startswith("It cannot be written in this format: an interval of -1 Wh cannot be written")
    assert stand.on_disk() == []


async def test_everything_else_has_its_turn_between_two_meters(stand: Stand) -> None:
    """An inline database makes nobody wait: without turns a long order would lose its lease and hear no signal."""
    turns_taken, seen = 0, []

    async def ticking() -> None:
        nonlocal turns_taken
        while True:
            turns_taken += 1
            await asyncio.sleep(0)

    class Watching(BrokenRegisters):
        failures = 0

        async def current(self, *given: Any) -> Any:
            seen.append(turns_taken)
            return await super().current(*given)

    await stand.place("rep.admin", (1, 2, 5))
    ticker = asyncio.create_task(ticking())
    await stand.worker(registers=Watching(stand.database)).work()
    ticker.cancel()
    assert len(set(seen)) == 3
