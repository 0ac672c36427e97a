"""Batches of reads and booked reads as they are shown: seen anew through the meters that their account sees now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId, RequestId
from gateway.questions import Question
from portal.reads.shown import OnDemandRead, shown
from portal.reads.status import OPEN, ReadStatus
from portal.reads.tables import reads
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, find_meters
from portal.wishes.states import NOT_FOUND, WishState
from portal.wishes.tables import read_batches, read_wishes

PAGE = 25
MOST_BOOKED_SHOWN = 20
GONE = "This meter is not among yours any more."


class Outcome(StrEnum):
    """What became of a read that was wished for."""

    WAITING = "waiting"
    READING = "reading"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WishedRead:
    """One read of a batch, or a booked one, and the read that came of it.

    reason and words say why it was refused, next_allowed_at when the meter may be read again; words also tell of a
    missed one. read is None before it was asked for, and of a meter that the account does not see any more.
    """

    id: RequestId
    place: int
    value: str
    esi_id: EsiId | None
    due_at: datetime
    outcome: Outcome
    reason: str | None
    words: str | None
    next_allowed_at: datetime | None
    read: OnDemandRead | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCounts:
    """How many of a batch's reads have come how far."""

    waiting: int = 0
    reading: int = 0
    done: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSummary:
    """A batch in the list of its account's; ended says that nothing of it can change any more by itself."""

    id: RequestId
    placed_at: datetime
    count: int
    counts: BatchCounts
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch with all its reads, in the order in which they were asked for."""

    id: RequestId
    placed_at: datetime
    count: int
    counts: BatchCounts
    ended: bool
    reads: Sequence[WishedRead]


_WISHES = select(
    read_wishes.c.id.label("wish_id"),
    *(
        read_wishes.c[name].label(f"wish_{name}")
        for name in ("place", "value", "esi_id", "due_at", "state", "reason", "words", "next_allowed_at")
    ),
    reads,
).select_from(read_wishes.outerjoin(reads, reads.c.id == read_wishes.c.read_id))


async def list_batches(connection: AsyncConnection, viewer: Viewer) -> list[BatchSummary]:
    """The newest 25 batches of an account."""
    own = select(read_batches).where(read_batches.c.account_id == viewer.account_id)
    rows = (
        await connection.execute(own.order_by(read_batches.c.placed_at.desc(), read_batches.c.id).limit(PAGE))
    ).all()
    counted = (
        select(read_wishes.c.batch_id, read_wishes.c.state, reads.c.status, func.count().label("count"))
        .select_from(read_wishes.outerjoin(reads, reads.c.id == read_wishes.c.read_id))
        .where(read_wishes.c.batch_id.in_([row.id for row in rows]))
        .group_by(read_wishes.c.batch_id, read_wishes.c.state, reads.c.status)
    )
    counts: dict[RequestId, Counter[str]] = {row.id: Counter() for row in rows}
    for row in await connection.execute(counted):
        counts[row.batch_id][outcome_of(row.state, row.status)] += row[3]
    return [
        BatchSummary(
            id=row.id,
            placed_at=row.placed_at,
            count=row._mapping["count"],
            counts=BatchCounts(**counts[row.id]),
            ended=_has_ended(counts[row.id]),
        )
        for row in rows
    ]


async def find_batch(connection: AsyncConnection, viewer: Viewer, batch_id: RequestId, now: datetime) -> Batch | None:
    """One of the viewer's own batches, None alike if it is another's or was never there."""
    own = and_(read_batches.c.id == batch_id, read_batches.c.account_id == viewer.account_id)
    batch = (await connection.execute(select(read_batches).where(own))).one_or_none()
    if batch is None:
        return None
    of_batch = _WISHES.where(read_wishes.c.batch_id == batch_id).order_by(read_wishes.c.place)
    rows = (await connection.execute(of_batch)).all()
    esi_ids = sorted({row.wish_esi_id for row in rows if row.wish_esi_id is not None})
    seen = await find_meters(connection, viewer, esi_ids, now)
    wished = [wished_read(row, seen.get(row.wish_esi_id)) for row in rows]
    counts = Counter(str(outcome_of(row.wish_state, row.status)) for row in rows)
    return Batch(
        id=batch_id,
        placed_at=batch.placed_at,
        count=len(rows),
        counts=BatchCounts(**counts),
        ended=_has_ended(counts),
        reads=wished,
    )


_BOOKED = Question(
    select(read_wishes)
    .where(
        read_wishes.c.account_id == bindparam("account"),
        read_wishes.c.esi_id == bindparam("esi_id"),
        read_wishes.c.batch_id.is_(None),
        read_wishes.c.state != WishState.ASKED,
    )
    .order_by(read_wishes.c.due_at.desc(), read_wishes.c.id)
    .limit(MOST_BOOKED_SHOWN)
)


async def booked_reads(database: Database, viewer: Viewer, meter: VisibleMeter) -> list[WishedRead]:
    """The account's own bookings at a meter that have not become reads, the last instant first.

    A booking that was asked for is an ordinary read from then on.
    """
    rows = await database.ask(_BOOKED, account=viewer.account_id, esi_id=meter.esi_id)
    return [
        WishedRead(
            id=row.id,
            place=row.place,
            value=row.value,
            esi_id=row.esi_id,
            due_at=row.due_at,
            outcome=Outcome(row.state),
            reason=row.reason,
            words=row.words,
            next_allowed_at=row.next_allowed_at,
            read=None,
        )
        for row in rows
    ]


async def find_booked(
    connection: AsyncConnection, viewer: Viewer, meter: VisibleMeter, wish_id: RequestId
) -> WishedRead | None:
    """One of the account's own bookings at a meter, with the read that came of it."""
    own = (
        read_wishes.c.id == wish_id,
        read_wishes.c.account_id == viewer.account_id,
        read_wishes.c.esi_id == meter.esi_id,
        read_wishes.c.batch_id.is_(None),
    )
    row = (await connection.execute(_WISHES.where(*own))).one_or_none()
    return None if row is None else wished_read(row, meter)


def outcome_of(state: WishState, status: ReadStatus | None) -> Outcome:
    """What a wish has become, given its read's status if there is one (pure)."""
    if state is not WishState.ASKED or status is None:
        return Outcome.FAILED if state is WishState.ASKED else Outcome(state)
    return Outcome.READING if status in OPEN else Outcome(status)


def wished_read(row: Any, meter: VisibleMeter | None) -> WishedRead:
    """A row of wishes and reads; without the meter, whose account does not see it now, nothing of its read."""
    gone = meter is None and row.wish_esi_id is not None and row.wish_reason != NOT_FOUND
    outcome = outcome_of(row.wish_state, row.status)
    has_read = row.id is not None and meter is not None
    return WishedRead(
        id=row.wish_id,
        place=row.wish_place,
        value=row.wish_value,
        esi_id=None if meter is None else row.wish_esi_id,
        due_at=row.wish_due_at,
        outcome=outcome,
        reason=NOT_FOUND if gone else row.wish_reason,
        words=GONE if gone else row.wish_words,
        next_allowed_at=None if gone else row.wish_next_allowed_at,
        read=shown({**row._mapping, "next_allowed_at": row.next_allowed_at}) if has_read else None,
    )


def _has_ended(counts: Counter[str]) -> bool:
    return not counts[Outcome.WAITING] and not counts[Outcome.READING]
