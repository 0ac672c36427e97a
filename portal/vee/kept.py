"""What a run keeps in the tables of the ledger. Every function is a job's part and may run twice."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from portal.schema import insert_unless_there
from portal.usage.tables import open_blocks, sealed_blocks, source_files
from portal.vee.ledger import State
from portal.vee.tables import estimate_batches, findings, gaps, ledger_days, receipts

Rows = Sequence[Mapping[str, Any]]
Counts = Mapping[State, int]
MOST_ORPHANS = 500
"""Batches without values that are dropped at once; the next run drops the rest."""


async def keep_receipts(connection: AsyncConnection, sha256: str, made_at: datetime, rows: Rows) -> None:
    """A batch's receipts, before its values are stored as the source of the same digest."""
    dialect = connection.dialect.name
    batch = insert_unless_there(dialect, estimate_batches, "sha256").values(sha256=sha256, made_at=made_at)
    await connection.execute(batch)
    if rows:
        key = ("esi_id", "day", "channel", "sha256", "first")
        await connection.execute(insert_unless_there(dialect, receipts, *key), rows)


async def orphans(connection: AsyncConnection, before: datetime) -> list[str]:
    """Batches from before an instant whose values never came: a run was killed between the two."""
    came = select(source_files.c.id).where(source_files.c.sha256 == estimate_batches.c.sha256).exists()
    alone = select(estimate_batches.c.sha256).where(estimate_batches.c.made_at < before, ~came)
    return list(await connection.scalars(alone.limit(MOST_ORPHANS)))


async def drop_batches(connection: AsyncConnection, digests: Sequence[str]) -> None:
    """Drop batches with their receipts."""
    await connection.execute(delete(receipts).where(receipts.c.sha256.in_(digests)))
    await connection.execute(delete(estimate_batches).where(estimate_batches.c.sha256.in_(digests)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A day of the premises from one ESI ID to another, both included."""

    day: date
    first: EsiId
    last: EsiId


async def gaps_of(connection: AsyncConnection, stretch: Stretch) -> list[dict[str, Any]]:
    """What stands of a stretch."""
    columns = gaps.c
    within = (columns.day == stretch.day, columns.esi_id.between(stretch.first, stretch.last))
    key = (columns.esi_id, columns.channel, columns.state)
    rows = await connection.execute(select(gaps).where(*within).order_by(*key))
    return [dict(row) for row in rows.mappings()]


async def of_day(connection: AsyncConnection, day: date, most: int) -> tuple[Sequence[Any], Sequence[Any]]:
    """Gaps and findings of a day by premise, of each one more than most at most."""
    lacks = select(gaps).where(gaps.c.day == day).order_by(gaps.c.esi_id, gaps.c.channel, gaps.c.state)
    found = select(findings).where(findings.c.day == day)
    found = found.order_by(findings.c.esi_id, findings.c.channel, findings.c.version, findings.c.check)
    rows = [(await connection.execute(each.limit(most + 1))).all() for each in (lacks, found)]
    return rows[0], rows[1]


async def keep_gaps(connection: AsyncConnection, stretch: Stretch, rows: Rows) -> None:
    """What a stretch lacks, in place of what stood there."""
    columns = gaps.c
    within = (columns.day == stretch.day, columns.esi_id.between(stretch.first, stretch.last))
    await connection.execute(delete(gaps).where(*within))
    if rows:
        await connection.execute(gaps.insert(), rows)


async def keep_findings(connection: AsyncConnection, rows: Rows) -> None:
    """Findings; one of a version that is known already stays as it is."""
    if rows:
        key = ("esi_id", "day", "channel", "version", "check")
        await connection.execute(insert_unless_there(connection.dialect.name, findings, *key), rows)


async def newest_version(connection: AsyncConnection) -> int:
    """The newest source file, 0 without any."""
    return await connection.scalar(select(func.max(source_files.c.id))) or 0


async def keep_day(
    connection: AsyncConnection, day: date, counts: Mapping[tuple[str, str], Counts], ran_at: datetime, seen: int
) -> None:
    """A day in sum, by TDSP and gateway, in place of what stood there: the day is accounted for."""
    await connection.execute(delete(ledger_days).where(ledger_days.c.day == day))
    rows = [
        {
            "day": day,
            "tdsp": tdsp,
            "gateway": gateway,
            "expected": sum(some.values()),
            **{str(state): some.get(state, 0) for state in State},
            "ran_at": ran_at,
            "seen": seen,
        }
        for (tdsp, gateway), some in counts.items()
    ]
    if rows:
        await connection.execute(ledger_days.insert(), rows)


async def is_touched(connection: AsyncConnection, day_number: int, months: Collection[int], seen: int) -> bool:
    """Whether a day has versions that its last run did not see; months are those that are sealed."""
    table = sealed_blocks if months else open_blocks
    wanted = select(table.c.version).where(table.c.day == day_number, table.c.version > seen).limit(1)
    if months:
        wanted = wanted.where(sealed_blocks.c.month.in_(months))
    return await connection.scalar(wanted) is not None


async def last_runs(connection: AsyncConnection, days: Iterable[date]) -> dict[date, tuple[datetime, int]]:
    """When each of some days was gone over last, and the newest source file that was seen then."""
    columns = ledger_days.c
    newest = select(columns.day, func.min(columns.ran_at), func.min(columns.seen)).group_by(columns.day)
    rows = await connection.execute(newest.where(columns.day.in_(list(days))))
    return {day: (ran_at, seen) for day, ran_at, seen in rows}


async def overdue_days(connection: AsyncConnection, now: datetime) -> set[date]:
    """The days of which a gap's deadline has passed."""
    return set(await connection.scalars(select(gaps.c.day).where(gaps.c.deadline <= now).distinct()))
