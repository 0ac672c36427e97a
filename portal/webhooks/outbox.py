"""The outbox of webhooks: due events taken by lease, an address at a time, and settled by whoever took them last.

A sender that dies lets its lease run out, and another takes what it had: the event may then come twice, under the same
id. That a receiver took it is true whoever says so; that it did not is believed from its latest taker alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Update, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId, RequestId
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.visibility import companies_seeing
from portal.webhooks.events import is_told_of_devices
from portal.webhooks.tables import EventKind, webhook_deliveries, webhooks

MOST_ERROR = 300
PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long an event rests after each try that failed; after the last of ten tries, some three days on, it is over."""
_WAITS = and_(webhook_deliveries.c.delivered_at.is_(None), webhook_deliveries.c.failed_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An event that a sender has to itself for a while: its row as it was taken; tries are those before this one."""

    row: Row[Any]
    takes: int

    @property
    def id(self) -> int:
        """The delivery's own."""
        return int(self.row.id)

    @property
    def is_last_try(self) -> bool:
        """Whether it is over when this try fails too."""
        return int(self.row.tries) >= len(PAUSES_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What became of a try: the status that was answered, if any, how long it took, and what was wrong."""

    code: int | None = None
    took_ms: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """An address with what it is to be told next; those that its company may not be told any more stand apart."""

    webhook: Row[Any] = field(repr=False)
    taken: Sequence[Taken]


async def due_webhooks(
    connection: AsyncConnection, now: datetime, most: int, but: Collection[RequestId]
) -> list[RequestId]:
    """The webhooks that something is due for, whose turn came first; not those that rest, nor those excepted."""
    first = func.min(webhook_deliveries.c.next_at)
    awake = or_(webhooks.c.resting_until.is_(None), webhooks.c.resting_until <= now)
    due = (
        select(webhooks.c.id)
        .join(webhook_deliveries, webhook_deliveries.c.webhook_id == webhooks.c.id)
        .where(_due(now), awake, webhooks.c.id.not_in(sorted(but)))
        .group_by(webhooks.c.id)
        .order_by(first)
        .limit(most)
    )
    return list((await connection.scalars(due)).all())


async def take(
    connection: AsyncConnection, webhook_id: RequestId, now: datetime, lease_s: float, most: int
) -> Lane | None:
    """Lease what is due for a webhook, oldest first. What its company may not be told any more ends at once."""
    webhook = (await connection.execute(select(webhooks).where(webhooks.c.id == webhook_id))).one_or_none()
    if webhook is None:
        return None
    chosen = select(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook_id, _due(now))
    chosen = chosen.order_by(webhook_deliveries.c.next_at, webhook_deliveries.c.id).limit(most)
    rows = (await connection.execute(chosen.with_for_update(skip_locked=True))).all()
    told, untold = await _parted(connection, webhook, rows, now)
    if untold:
        over = update(webhook_deliveries).where(webhook_deliveries.c.id.in_([row.id for row in untold]))
        await connection.execute(over.values(failed_at=now, error=NOT_YOURS))
    if told:
        leased = update(webhook_deliveries).where(webhook_deliveries.c.id.in_([row.id for row in told]))
        until = now + timedelta(seconds=lease_s)
        await connection.execute(leased.values(takes=webhook_deliveries.c.takes + 1, leased_until=until))
    return Lane(webhook=webhook, taken=[Taken(row=row, takes=row.takes + 1) for row in told])


NOT_YOURS = "not sent: your company does not see this meter any more, or is not active"


async def _parted(
    connection: AsyncConnection, webhook: Row[Any], rows: Sequence[Row[Any]], now: datetime
) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """What a company may be told at this instant, and what not any more."""
    status = await connection.scalar(select(companies.c.status).where(companies.c.id == webhook.company_id))
    if status is not CompanyStatus.ACTIVE:
        return [], list(rows)
    of_meters = [row for row in rows if row.esi_id is not None]
    joins = [row for row in of_meters if row.kind is EventKind.JOIN_FINISHED]
    seen = await _seen_by(connection, webhook.company_id, of_meters, now)
    managed = await _seen_by(connection, webhook.company_id, joins, now, of_devices=True)
    told = [row for row in rows if row.esi_id is None or row.esi_id in (managed if row in joins else seen)]
    return told, [row for row in rows if row not in told]


async def _seen_by(
    connection: AsyncConnection, company_id: int, rows: Sequence[Row[Any]], now: datetime, *, of_devices: bool = False
) -> Collection[EsiId]:
    """Those of some events' meters that a company sees at this instant, or of whose devices it is told."""
    if not rows:
        return ()
    seeing = companies_seeing(sorted({row.esi_id for row in rows}), now)
    seen = select(seeing.c.esi_id).where(seeing.c.company_id == company_id)
    if of_devices:
        seen = seen.join(companies, companies.c.id == seeing.c.company_id)
        seen = seen.where(is_told_of_devices(seeing.c.company_id, seeing.c.esi_id, now))
    return frozenset((await connection.scalars(seen)).all())


async def note_delivered(connection: AsyncConnection, taken: Taken, made: Try, now: datetime) -> None:
    """The receiver took it."""
    delivered = update(webhook_deliveries).where(
        webhook_deliveries.c.id == taken.id, webhook_deliveries.c.delivered_at.is_(None)
    )
    values = {"delivered_at": now, "failed_at": None, "leased_until": None, "tries": taken.row.tries + 1}
    await connection.execute(delivered.values(values | _of_try(made, now)))
    well = update(webhooks).where(webhooks.c.id == taken.row.webhook_id)
    await connection.execute(well.values(succeeded_at=now, resting_until=None))


async def put_back(connection: AsyncConnection, taken: Taken, made: Try, now: datetime, rest_s: float) -> None:
    """The event is tried again after its pause, and its address is left alone for a while."""
    next_at = now + timedelta(seconds=PAUSES_S[taken.row.tries])
    values = {"next_at": next_at, "leased_until": None, "tries": taken.row.tries + 1}
    await connection.execute(_held(taken).values(values | _of_try(made, now)))
    await _rest(connection, taken, now, rest_s)


async def give_up(connection: AsyncConnection, taken: Taken, made: Try, now: datetime, rest_s: float) -> None:
    """The event is not tried again, unless somebody asks for it."""
    values = {"failed_at": now, "leased_until": None, "tries": taken.row.tries + 1}
    await connection.execute(_held(taken).values(values | _of_try(made, now)))
    await _rest(connection, taken, now, rest_s)


async def release(connection: AsyncConnection, taken: Sequence[Taken]) -> None:
    """Let go of what was taken and not tried."""
    for each in taken:
        await connection.execute(_held(each).values(leased_until=None))


async def how_many_wait(connection: AsyncConnection, webhook_id: RequestId, up_to: int) -> int:
    """How many events wait for a webhook, counted no further than up_to."""
    waiting = select(webhook_deliveries.c.id).where(webhook_deliveries.c.webhook_id == webhook_id, _WAITS)
    return await connection.scalar(select(func.count()).select_from(waiting.limit(up_to).subquery())) or 0


async def end_waiting(connection: AsyncConnection, webhook_id: RequestId, words: str, now: datetime) -> None:
    """Give up all that waits for a webhook that was switched off; each can be asked for again."""
    waiting = update(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook_id, _WAITS)
    await connection.execute(waiting.values(failed_at=now, leased_until=None, error=words[:MOST_ERROR]))


async def drop_old(connection: AsyncConnection, before: datetime) -> None:
    """Remove what was told, or given up, before an instant."""
    old = or_(webhook_deliveries.c.delivered_at < before, webhook_deliveries.c.failed_at < before)
    await connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.created_at < before, old))


async def _rest(connection: AsyncConnection, taken: Taken, now: datetime, rest_s: float) -> None:
    resting = update(webhooks).where(webhooks.c.id == taken.row.webhook_id)
    await connection.execute(resting.values(failed_at=now, resting_until=now + timedelta(seconds=rest_s)))


def _of_try(made: Try, now: datetime) -> dict[str, Any]:
    error = None if made.error is None else made.error[:MOST_ERROR]
    return {"tried_at": now, "answer_code": made.code, "took_ms": made.took_ms, "error": error}


def _due(now: datetime) -> ColumnElement[bool]:
    free = or_(webhook_deliveries.c.leased_until.is_(None), webhook_deliveries.c.leased_until <= now)
    return and_(_WAITS, webhook_deliveries.c.next_at <= now, free)


def _held(taken: Taken) -> Update:
    """The row, as long as nobody took it after this sender did."""
    return update(webhook_deliveries).where(
        webhook_deliveries.c.id == taken.id, webhook_deliveries.c.takes == taken.takes, _WAITS
    )
