"""Sealing: a month that is over leaves the day-ordered table for the meter-ordered one, all of it or nothing.

Afterwards a revision of the month goes straight to where its rows are. On PostgreSQL a load holds the months that it
writes by a shared lock, and a seal never waits for one: it tries again, so that nobody queues behind it.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import Unreachable
from portal.usage.meter_ids import LOCK
from portal.usage.row_keys import LAST_DAY, days_of, month_of
from portal.usage.tables import BLOCK, open_blocks, sealed_blocks, sealed_months, usage_meters

PAUSE_S = 0.5
LONGEST_WAIT_S = 600.0
SORTED_AT_ONCE = 10_000
"""Meters whose month is sorted in memory, some 60 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a seal did. blocks counts versions of meter-days moved; already says that the month was sealed before."""

    month: int
    already: bool
    blocks: int = 0


async def seal(database: Database, month: int, clock: Clock) -> Sealed:
    """Seal a month in one transaction; once it is sealed, do nothing. Months count from January 2000.

    Waits for loads that write it, and raises Unreachable when they go on for too long.
    """

    async def job(connection: AsyncConnection) -> Sealed | None:
        if not await _alone_with(connection, month):
            return None
        known = select(sealed_months.c.month).where(sealed_months.c.month == month)
        if await connection.scalar(known) is not None:
            return Sealed(month=month, already=True)
        return Sealed(month=month, already=False, blocks=await _move(connection, month))

    until = clock.monotonic() + LONGEST_WAIT_S
    while (outcome := await database.write(job)) is None:
        if clock.monotonic() > until:
            raise Unreachable("the month is being loaded all the time; seal it later")
        await clock.sleep(PAUSE_S)
    return outcome


async def _alone_with(connection: AsyncConnection, month: int) -> bool:
    """Whether no load writes the month until this transaction ends; on SQLite there is one writer, and this is it."""
    if connection.dialect.name != "postgresql":
        return True
    return await connection.scalar(select(func.pg_try_advisory_xact_lock(LOCK, month))) is True


async def open_months(database: Database, before: int) -> list[int]:
    """The months before one that have anything in the day-ordered table: a few index seeks for each day."""
    found: list[int] = []
    async with database.reading() as connection:
        day = -1
        while day is not None and day < LAST_DAY:
            day = await connection.scalar(select(func.min(open_blocks.c.day)).where(open_blocks.c.day > day))
            if day is None or month_of(day) >= before:
                break
            found.append(month_of(day))
            day = days_of(found[-1])[-1]
    return found


async def _move(connection: AsyncConnection, month: int) -> int:
    """A month's rows, sorted anew; returns how many.

    On PostgreSQL one statement sorts them, on its disk if need be. SQLite sorts in memory, hence by so many meters.
    """
    columns = [open_blocks.c[name] for name in BLOCK]
    key = [open_blocks.c[name] for name in ("meter", "day", "channel", "version")]
    of_month = open_blocks.c.day.in_(days_of(month))
    rows: Any = select(literal(month), *columns).where(of_month).order_by(*key)
    names = ["month", *BLOCK]
    if connection.dialect.name == "postgresql":
        await _make_partition(connection, month)
        target = sealed_blocks.to_metadata(MetaData(), name=partition(month))
        await connection.execute(insert(target).from_select(names, rows))
        await _attach_partition(connection, month)
    else:
        last = await connection.scalar(select(func.max(usage_meters.c.id))) or 0
        for meter in range(1, last + 1, SORTED_AT_ONCE):
            some = open_blocks.c.meter.between(meter, meter + SORTED_AT_ONCE - 1)
            await connection.execute(insert(sealed_blocks).from_select(names, rows.where(some)))
    moved = await connection.execute(open_blocks.delete().where(of_month))
    await connection.execute(insert(sealed_months).values(month=month))
    return moved.rowcount


def partition(month: int) -> str:
    """The name of a month's part of the sealed table on PostgreSQL."""
    return f"sealed_blocks_{month}"


async def _make_partition(connection: AsyncConnection, month: int) -> None:
    """A table beside the others: making it a part at once would lock out whoever reads."""
    name = partition(month)
    await connection.exec_driver_sql(f"create table {name} (like sealed_blocks including defaults)")
    await connection.exec_driver_sql(f"alter table {name} add constraint ck_{name} check (month = {month})")


async def _attach_partition(connection: AsyncConnection, month: int) -> None:
    """Make its key once it is filled, and then make it a part; its check spares reading it all again."""
    name, key = partition(month), ", ".join(column.name for column in sealed_blocks.primary_key)
    await connection.exec_driver_sql(f"alter table {name} add constraint pk_{name} primary key ({key})")
    await connection.exec_driver_sql(f"alter table sealed_blocks attach partition {name} for values in ({month})")
