"""The audit log grows, and shows what was changed or taken away, on both databases."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from portal.accounts.status import AccountStatus
from portal.audit.log import SYSTEM, Event, Seal, Subject, first_broken, note
from portal.audit.tables import audit, audit_head
from tests.clock import HandClock

SEAL = Seal(b"kept elsewhere")
EVENT = Event(
    actor=SYSTEM,
    action="account.suspend",
    subject=Subject(kind="account", id=7, words="ann.lee", company_id=3),
    cause="a test",
    before=AccountStatus.ACTIVE,
    after=AccountStatus.SUSPENDED,
    comment="left the company\nand the town",
)


async def noted(database: Database, clock: HandClock, count: int = 3) -> None:
    for _ in range(count):
        await database.write(lambda connection: note(connection, SEAL, EVENT, clock.now()))


async def broken(database: Database, seal: Seal = SEAL) -> int | None:
    async with database.reading() as connection:
        return await first_broken(connection, seal)


async def unguarded(connection: AsyncConnection) -> None:
    """Take the triggers away, as somebody could who owns the database."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("drop trigger audit_only_grows on audit"))
    else:
        for change in ("update", "delete"):
            await connection.execute(text(f"drop trigger audit_no_{change}"))


async def test_a_chain_that_nobody_touched_holds(database: Database, clock: HandClock) -> None:
    await noted(database, clock)
    assert await broken(database) is None


async def test_events_noted_at_once_make_one_chain(database: Database, clock: HandClock) -> None:
    import asyncio

    await asyncio.gather(*(noted(database, clock, 1) for _ in range(20)))
    assert await broken(database) is None
    async with database.reading() as connection:
        assert (await connection.execute(audit_head.select())).one().number == 20


@pytest.mark.parametrize("change", [update(audit).values(comment="x"), delete(audit)])
async def test_rows_can_be_neither_changed_nor_removed(database: Database, clock: HandClock, change: object) -> None:
    await noted(database, clock)

    async def tampering(connection: AsyncConnection) -> None:
        await connection.execute(change)  # type: ignore[call-overload]  # either of the two statements

    with pytest.raises(DBAPIError, match="only grows"):
        await database.write(tampering)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (update(audit).where(audit.c.number == 2).values(comment="nothing at all"), 2),
        (update(audit).where(audit.c.number == 1).values(actor="somebody else"), 1),
        (delete(audit).where(audit.c.number == 2), 2),
        (delete(audit).where(audit.c.number == 3), 3),
    ],
)
async def test_what_was_changed_behind_the_guards_is_found(
    database: Database, clock: HandClock, change: object, first: int
) -> None:
    await noted(database, clock)

    async def tampering(connection: AsyncConnection) -> None:
        await unguarded(connection)
        await connection.execute(change)  # type: ignore[call-overload]  # one of the statements above

    await database.write(tampering)
    assert await broken(database) == first


async def test_a_chain_made_without_the_key_does_not_hold(database: Database, clock: HandClock) -> None:
    await noted(database, clock)
    assert await broken(database, Seal(b"another key")) == 1
