"""Asks for the reads that were wished for, once they are due: with the rights of that moment, in pieces, once.

A wish and the read that comes of it are one transaction, which first takes the wish; so of two processes one asks, and
a restart goes on where the last one stopped. A batch keeps at most a few reads open at each gateway; what was booked
for an instant does not wait for them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, delete, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database, Instant
from gateway.dice import Dice
from gateway.identifiers import RequestId
from portal.meters.tables import meters
from portal.reads.ask import Answer, Ask, AskRefusal, Decided, Refused, decide_all
from portal.reads.desk import ReadDesk
from portal.reads.settings import DeskSettings
from portal.reads.tables import OPEN_READS, reads
from portal.viewer import Viewer, load_viewer
from portal.visibility import find_meters
from portal.wishes.placing import NOT_FOR_YOU, NOT_YOURS
from portal.wishes.states import NOT_FOUND, WishState
from portal.wishes.tables import read_batches, read_wishes

SHORTEST_PAUSE_S = 0.05
KEPT = timedelta(days=30)
"""How long it is kept what became of batches and bookings; the reads that came of them are kept longer."""
TIDY_S = 3600.0
_IS_BATCH = case((read_wishes.c.batch_id.is_(None), 0), else_=1)
_ORDER = (_IS_BATCH, read_wishes.c.place, read_wishes.c.due_at, read_wishes.c.id)
_RANKED = (
    select(
        read_wishes.c.id,
        _IS_BATCH.label("in_batch"),
        meters.c.gateway,
        func.row_number().over(partition_by=meters.c.gateway, order_by=_ORDER).label("rank"),
    )
    .select_from(
        read_wishes.outerjoin(meters, and_(meters.c.esi_id == read_wishes.c.esi_id, meters.c.removed_at.is_(None)))
    )
    .where(text("read_wishes.state = 'waiting'"), read_wishes.c.due_at <= bindparam("now", type_=Instant))
    .subquery()
)
_DUE = select(_RANKED).where(_RANKED.c.rank <= bindparam("most")).order_by(_RANKED.c.rank)
_OPEN = select(reads.c.gateway, func.count().label("open_reads")).where(OPEN_READS).group_by(reads.c.gateway)
_TAKEN = (
    select(read_wishes)
    .where(read_wishes.c.id.in_(bindparam("ids", expanding=True)), read_wishes.c.state == WishState.WAITING)
    .order_by(read_wishes.c.account_id, read_wishes.c.place, read_wishes.c.id)
    .with_for_update(skip_locked=True)
)
_DECIDE = update(read_wishes).where(read_wishes.c.id == bindparam("wish"))
_NEXT = select(func.min(read_wishes.c.due_at)).where(text("read_wishes.state = 'waiting'"))
LATE = "The portal was not running at this instant, so the read was not asked for."


@dataclass(frozen=True, slots=True)
class Piece:
    """What a transaction made of the wishes that it took: how many there were, and the requests to send."""

    count: int
    decided: Decided


class Asker:
    """One per process; of several each takes what no other has."""

    def __init__(self, database: Database, desk: ReadDesk, clock: Clock, dice: Dice, settings: DeskSettings) -> None:
        self._database, self._desk, self._clock, self._dice = database, desk, clock, dice
        self._settings = settings
        self._woken = asyncio.Event()
        self._tidied_s: float | None = None

    def wake(self) -> None:
        """Something was just wished for: it need not wait for the next look."""
        self._woken.set()

    async def run(self) -> None:
        """Ask for what is due, then sleep until something is; until cancelled."""
        while True:
            self._woken.clear()
            began = self._clock.now()
            await self.step()
            await self._tidy()
            await self._sleep(await self._pause_s(began))

    async def step(self) -> int:
        """Ask for one piece of what is due; returns how many wishes were taken."""
        if self._desk.is_busy:
            return 0
        async with self._database.reading() as connection:
            if not await self._next_ids(connection):  # most looks find nothing, and need not write
                return 0
        piece = await self._database.write(self._take)
        self._desk.send(piece.decided)
        return piece.count

    async def _tidy(self) -> None:
        """Remove what is over for long, once an hour."""
        now_s = self._clock.monotonic()
        if self._tidied_s is None or now_s - self._tidied_s >= TIDY_S:
            self._tidied_s = now_s
            await self._database.write(partial(drop_old, before=self._clock.now() - KEPT))

    async def _next_ids(self, connection: AsyncConnection) -> list[RequestId]:
        """The wishes that may be asked for now: of batches no more than their gateways have room for."""
        due = (
            await connection.execute(_DUE, {"now": self._clock.now(), "most": self._settings.batch_open_reads})
        ).all()
        if not due:
            return []
        taken = {row.gateway: row.open_reads for row in await connection.execute(_OPEN)}
        return [row.id for row in due if not row.in_batch or self._has_room(row, taken)]

    def _has_room(self, row: Row[Any], taken: Mapping[Any, int]) -> bool:
        """Whether a wish's gateway has room for it, behind those of a lower rank; without a gateway it is refused."""
        return row.gateway is None or taken.get(row.gateway, 0) + row.rank <= self._settings.batch_open_reads

    async def _take(self, connection: AsyncConnection) -> Piece:
        ids = await self._next_ids(connection)
        rows = (await connection.execute(_TAKEN, {"ids": ids})).all() if ids else []
        now = self._clock.now()
        patience = timedelta(seconds=self._settings.booked_patience_s)
        told: list[dict[str, Any]] = []
        asks: list[tuple[RequestId, Ask]] = []
        for account_id in dict.fromkeys(row.account_id for row in rows):
            of_account = [row for row in rows if row.account_id == account_id]
            late = [row for row in of_account if row.batch_id is None and row.due_at < now - patience]
            told += [_row(row.id, WishState.MISSED, now, words=LATE) for row in late]
            in_time = [row for row in of_account if row not in late]
            viewer = await load_viewer(connection, account_id)
            if not isinstance(viewer, Viewer) or not viewer.may_request_reads:
                told += [_refused(row.id, AskRefusal.NOT_FOR_YOU, NOT_FOR_YOU.words, now) for row in in_time]
                continue
            seen = await find_meters(connection, viewer, sorted({row.esi_id for row in in_time}), now)
            for row in in_time:
                if row.esi_id not in seen:
                    told.append(_refused(row.id, NOT_FOUND, NOT_YOURS, now))
                    continue
                read_id = RequestId(self._dice.request_id(now))
                asks.append((row.id, Ask(id=read_id, meter=seen[row.esi_id], account_id=account_id)))
        decided = await self._decide(connection, [ask for _, ask in asks])
        told += [_answered(wish, answer, now) for (wish, _), answer in zip(asks, decided.answers, strict=True)]
        if told:
            await connection.execute(_DECIDE, told)
        return Piece(len(rows), decided)

    async def _decide(self, connection: AsyncConnection, asks: Sequence[Ask]) -> Decided:
        if not asks:
            return Decided([], [])
        return await decide_all(connection, asks, self._clock, self._desk.limits, one_in_flight=True)

    async def _pause_s(self, began: datetime) -> float:
        """How long to sleep after a look that began at an instant: not at all if something became due meanwhile."""
        async with self._database.reading() as connection:
            due: datetime | None = await connection.scalar(_NEXT)
        if due is None:
            return self._settings.sweep_s
        if due <= began:
            return self._settings.batch_look_s
        return min((due - self._clock.now()).total_seconds() + 0.001, self._settings.sweep_s)

    async def _sleep(self, pause_s: float) -> None:
        """Until the pause is over or somebody wakes it, but never so short that others have no turn."""
        waits = [
            asyncio.create_task(self._clock.sleep(max(pause_s, SHORTEST_PAUSE_S))),
            asyncio.create_task(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def drop_old(connection: AsyncConnection, before: datetime) -> None:
    """Remove batches that were placed, and bookings that were decided, before an instant, unless one still waits."""
    waits = exists().where(read_wishes.c.batch_id == read_batches.c.id, read_wishes.c.state == WishState.WAITING)
    await connection.execute(delete(read_batches).where(read_batches.c.placed_at < before, ~waits))
    booked = read_wishes.c.batch_id.is_(None), read_wishes.c.state != WishState.WAITING
    await connection.execute(delete(read_wishes).where(*booked, read_wishes.c.decided_at < before))


def _row(wish: RequestId, state: WishState, now: datetime, **more: Any) -> dict[str, Any]:
    nothing = {"read_id": None, "reason": None, "words": None, "next_allowed_at": None}
    return {"wish": wish, "state": state, "decided_at": now, **nothing, **more}


def _refused(wish: RequestId, reason: str, words: str, now: datetime) -> dict[str, Any]:
    return _row(wish, WishState.REFUSED, now, reason=str(reason), words=words)


def _answered(wish: RequestId, answer: Answer, now: datetime) -> dict[str, Any]:
    if isinstance(answer, Refused):
        return _refused(wish, answer.reason, answer.words, now) | {"next_allowed_at": answer.next_allowed_at}
    return _row(wish, WishState.ASKED, now, read_id=answer.id)
