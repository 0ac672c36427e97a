"""The end of an order: its state, its files' rows and its letter, in one transaction that the lease must still hold."""

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BadInput
from gateway.identifiers import RequestId
from portal.accounts.tables import accounts
from portal.mail import outbox
from portal.orders import queue
from portal.orders.details import NOBODY_SEES, complete_details, unsuccessful_details
from portal.orders.letters import Post, letter_of_end
from portal.orders.making import Made
from portal.orders.placing import AT_ONCE
from portal.orders.queue import Taken
from portal.orders.settings import OrderSettings
from portal.orders.states import TRANSITIONS, OrderEvent, OrderState
from portal.orders.tables import report_order_files, report_order_meters, report_orders
from portal.reports.forms import Format
from portal.viewer import Viewer, load_viewer
from portal.visibility import find_meters
from portal.webhooks.events import tell
from portal.webhooks.tables import EventKind
from portal.webhooks.told import order_finished

log = logging.getLogger(__name__)


class Ended(StrEnum):
    """What became of the wish to end an order."""

    ENDED = auto()
    LEASE_LOST = auto()
    METERS_LOST = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What every end needs: the numbers, and what its letter says."""

    settings: OrderSettings
    by: Post

    async def complete(self, connection: AsyncConnection, taken: Taken, made: Made, now: datetime) -> Ended:
        """End an order with its files, unless the lease is another's, or a meter in the files is not to be seen now."""
        row = await queue.locked(connection, taken.id)
        if row is None or not queue.is_held(row, taken.lease):
            return Ended.LEASE_LOST
        if not made.reported:
            return await self._give_up(connection, row, NOBODY_SEES, now)
        if not await _all_seen(connection, taken, made, now):
            return Ended.METERS_LOST
        left_out = len(taken.esi_ids) - len(made.reported)
        details = complete_details(made.files, len(made.reported), left_out, taken.not_found)
        await _keep_files(connection, taken, made)
        to_place = row.company_id is not None and any(each.format is not Format.GREEN_BUTTON for each in made.files)
        more = {"done": len(taken.esi_ids) * len(taken.asked.reports), "to_place": to_place}
        await self._end(connection, row, OrderEvent.COMPLETED, details, made, now, **more)
        return Ended.ENDED

    async def give_up(
        self, connection: AsyncConnection, order_id: RequestId, lease: RequestId | None, cause: str, now: datetime
    ) -> Ended:
        """End an order without files; lease is the giver's, None for an order that nobody could make."""
        row = await queue.locked(connection, order_id)
        if row is None or row.state is not OrderState.PROCESSING:
            return Ended.LEASE_LOST
        is_exhausted = lease is None and row.due_at <= now and row.attempts >= self.settings.attempts
        if not is_exhausted and (lease is None or row.lease != lease):
            return Ended.LEASE_LOST
        return await self._give_up(connection, row, cause, now)

    async def _give_up(self, connection: AsyncConnection, row: Any, cause: str, now: datetime) -> Ended:
        await self._end(connection, row, OrderEvent.GIVEN_UP, unsuccessful_details(cause), Made(), now)
        return Ended.ENDED

    async def _end(
        self,
        connection: AsyncConnection,
        row: Any,
        event: OrderEvent,
        details: str,
        made: Made,
        now: datetime,
        **more: object,
    ) -> None:
        state = TRANSITIONS[row.state, event]
        changed = {"state": state, "details": details, "ended_at": now, "lease": None, "worker": None, **more}
        await connection.execute(update(report_orders).where(report_orders.c.id == row.id).values(changed))
        if row.company_id is not None:
            await tell(connection, EventKind.ORDER_FINISHED, [order_finished(row, state, details)], now)
        email = await connection.scalar(select(accounts.c.email).where(accounts.c.id == row.account_id))
        try:
            letter = letter_of_end(email or "", row.number, state, details, made.files, now, self.by)
        except BadInput as wrong:  # an address that no letter can have keeps nobody from the files
            log.warning("order %s ends without a letter: %s", row.number, wrong)
        else:
            await outbox.post(connection, letter, now)


async def _all_seen(connection: AsyncConnection, taken: Taken, made: Made, now: datetime) -> bool:
    """Whether every meter in the files is to be seen at the moment of delivery."""
    viewer = await load_viewer(connection, taken.account_id)
    if not isinstance(viewer, Viewer):
        return False
    return len(await find_meters(connection, viewer, sorted(made.reported), now)) == len(made.reported)


async def _keep_files(connection: AsyncConnection, taken: Taken, made: Made) -> None:
    """The rows of the files, and the marks of the meters that are in them."""
    await connection.execute(delete(report_order_files).where(report_order_files.c.order_id == taken.id))
    rows = [
        {
            "order_id": taken.id,
            "name": each.name,
            "report": each.report,
            "media_type": each.media_type,
            "size": each.size,
            "sha256": each.sha256,
            "path": each.path,
            "rows": each.rows,
        }
        for each in made.files
    ]
    await connection.execute(insert(report_order_files), rows)
    of_order = update(report_order_meters).where(report_order_meters.c.order_id == taken.id)
    await connection.execute(of_order.values(reported=False))
    reported = sorted(made.reported)
    for start in range(0, len(reported), AT_ONCE):
        some = report_order_meters.c.esi_id.in_(reported[start : start + AT_ONCE])
        await connection.execute(of_order.where(some).values(reported=True))
