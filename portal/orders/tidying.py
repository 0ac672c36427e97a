"""What is no longer kept: orders and files past their days, lists past theirs, and what dead attempts have left."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from portal.orders import shelf
from portal.orders.kept_lists import forget_old
from portal.orders.settings import OrderSettings
from portal.orders.states import TRANSITIONS, OrderEvent, OrderState
from portal.orders.tables import report_order_files, report_orders

EXPIRED = "Its files were kept for {days} days and are no longer there; Retry makes them again."
MOST_AT_ONCE = 500


async def expire(connection: AsyncConnection, settings: OrderSettings, now: datetime) -> None:
    """Mark the complete orders whose files have been kept long enough, and forget orders that are long over."""
    await forget_old(connection, now)
    before = now - timedelta(days=settings.kept_days)
    old = (
        select(report_orders.c.id)
        .where(report_orders.c.state == OrderState.COMPLETE, report_orders.c.ended_at < before)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = (await connection.scalars(old)).all()
    state = TRANSITIONS[OrderState.COMPLETE, OrderEvent.KEPT_LONG_ENOUGH]
    changed = {"state": state, "details": EXPIRED.format(days=settings.kept_days), "to_place": False}
    await connection.execute(update(report_orders).where(report_orders.c.id.in_(ids)).values(changed))
    await connection.execute(delete(report_order_files).where(report_order_files.c.order_id.in_(ids)))
    forgotten = now - timedelta(days=settings.remembered_days)
    over = (report_orders.c.state != OrderState.PROCESSING, report_orders.c.ended_at < forgotten)
    await connection.execute(delete(report_orders).where(*over))


async def sweep(database: Database, root: Path, orders: Sequence[str] | None = None) -> None:
    """Remove what some orders, or all that are there, have on the disk and name no more.

    Kept are the attempt that a worker is at, and the one whose files the order has.
    """
    loop = asyncio.get_running_loop()
    there = list(orders) if orders is not None else await loop.run_in_executor(None, shelf.orders_there, root)
    for start in range(0, len(there), MOST_AT_ONCE):
        some = there[start : start + MOST_AT_ONCE]
        # The disk first: a lease that comes after this look is not in it, and one that is gone never comes back.
        attempts = await loop.run_in_executor(None, shelf.attempts_there, root, some)
        kept = await _kept(database, some)
        for order, lease in attempts:
            if lease not in kept.get(order, ()):
                await loop.run_in_executor(None, shelf.remove, root, order, lease)


async def _kept(database: Database, orders: Sequence[str]) -> dict[str, set[str]]:
    """The leases of those orders whose folders are still of use."""
    holding = select(report_orders.c.id, report_orders.c.lease).where(
        report_orders.c.id.in_(orders), report_orders.c.state == OrderState.PROCESSING
    )
    having = select(report_order_files.c.order_id, report_order_files.c.path).where(
        report_order_files.c.order_id.in_(orders)
    )
    kept: dict[str, set[str]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(holding):
            kept.setdefault(row.id, set()).add(row.lease or "")
        for row in await connection.execute(having):
            kept.setdefault(row.order_id, set()).add(PurePosixPath(row.path).parent.name)
    return kept
