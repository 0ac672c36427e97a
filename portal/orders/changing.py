"""What an account may do with its orders: cancel one that is in process, and have one made again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.orders import queue
from portal.orders.placing import too_many
from portal.orders.request import OrderRefusal, OrderRefused
from portal.orders.settings import OrderSettings
from portal.orders.shown import own_order
from portal.orders.states import TRANSITIONS, OrderEvent, OrderState
from portal.orders.tables import report_order_files, report_orders
from portal.viewer import Viewer

CANCELLED = "Cancelled; Retry takes it up again."
_REFUSED = {
    OrderEvent.CANCEL_ASKED: "Only an order in process can be cancelled; this one is {state}.",
    OrderEvent.RETRY_ASKED: "This order is in process already.",
}


async def cancel(connection: AsyncConnection, viewer: Viewer, number: int, now: datetime) -> OrderRefused | bool:
    """Cancel one of the viewer's orders; False if he has none of that number. Its worker hears of it and stops."""
    more = {"details": CANCELLED, "ended_at": now, "lease": None, "worker": None}
    return await _change(connection, viewer, number, OrderEvent.CANCEL_ASKED, more)


async def retry(
    connection: AsyncConnection, viewer: Viewer, number: int, settings: OrderSettings, now: datetime
) -> OrderRefused | bool:
    """Have one of the viewer's orders made again, without its former files; False if he has none of that number."""
    if await own_order(connection, viewer, number) is None:
        return False
    refused = await too_many(connection, viewer.account_id, settings)
    if refused is not None:
        return refused
    more = {
        "details": None,
        "due_at": now,
        "started_at": None,
        "ended_at": None,
        "attempts": 0,
        "lease": None,
        "worker": None,
        "done": 0,
        "to_place": False,
    }
    return await _change(connection, viewer, number, OrderEvent.RETRY_ASKED, more)


async def _change(
    connection: AsyncConnection, viewer: Viewer, number: int, event: OrderEvent, more: Mapping[str, Any]
) -> OrderRefused | bool:
    mine = await own_order(connection, viewer, number)
    row = None if mine is None else await queue.locked(connection, mine.id)
    if row is None:
        return False
    state: OrderState | None = TRANSITIONS.get((row.state, event))
    if state is None:
        return OrderRefused(reason=OrderRefusal.NOT_NOW, words=_REFUSED[event].format(state=row.state))
    if state is OrderState.PROCESSING:
        await connection.execute(delete(report_order_files).where(report_order_files.c.order_id == row.id))
    await connection.execute(update(report_orders).where(report_orders.c.id == row.id).values(state=state, **more))
    return True
