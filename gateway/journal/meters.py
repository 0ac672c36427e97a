"""Assignments in the journal: which meters the gateway was told to serve or to leave, and their earlier successes."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import MeterNumber
from gateway.journal.commands import Claim, Ending, Taken, finish, known, take
from gateway.journal.numbering import numbering
from gateway.journal.sql import successes_of
from gateway.journal.tables import IS_OPEN, assignments, requests, successes
from gateway.messages import AssignMeter, CommandEnded, MeterCommand, OutcomeStatus, WithdrawMeter
from gateway.ports import Assignment

SAME_SUCCESS = timedelta(seconds=60)
"""Two instants closer than this are one success: it came back by way of clocks that differ a little."""


class MeterBook:
    """What a gateway was told of its meters, on the journal's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told(self) -> dict[MeterNumber, Assignment | None]:
        """What was told at run time: an assignment, or None for a meter that was withdrawn."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(assignments))).all()
        return {
            row.meter: Assignment(meter=row.meter, driver=row.driver, address=row.address) if row.driver else None
            for row in rows
        }

    async def claim(self, command: MeterCommand, now: datetime) -> Claim:
        """Take a command up, once."""

        async def job(connection: AsyncConnection) -> Claim:
            async with numbering(connection):
                before = await known(connection, command.id)
                if before is None:
                    await take(connection, command, now)
                return before or Taken()

        return await self._database.write(job)

    async def fail(self, command: MeterCommand, ending: Ending, now: datetime) -> CommandEnded:
        """Record that a command came to nothing: the meter stays where it was."""

        async def job(connection: AsyncConnection) -> CommandEnded:
            async with numbering(connection) as numbers:
                return await finish(connection, numbers, command, ending, now)

        return await self._database.write(job)

    async def assign(self, command: AssignMeter, now: datetime) -> CommandEnded:
        """Record an assignment with the meter's earlier successes, and the command's end."""

        async def job(connection: AsyncConnection) -> CommandEnded:
            async with numbering(connection) as numbers:
                own = (await successes_of(connection, [command.meter], now)).get(command.meter, [])
                rows = [{"meter": command.meter, "accepted_at": at} for at in _new(command.successes, own)]
                if rows:
                    await connection.execute(insert(successes), rows)
                await _put(connection, command.meter, now, driver=command.driver, address=command.address)
                return await finish(connection, numbers, command, Ending(status=OutcomeStatus.DONE), now)

        return await self._database.write(job)

    async def is_reading(self, meter: MeterNumber) -> bool:
        """Whether a read of a meter is open; once it is assigned no more, none begins."""
        reading = select(requests.c.id).where(requests.c.meter == meter, IS_OPEN).limit(1)
        async with self._database.reading() as connection:
            return (await connection.execute(reading)).first() is not None

    async def withdraw(self, command: WithdrawMeter, now: datetime) -> CommandEnded:
        """Record a withdrawal, and tell the meter's successes."""

        async def job(connection: AsyncConnection) -> CommandEnded:
            async with numbering(connection) as numbers:
                own = (await successes_of(connection, [command.meter], now)).get(command.meter, [])
                await _put(connection, command.meter, now, driver=None, address=None)
                ending = Ending(status=OutcomeStatus.DONE, successes=tuple(sorted(own)))
                return await finish(connection, numbers, command, ending, now)

        return await self._database.write(job)


async def _put(
    connection: AsyncConnection, meter: MeterNumber, now: datetime, *, driver: str | None, address: str | None
) -> None:
    await connection.execute(delete(assignments).where(assignments.c.meter == meter))
    row = {"meter": meter, "driver": driver, "address": address, "changed_at": now}
    await connection.execute(insert(assignments), row)


def _new(told: Iterable[datetime], own: Iterable[datetime]) -> list[datetime]:
    """The successes told that are none of those known already."""
    known_ones = list(own)
    new: list[datetime] = []
    for at in sorted(told):
        if all(abs(at - other) >= SAME_SUCCESS for other in (*known_ones, *new)):
            new.append(at)
    return new
