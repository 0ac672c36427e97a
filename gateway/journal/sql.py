"""The journal on a database: each call is one transaction, however many requests it carries."""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, insert, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import MeterNumber, RequestId
from gateway.journal.entries import OUTCOME, REMEMBERED, Desk, Entry, interruption, outcome_of
from gateway.journal.numbering import (
    COUNTERS,
    move_receipt,
    numbering,
    prune_reports,
    unreceipted,
)
from gateway.journal.tables import IS_DONE, IS_OPEN, commands, counters, requests, successes
from gateway.messages import Mark, ReadEnded, Report, RequestRead
from gateway.ports import Claim, Finished
from gateway.read_policy import ReadLimits

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
OPEN = "open"

BY_ID = select(requests).where(requests.c.id.in_(bindparam("ids", expanding=True)))
OPEN_METERS = select(requests.c.meter).where(IS_OPEN)
_METERS: BindParameter[MeterNumber] = bindparam("meters", expanding=True)
_SINCE = bindparam("since", type_=requests.c.accepted_at.type)
SUCCESSES = union(
    select(requests.c.meter, requests.c.accepted_at).where(
        requests.c.meter.in_(_METERS), requests.c.accepted_at > _SINCE, IS_DONE
    ),
    select(successes.c.meter, successes.c.accepted_at).where(
        successes.c.meter.in_(_METERS), successes.c.accepted_at > _SINCE
    ),
)
END = (
    update(requests)
    .where(requests.c.id == bindparam("which"))
    .values({column: bindparam(f"new_{column}") for column in ("status", "ended_at", "seq", "outcome")})
)


class SqlJournal:
    """gateway.ports.Journal on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def opened(cls, database: Database, name: str) -> "SqlJournal":
        """The journal of a database, brought to the newest schema; a new one gets the name given."""
        await database.migrate(SCRIPTS)

        async def christen(connection: AsyncConnection) -> None:
            if (await connection.execute(COUNTERS)).first() is None:
                await connection.execute(insert(counters).values(journal=name, last_seq=0, receipted_seq=0))

        await database.write(christen)
        return cls(database)

    async def claim(
        self, asked: Sequence[RequestRead], now: datetime, limits: ReadLimits, known: Container[MeterNumber]
    ) -> list[Claim]:
        """Decide and record requests."""

        async def job(connection: AsyncConnection) -> list[Claim]:
            async with numbering(connection) as numbers:
                entries = await _entries(connection, [request.id for request in asked])
                in_flight = {row.meter for row in await connection.execute(OPEN_METERS)}
                before = await successes_of(connection, {request.meter for request in asked}, now)
                desk = Desk(entries, in_flight, before, numbers)
                claims = [desk.claim(request, now, limits, known) for request in asked]
                if desk.added:
                    await connection.execute(insert(requests), [_row(entry) for entry in desk.added])
            return claims

        return await self._database.write(job)

    async def end(self, finished: Sequence[Finished], limits: ReadLimits) -> list[ReadEnded]:
        """Record what became of claims."""

        async def job(connection: AsyncConnection) -> list[ReadEnded]:
            return await _end(connection, finished, limits)

        return await self._database.write(job)

    async def interrupt(self, now: datetime, limits: ReadLimits) -> list[ReadEnded]:
        """End every open claim as interrupted."""

        async def job(connection: AsyncConnection) -> list[ReadEnded]:
            rows = await connection.execute(select(requests).where(IS_OPEN))
            return await _end(connection, [interruption(_entry(row).request, now) for row in rows], limits)

        return await self._database.write(job)

    async def unreceipted(self, limit: int) -> list[Report]:
        """The oldest reports of any kind not receipted."""
        async with self._database.reading() as connection:
            return await unreceipted(connection, limit)

    async def receipt(self, mark: Mark) -> None:
        """Repeat nothing up to this mark."""
        await self._database.write(partial(move_receipt, mark=mark))

    async def receipted(self) -> Mark | None:
        """The last mark that is not repeated any more."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(counters))).one()
        return Mark(journal=row.journal, seq=row.receipted_seq) if row.receipted_seq else None

    async def prune(self, before: datetime) -> int:
        """Drop what ended or was told before an instant and is receipted, and successes that count no more."""

        async def job(connection: AsyncConnection) -> int:
            receipted = select(counters.c.receipted_seq).scalar_subquery()
            dropped = await prune_reports(connection, before)
            for table in (requests, commands):
                old = delete(table).where(table.c.ended_at < before, table.c.seq <= receipted)
                dropped += (await connection.execute(old)).rowcount
            await connection.execute(delete(successes).where(successes.c.accepted_at < before))
            return dropped

        return await self._database.write(job)


async def _end(connection: AsyncConnection, finished: Sequence[Finished], limits: ReadLimits) -> list[ReadEnded]:
    outcomes, changed = [], []
    async with numbering(connection) as numbers:
        entries = await _entries(connection, [each.id for each in finished])
        meters = {entry.request.meter for entry in entries.values()}
        newest = max((each.ended_at for each in finished), default=None)
        known = await successes_of(connection, meters, newest) if newest else {}
        for each in finished:
            entry = entries[each.id]
            outcome = entry.outcome
            if outcome is None:
                before = known.get(entry.request.meter, ())
                outcome = outcome_of(entry.request, entry.accepted_at, each, before, limits, numbers.next())
                changed.append({"which": each.id, **_ending(outcome)})
            outcomes.append(outcome)
        if changed:
            await connection.execute(END, changed)
    return outcomes


async def _entries(connection: AsyncConnection, ids: Iterable[RequestId]) -> dict[RequestId, Entry]:
    rows = await connection.execute(BY_ID, {"ids": list(ids)})
    return {row.id: _entry(row) for row in rows}


async def successes_of(
    connection: AsyncConnection, meters: Iterable[MeterNumber], now: datetime
) -> dict[MeterNumber, list[datetime]]:
    """When reads of meters that still count at an instant were accepted, here and at the gateways before."""
    found: dict[MeterNumber, list[datetime]] = defaultdict(list)
    for row in await connection.execute(SUCCESSES, {"meters": list(meters), "since": now - REMEMBERED}):
        found[row.meter].append(row.accepted_at)
    return found


def _entry(row: Any) -> Entry:
    request = RequestRead(
        id=row.id, meter=row.meter, esi_id=row.esi_id, requested_at=row.requested_at, deadline_at=row.deadline_at
    )
    outcome = OUTCOME.validate_json(row.outcome) if row.outcome is not None else None
    return Entry(request=request, accepted_at=row.accepted_at, outcome=outcome)


def _row(entry: Entry) -> dict[str, Any]:
    request, outcome = entry.request, entry.outcome
    return {
        "id": request.id,
        "meter": request.meter,
        "esi_id": request.esi_id,
        "requested_at": request.requested_at,
        "deadline_at": request.deadline_at,
        "accepted_at": entry.accepted_at,
        "status": outcome.status if outcome else OPEN,
        "ended_at": outcome.ended_at if outcome else None,
        "seq": outcome.mark.seq if outcome else None,
        "outcome": OUTCOME.dump_json(outcome).decode() if outcome else None,
    }


def _ending(outcome: ReadEnded) -> dict[str, Any]:
    return {
        "new_status": outcome.status,
        "new_ended_at": outcome.ended_at,
        "new_seq": outcome.mark.seq,
        "new_outcome": OUTCOME.dump_json(outcome).decode(),
    }
