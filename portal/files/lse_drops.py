"""The daily LSE files as rows: which are due, which of them one process has to itself, and which lie in their place.

A file's name is decided in the transaction that first takes it up, so whoever takes it up again after a crash writes
the same file and not a second one. Only the latest taker may put it in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL, central_date
from gateway.identifiers import Duns
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.files.tables import lse_drops
from portal.usage.lse_write import MOST_FILES, file_name
from portal.visibility import meters_of_rep


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One file: a Chicago day of one REP's meters at one TDSP."""

    day: date
    company_id: int
    tdsp_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A file that this process has to itself until its lease ends; take counts from 1."""

    key: Key
    name: str
    take: int
    leased_until: datetime


def due_days(now: datetime, at: time, days: int) -> list[date]:
    """The Chicago days whose files are due at an instant, the oldest first: a day is due on the next day at a time."""
    today = central_date(now)
    back = [today - timedelta(days=number) for number in range(days, 0, -1)]
    return [day for day in back if due_at(day, at) <= now]


def due_at(day: date, at: time) -> datetime:
    """When the files of a Chicago day are due."""
    return datetime.combine(day + timedelta(days=1), at, CENTRAL).astimezone(UTC)


async def reps(connection: AsyncConnection) -> Sequence[int]:
    """The companies that have daily files: Active REPs."""
    chosen = select(companies.c.id).where(companies.c.kind == Kind.REP, companies.c.status == CompanyStatus.ACTIVE)
    return (await connection.scalars(chosen.order_by(companies.c.id))).all()


async def active_numbers(connection: AsyncConnection, company_id: int) -> Sequence[Duns]:
    """A company's Active DUNS numbers, in order."""
    chosen = select(duns_numbers.c.duns).where(
        duns_numbers.c.company_id == company_id, duns_numbers.c.status == DunsStatus.ACTIVE
    )
    return (await connection.scalars(chosen.order_by(duns_numbers.c.duns))).all()


async def open_keys(connection: AsyncConnection, company_id: int, day: date, now: datetime) -> list[Key]:
    """The files of a REP and day that are not in their place: one for each TDSP of a meter that is its own now."""
    its_meters = meters_of_rep(company_id, now).subquery()
    tdsps = set(await connection.scalars(select(its_meters.c.tdsp_id).distinct()))
    placed = select(lse_drops.c.tdsp_id).where(
        lse_drops.c.company_id == company_id, lse_drops.c.day == day, lse_drops.c.placed_at.is_not(None)
    )
    return [Key(day, company_id, tdsp_id) for tdsp_id in sorted(tdsps - set(await connection.scalars(placed)))]


async def take_drop(connection: AsyncConnection, key: Key, now: datetime, lease_s: float) -> Drop | None:
    """Take a file up, None if it lies in its place, if somebody else has it, or if the TDSP has no Active number."""
    # Locked, so that two processes never give two files of a company one name.
    await connection.execute(select(companies.c.id).where(companies.c.id == key.company_id).with_for_update())
    row = (await connection.execute(select(lse_drops).where(_is(key)))).one_or_none()
    until = now + timedelta(seconds=lease_s)
    if row is not None:
        if row.placed_at is not None or (row.leased_until is not None and row.leased_until > now):
            return None
        again = update(lse_drops).where(_is(key)).values(takes=row.takes + 1, leased_until=until)
        await connection.execute(again)
        return Drop(key=key, name=row.name, take=row.takes + 1, leased_until=until)
    name = await _new_name(connection, key, now)
    if name is None:
        return None
    values = {"company_id": key.company_id, "day": key.day, "tdsp_id": key.tdsp_id, "name": name}
    await connection.execute(insert(lse_drops).values(**values, takes=1, leased_until=until))
    return Drop(key=key, name=name, take=1, leased_until=until)


async def is_mine(connection: AsyncConnection, drop: Drop, now: datetime) -> bool:
    """Whether the file is still this process's to place."""
    mine = and_(_is(drop.key), lse_drops.c.takes == drop.take, lse_drops.c.placed_at.is_(None))
    return now < drop.leased_until and bool(await connection.scalar(select(func.count()).where(mine)))


async def note_placed(connection: AsyncConnection, drop: Drop, meters: int, missing: int, now: datetime) -> None:
    """The file lies in its place: of so many meters, with so many quarter hours that nobody has reported."""
    mine = update(lse_drops).where(_is(drop.key), lse_drops.c.takes == drop.take)
    await connection.execute(mine.values(placed_at=now, leased_until=None, meters=meters, missing=missing))


async def let_go(connection: AsyncConnection, drop: Drop) -> None:
    """The file is not made now; whoever looks next may."""
    mine = update(lse_drops).where(_is(drop.key), lse_drops.c.takes == drop.take, lse_drops.c.placed_at.is_(None))
    await connection.execute(mine.values(leased_until=None))


async def forget_drops(connection: AsyncConnection, before: date) -> None:
    """Remove the rows of days that are never looked at again."""
    await connection.execute(delete(lse_drops).where(lse_drops.c.day < before))


async def _new_name(connection: AsyncConnection, key: Key, now: datetime) -> str | None:
    numbers = await active_numbers(connection, key.tdsp_id)
    if not numbers:
        return None
    names = [file_name(numbers[0], now, counter) for counter in range(MOST_FILES)]
    named = select(lse_drops.c.name).where(
        lse_drops.c.company_id == key.company_id, lse_drops.c.name.between(names[0], names[-1])
    )
    taken = set(await connection.scalars(named))
    return next(name for name in names if name not in taken)


def _is(key: Key) -> Any:
    return and_(
        lse_drops.c.company_id == key.company_id, lse_drops.c.day == key.day, lse_drops.c.tdsp_id == key.tdsp_id
    )
