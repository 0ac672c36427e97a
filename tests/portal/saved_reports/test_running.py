"""Definitions run as ordinary orders: by hand, and once for each due instant, with the rights of that moment."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import Update, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL
from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.market.tables import rep_spans
from portal.orders.settings import OrderSettings
from portal.orders.tables import report_orders
from portal.saved_reports.running import MAY_NOT_ENTER, SEES_NONE, Running, keep_running
from portal.saved_reports.tables import report_definitions, report_runs
from tests.clock import HandClock, turns
from tests.portal.conftest import SignIn
from tests.portal.world import BLUEBONNET, LONE_STAR, esi

NIGHTLY = {
    "name": "nightly",
    "reports": [{"report": "daily_usage"}, {"report": "daily_reads", "format": "xlsx"}],
    "window": "yesterday",
    "meters": [esi(1), esi(2), esi(3)],
    "schedule": {"every": "day", "at": "06:00"},
}


@pytest.fixture
async def admin(signed_in: SignIn) -> httpx.AsyncClient:
    return await signed_in("rep.admin")


def running(clock: HandClock, seed: int = 3) -> Running:
    return Running(settings=OrderSettings(most_open=3), dice=SeededDice(seed), clock=clock)


async def save(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/report-definitions", json={**NIGHTLY, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def one(database: Database) -> Any:
    async with database.reading() as connection:
        return (await connection.execute(select(report_definitions))).one()


async def orders(database: Database) -> list[Any]:
    async with database.reading() as connection:
        return list((await connection.execute(select(report_orders).order_by(report_orders.c.id))).all())


async def _execute(connection: AsyncConnection, statement: Update) -> None:
    await connection.execute(statement)


async def serve(database: Database, clock: HandClock) -> int:
    served = 0
    while await database.write(running(clock).one_due):
        served += 1
    return served


def local(instant: datetime) -> str:
    return instant.astimezone(CENTRAL).strftime("%Y-%m-%d %H:%M")


async def test_a_definition_is_run_by_hand_as_an_ordinary_order(
    admin: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    made = await save(admin, schedule=None, window="last_month")
    answer = await admin.post(f"/report-definitions/{made['id']}/run")
    assert answer.status_code == 202, answer.text
    number = answer.json()["number"]
    order = (await admin.get(answer.headers["location"].removeprefix("/api/v1"))).json()
    assert (order["number"], order["meters"], order["not_found"]) == (number, 2, 1), "the third is another REP's"
    assert [(each["report"], each["start"], each["end"], each["format"]) for each in order["reports"]] == [
        ("daily_usage", "2026-06-01", "2026-06-30", "csv"),
        ("daily_reads", "2026-06-01", "2026-06-30", "xlsx"),
    ]
    shown = (await admin.get(f"/report-definitions/{made['id']}")).json()
    assert (shown["last_order"], shown["next_at"], shown["schedule"]) == (number, None, None)


async def test_a_schedule_places_one_order_at_its_instant_and_is_due_again_the_next_day(
    admin: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    await save(admin)
    due = (await one(database)).next_at
    assert local(due) == "2026-07-02 06:00"
    clock.set(due - timedelta(microseconds=1))
    assert await serve(database, clock) == 0
    clock.set(due)
    assert await serve(database, clock) == 1
    (order,) = await orders(database)
    assert order.asked["reports"][0] | {"start": "2026-07-01"} == order.asked["reports"][0]
    row = await one(database)
    assert (row.last_order, local(row.next_at)) == (order.number, "2026-07-03 06:00")
    assert await serve(database, clock) == 0


async def test_two_processes_place_one_order_for_each_due_instant(
    admin: httpx.AsyncClient, database: Database, database_url: str, clock: HandClock
) -> None:
    await save(admin)
    second = Database.open(database_url)
    try:
        for _ in range(5):
            clock.set((await one(database)).next_at)
            looks = [each.write(running(clock, seed).one_due) for seed in range(4) for each in (database, second)]
            assert sum(await asyncio.gather(*looks)) == 1
            gone = update(report_orders).values(state="cancelled")
            await database.write(partial(_execute, statement=gone))
    finally:
        await second.close()
    async with database.reading() as connection:
        served = (await connection.execute(select(report_runs).order_by(report_runs.c.due_at))).all()
    assert [row.order_number for row in served] == [order.number for order in await orders(database)]
    assert len({row.due_at for row in served}) == len(served) == 5


async def test_what_was_missed_is_made_up_for_once(
    admin: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    await save(admin)
    clock.set((await one(database)).next_at + timedelta(days=9, hours=3))
    assert await serve(database, clock) == 1
    (order,) = await orders(database)
    assert order.asked["reports"][0]["end"] == "2026-07-10", "of the latest day that was due"
    assert local((await one(database)).next_at) == "2026-07-12 06:00"


async def test_an_account_that_lost_its_meters_pauses_its_definition_with_the_cause(
    admin: httpx.AsyncClient, database: Database, clock: HandClock, signed_in: SignIn
) -> None:
    made = await save(admin)
    lost = update(rep_spans).where(rep_spans.c.duns.startswith(LONE_STAR)).values(duns=BLUEBONNET)
    await database.write(lambda connection: connection.execute(lost))
    clock.set((await one(database)).next_at)
    await serve(database, clock)
    row = await one(database)
    assert (row.next_at, row.paused_because, await orders(database)) == (None, SEES_NONE, [])
    back = update(rep_spans).where(rep_spans.c.esi_id == esi(1)).values(duns=LONE_STAR)
    await database.write(lambda connection: connection.execute(back))
    admin = await signed_in("rep.admin")
    resumed = (await admin.put(f"/report-definitions/{made['id']}/state", json={"paused": False})).json()
    assert (resumed["paused_because"], resumed["next_at"]) == (None, "2026-07-03T11:00:00Z")


async def test_an_account_that_may_not_enter_pauses_its_definition_with_the_cause(
    admin: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    await save(admin)
    barred = update(accounts).where(accounts.c.user_key == "rep.admin").values(status=AccountStatus.SUSPENDED)
    await database.write(lambda connection: connection.execute(barred))
    clock.set((await one(database)).next_at)
    assert await serve(database, clock) == 1
    row = await one(database)
    assert (row.next_at, row.paused_because, await orders(database)) == (None, MAY_NOT_ENTER, [])


async def test_a_run_that_is_refused_for_now_is_told_and_tried_at_the_next_instant(
    admin: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    await save(admin)
    for _ in range(4):
        clock.set((await one(database)).next_at)
        assert await serve(database, clock) == 1
    row = await one(database)
    assert len(await orders(database)) == 3, "as many as may be open"
    assert (row.last_order, "3 of your orders" in row.last_words, row.paused_because) == (None, True, None)
    assert local(row.next_at) == "2026-07-06 06:00"


async def test_the_task_serves_what_is_due_as_time_goes_on(
    admin: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    await save(admin)
    due = (await one(database)).next_at
    clock.set(due - timedelta(seconds=20))
    task = asyncio.create_task(keep_running(database, running(clock)))
    async with asyncio.timeout(10):
        while not await orders(database):
            await clock.advance(5)
            await turns()
    assert clock.now() < due + timedelta(seconds=60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
