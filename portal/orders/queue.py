"""The queue of orders: taken by lease, renewed while somebody works, ended by the holder of the lease alone.

A lease is a token drawn anew at each take. Whoever ends an order names his token in the transaction that ends it, so
that a worker that was thought dead and comes back changes nothing. An order whose worker is not heard until due_at is
taken again; each take is an attempt, and attempts are limited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Instant
from gateway.dice import Dice
from gateway.identifiers import EsiId, RequestId
from portal.orders.request import OrderRequest, from_json
from portal.orders.settings import OrderSettings
from portal.orders.states import TRANSITIONS, OrderEvent, OrderState
from portal.orders.tables import report_order_meters, report_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An order in a worker's hands: lease is its token, attempt counts from 1, esi_ids are sorted."""

    id: RequestId
    number: int
    account_id: int
    lease: RequestId
    attempt: int
    asked: OrderRequest
    not_found: int
    esi_ids: Sequence[EsiId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """An order whose attempts all came to nothing: whoever found it ends it."""

    id: RequestId


_NOW = bindparam("now", type_=Instant)
_other = report_orders.alias("other")
_BUSY = (
    select(func.count())
    .select_from(_other)
    .where(
        _other.c.account_id == report_orders.c.account_id,
        _other.c.state == OrderState.PROCESSING,
        _other.c.lease.is_not(None),
        _other.c.due_at > _NOW,
    )
    .scalar_subquery()
)
_DUE: Select[Any] = (
    select(report_orders)
    .where(report_orders.c.state == OrderState.PROCESSING, report_orders.c.due_at <= _NOW)
    .order_by(_BUSY, report_orders.c.due_at, report_orders.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, of=report_orders)
)
"""The order that has waited longest of the account for which the fewest are being made: nobody's hundred orders keep
another's one waiting."""
_DUE_SMALL = _DUE.where(report_orders.c.small)
_METERS = (
    select(report_order_meters.c.esi_id)
    .where(report_order_meters.c.order_id == bindparam("wanted"))
    .order_by(report_order_meters.c.esi_id)
)


async def is_one_due(connection: AsyncConnection, now: datetime, *, small: bool) -> bool:
    """Whether there is an order to take: a look that keeps nobody from writing."""
    due = (report_orders.c.state == OrderState.PROCESSING, report_orders.c.due_at <= now)
    wanted = select(report_orders.c.id).where(*due).limit(1)
    return await connection.scalar(wanted.where(report_orders.c.small) if small else wanted) is not None


async def take(
    connection: AsyncConnection, worker: str, settings: OrderSettings, dice: Dice, now: datetime, *, small: bool
) -> Taken | Exhausted | None:
    """Take an order that is due under a new lease, a small one if asked so; None if there is none."""
    row = (await connection.execute(_DUE_SMALL if small else _DUE, {"now": now})).one_or_none()
    if row is None:
        return None
    if row.attempts >= settings.attempts:
        return Exhausted(id=row.id)
    lease = RequestId(dice.request_id(now))
    changed = {
        "state": TRANSITIONS[row.state, OrderEvent.TAKEN],
        "lease": lease,
        "worker": worker[:100],
        "due_at": now + timedelta(seconds=settings.lease_s),
        "attempts": row.attempts + 1,
        "started_at": row.started_at or now,
        "done": 0,
    }
    await connection.execute(update(report_orders).where(report_orders.c.id == row.id).values(changed))
    esi_ids = (await connection.scalars(_METERS, {"wanted": row.id})).all()
    return Taken(
        id=row.id,
        number=row.number,
        account_id=row.account_id,
        lease=lease,
        attempt=row.attempts + 1,
        asked=from_json(row.asked),
        not_found=row.not_found,
        esi_ids=esi_ids,
    )


async def renew(connection: AsyncConnection, taken: Taken, done: int, settings: OrderSettings, now: datetime) -> bool:
    """Keep the lease and write down how far the work is; False if it is another's now, or the order has ended."""
    due_at = now + timedelta(seconds=settings.lease_s)
    return await _held(connection, taken, {"due_at": due_at, "done": done})


async def give_back(connection: AsyncConnection, taken: Taken, now: datetime) -> bool:
    """Let somebody else take the order at once; the attempt does not count, for nothing went wrong."""
    changed = {"due_at": now, "lease": None, "worker": None, "attempts": taken.attempt - 1, "done": 0}
    return await _held(connection, taken, changed)


async def put_off(
    connection: AsyncConnection, taken: Taken, words: str, settings: OrderSettings, now: datetime
) -> bool:
    """Let the order be taken again after a pause that doubles with each attempt."""
    pause_s = settings.retry_pause_s * 2 ** (taken.attempt - 1)
    changed = {"due_at": now + timedelta(seconds=pause_s), "lease": None, "worker": None, "details": words, "done": 0}
    return await _held(connection, taken, changed)


async def _held(connection: AsyncConnection, taken: Taken, changed: dict[str, Any]) -> bool:
    """Change an order if this lease still holds it."""
    mine = update(report_orders).where(
        report_orders.c.id == taken.id,
        report_orders.c.lease == taken.lease,
        report_orders.c.state == OrderState.PROCESSING,
    )
    return (await connection.execute(mine.values(changed))).rowcount == 1


async def locked(connection: AsyncConnection, order_id: RequestId) -> Any | None:
    """The row of an order, locked until the transaction ends; None if there is none."""
    row = select(report_orders).where(report_orders.c.id == order_id).with_for_update()
    return (await connection.execute(row)).one_or_none()


def is_held(row: Any, lease: RequestId) -> bool:
    """Whether an order is still in the hands of whoever has this lease."""
    return row.state is OrderState.PROCESSING and bool(row.lease == lease)
