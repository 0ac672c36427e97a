"""Giving up on reads that no gateway ended in time: failed as timed out, until a late success says otherwise."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Instant
from gateway.errors import FailureReason
from gateway.identifiers import RequestId
from portal.reads.status import OPEN, ReadStatus
from portal.reads.tables import read_outbox, reads
from portal.webhooks.events import tell
from portal.webhooks.tables import EventKind
from portal.webhooks.told import read_finished

MOST_AT_ONCE = 1_000
_IS_OPEN = reads.c.status.in_([str(status) for status in OPEN])
_EXPIRED = (
    select(reads)
    .where(_IS_OPEN, reads.c.deadline_at < bindparam("before", type_=Instant))
    .order_by(reads.c.id)
    .limit(MOST_AT_ONCE)
    .with_for_update(key_share=True)
)
_FAIL = update(reads).where(reads.c.id == bindparam("of_read"))
_LEAVE_OUTBOX = delete(read_outbox).where(read_outbox.c.read_id == bindparam("of_read"))
_NEXT = select(func.min(reads.c.deadline_at)).where(_IS_OPEN)


async def expire(connection: AsyncConnection, now: datetime, grace_s: float) -> dict[RequestId, dict[str, Any]]:
    """Fail the open reads whose deadline and grace are over; returns their rows as they now are."""
    expired = await connection.execute(_EXPIRED, {"before": now - timedelta(seconds=grace_s)})
    failed = {
        "status": ReadStatus.FAILED,
        "reason": FailureReason.TIMEOUT,
        "detail": "The gateway gave no answer before the deadline.",
        "recorded_at": now,
    }
    rows = {row["id"]: {**row, **failed} for row in expired.mappings()}
    if rows:
        await connection.execute(_FAIL, [{"of_read": read_id, **failed} for read_id in rows])
        await connection.execute(_LEAVE_OUTBOX, [{"of_read": read_id} for read_id in rows])
        await tell(connection, EventKind.READ_FINISHED, [read_finished(row) for row in rows.values()], now)
    return rows


async def next_deadline(connection: AsyncConnection) -> datetime | None:
    """The earliest deadline of an open read."""
    deadline: datetime | None = await connection.scalar(_NEXT)
    return deadline
