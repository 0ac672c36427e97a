"""What an account may do with its orders: cancel one in process, have one made or its mail sent again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BadInput
from portal.accounts.tables import accounts
from portal.mail import outbox
from portal.orders import queue
from portal.orders.details import closed_details
from portal.orders.files import lost_of
from portal.orders.letters import Post, letter_of_end
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
_NO_MAIL = "Only the mail of a complete order can be sent again; this one is {state}."
_SENT_LATELY = "The mail of this order was sent again a short while ago; it can be in {minutes} min once more."
_NO_ADDRESS = "No letter can be sent to your email address; change it in My Profile."


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


async def resend(
    connection: AsyncConnection, viewer: Viewer, number: int, by: Post, settings: OrderSettings, now: datetime
) -> OrderRefused | bool:
    """Post the letter of one of the viewer's complete orders once more, to the address that his account has now.

    False if he has no order of that number. The letter goes out only while he sees every meter in its files.
    """
    mine = await own_order(connection, viewer, number)
    row = None if mine is None else await queue.locked(connection, mine.id)
    if row is None:
        return False
    if row.state is not OrderState.COMPLETE:
        return OrderRefused(reason=OrderRefusal.NOT_NOW, words=_NO_MAIL.format(state=row.state))
    again_at = now if row.resent_at is None else row.resent_at + timedelta(seconds=settings.resend_pause_s)
    if again_at > now:
        wait_s = (again_at - now).total_seconds()
        words = _SENT_LATELY.format(minutes=ceil(wait_s / 60))
        return OrderRefused(reason=OrderRefusal.SENT_LATELY, words=words, retry_in_s=wait_s)
    lost = await lost_of(connection, viewer, [row.id], now)
    if lost:
        return OrderRefused(reason=OrderRefusal.NOT_NOW, words=closed_details(lost[row.id]))
    of_order = select(report_order_files).where(report_order_files.c.order_id == row.id)
    files = (await connection.execute(of_order.order_by(report_order_files.c.id))).all()
    email = await connection.scalar(select(accounts.c.email).where(accounts.c.id == viewer.account_id))
    try:
        letter = letter_of_end(email or "", row.number, row.state, row.details, files, row.ended_at, by)
    except BadInput:
        return OrderRefused(reason=OrderRefusal.NOT_NOW, words=_NO_ADDRESS)
    await outbox.post(connection, letter, now)
    await connection.execute(update(report_orders).where(report_orders.c.id == row.id).values(resent_at=now))
    return True


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
