"""The journal's part for scheduled collection and meters' own reports.

Which days are settled and their reports are one transaction each; what meters report is numbered as it comes.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.collection_plan import Errand, What, retry_at
from gateway.database import Database
from gateway.identifiers import MeterNumber
from gateway.journal.numbering import keep_reports, numbering
from gateway.journal.tables import errands
from gateway.marks import Mark
from gateway.reads import FrozenRegisters, RegisterRead

R = TypeVar("R", IntervalsCollected, RegistersCollected)

DONE, IMPOSSIBLE, WAITING = "done", "impossible", "waiting"


class SqlCollectionJournal:
    """gateway.collection.CollectionJournal and gateway.reporting.ReportedJournal on the database of the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(self, day: date, what: What, now: datetime) -> set[MeterNumber]:
        """The meters whose day needs nothing now."""
        rest = or_(errands.c.status != WAITING, errands.c.due_at > now)
        wanted = select(errands.c.meter).where(errands.c.day == day, errands.c.what == what, rest)
        async with self._database.reading() as connection:
            return {row.meter for row in await connection.execute(wanted)}

    async def keep_intervals(
        self, errand: Errand, wh: tuple[int | None, ...], read_at: datetime
    ) -> IntervalsCollected | None:
        """Settle an errand with its intervals."""

        def report(mark: Mark) -> IntervalsCollected:
            direction = errand.what.direction
            return IntervalsCollected(
                meter=errand.meter, direction=direction, day=errand.day, wh=wh, read_at=read_at, mark=mark
            )

        return await self._settle(errand, report, read_at)

    async def keep_registers(self, errand: Errand, registers: FrozenRegisters) -> RegistersCollected | None:
        """Settle an errand with its registers."""
        return await self._settle(
            errand, lambda mark: RegistersCollected(registers=registers, mark=mark), registers.read_at
        )

    async def keep_reported(self, reads: Sequence[RegisterRead], now: datetime) -> list[RegistersReported]:
        """Number what meters reported."""

        async def job(connection: AsyncConnection) -> list[RegistersReported]:
            async with numbering(connection) as numbers:
                made = [RegistersReported(read=read, mark=numbers.next()) for read in reads]
                await keep_reports(connection, made, now)
                return made

        return await self._database.write(job)

    async def give_up(self, errand: Errand, now: datetime) -> None:
        """Settle an errand as impossible."""
        await self._database.write(lambda connection: _put(connection, errand, IMPOSSIBLE, now))

    async def put_off(self, errand: Errand, now: datetime, first_s: float, last_s: float) -> None:
        """Count a failed attempt."""

        async def job(connection: AsyncConnection) -> None:
            row = (await connection.execute(select(errands.c.attempts).where(_key(errand)))).first()
            attempts = 1 if row is None else row.attempts + 1
            await _put(connection, errand, WAITING, retry_at(now, attempts, first_s, last_s), attempts)

        await self._database.write(job)

    async def forget(self, before: date) -> int:
        """Drop what is known of days before one."""

        async def job(connection: AsyncConnection) -> int:
            return (await connection.execute(delete(errands).where(errands.c.day < before))).rowcount

        return await self._database.write(job)

    async def _settle(self, errand: Errand, report: Callable[[Mark], R], now: datetime) -> R | None:
        async def job(connection: AsyncConnection) -> R | None:
            async with numbering(connection) as numbers:
                row = (await connection.execute(select(errands.c.status).where(_key(errand)))).first()
                if row is not None and row.status == DONE:
                    return None
                made = report(numbers.next())
                await keep_reports(connection, [made], now)
                await _put(connection, errand, DONE, now)
                return made

        return await self._database.write(job)


def _key(errand: Errand) -> ColumnElement[bool]:
    return and_(errands.c.meter == errand.meter, errands.c.what == errand.what, errands.c.day == errand.day)


async def _put(
    connection: AsyncConnection, errand: Errand, status: str, due_at: datetime, attempts: int | None = None
) -> None:
    """Write an errand's row, which may be there or not; only one process has the journal."""
    values = {"status": status, "due_at": due_at} | ({} if attempts is None else {"attempts": attempts})
    changed = await connection.execute(update(errands).where(_key(errand)).values(**values))
    if not changed.rowcount:
        row = {"meter": errand.meter, "what": errand.what, "day": errand.day, "attempts": 0, **values}
        await connection.execute(insert(errands).values(**row))
