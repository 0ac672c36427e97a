"""One sequence of numbers for everything that a gateway reports, and the reports that wait for their receipt.

Outcomes of reads stand with their requests, all other reports in a table of their own; every number is taken under
the counters' lock, in the transaction that keeps what it numbers.
"""

import heapq
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, get_args

from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.han.messages import DeviceChanged, DeviceReported
from gateway.journal.entries import OUTCOME, Numbers
from gateway.journal.tables import counters, reports, requests
from gateway.messages import CommandEnded, Mark, Report

OtherReport = (
    CommandEnded | DeviceChanged | DeviceReported | IntervalsCollected | RegistersCollected | RegistersReported
)
KINDS: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(OtherReport)}
COUNTERS = select(counters).with_for_update()
_OUTCOMES = select(requests.c.seq, requests.c.outcome).where(requests.c.seq > bindparam("after"))
_OTHERS = select(reports.c.seq, reports.c.kind, reports.c.body).where(reports.c.seq > bindparam("after"))


async def numbers_of(connection: AsyncConnection) -> Numbers:
    """The journal's numbers, locked until the end of the transaction."""
    row = (await connection.execute(COUNTERS)).one()
    return Numbers(row.journal, row.last_seq)


@asynccontextmanager
async def numbering(connection: AsyncConnection) -> AsyncIterator[Numbers]:
    """The same, and written back at the end of the block if any was handed out."""
    numbers = await numbers_of(connection)
    first = numbers.last
    yield numbers
    if numbers.last != first:
        await connection.execute(update(counters).values(last_seq=numbers.last))


async def keep_reports(connection: AsyncConnection, told: Sequence[OtherReport], now: datetime) -> None:
    """Keep numbered reports until they are receipted and old."""
    rows = [
        {
            "seq": report.mark.seq,
            "kind": type(report).__name__,
            "at": now,
            "body": KINDS[type(report).__name__].dump_json(report).decode(),
        }
        for report in told
    ]
    if rows:
        await connection.execute(insert(reports), rows)


async def unreceipted(connection: AsyncConnection, limit: int) -> list[Report]:
    """The oldest reports of any kind that no receipt covers, in the order of their marks."""
    after = (await connection.execute(select(counters.c.receipted_seq))).scalar_one()
    outcomes = await connection.execute(_OUTCOMES.order_by(requests.c.seq).limit(limit), {"after": after})
    others = await connection.execute(_OTHERS.order_by(reports.c.seq).limit(limit), {"after": after})
    told: list[tuple[int, Report]] = [(row.seq, OUTCOME.validate_json(row.outcome)) for row in outcomes]
    also = [(row.seq, KINDS[row.kind].validate_json(row.body)) for row in others]
    return [report for _, report in heapq.merge(told, also, key=lambda pair: pair[0])][:limit]


async def prune_reports(connection: AsyncConnection, before: datetime) -> int:
    """Drop receipted reports from before an instant; returns how many."""
    receipted = select(counters.c.receipted_seq).scalar_subquery()
    return (await connection.execute(delete(reports).where(reports.c.at < before, reports.c.seq <= receipted))).rowcount


async def move_receipt(connection: AsyncConnection, mark: Mark) -> None:
    """Repeat nothing up to this mark; one of another journal, or beyond what was told, is ignored."""
    moved = update(counters).where(
        counters.c.journal == mark.journal, counters.c.receipted_seq < mark.seq, counters.c.last_seq >= mark.seq
    )
    await connection.execute(moved.values(receipted_seq=mark.seq))
