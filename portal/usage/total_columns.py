"""Daily totals of many meters as columns, beside the blocks: what one load brings of one day and channel, in pieces.

A total takes two bytes here and is read without the block's page, so that a month of a retailer's meters is added up in
a moment. A piece is little-endian: how many bytes a step between meters has, and a total; whether anything is missing;
how many meters there are; the least total; then the steps, the totals above the least, and how much is missing.
"""

import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.usage.block_reader import newest_of
from portal.usage.row_keys import LAST_DAY, Numbers
from portal.usage.tables import day_totals

HEADER = struct.Struct("<BBBxIq")
WIDTHS = {0: "u1", 1: "u1", 2: "<u2", 4: "<u4", 8: "<u8"}
DAYS_AT_ONCE = 8
INSERT = {
    "sqlite": str(day_totals.insert().compile(dialect=sqlite.dialect())),
    "postgresql": "insert into day_totals values ($1, $2, $3, $4, $5, $6)",
}
_COLUMNS = day_totals.c
_PIECES = (
    select(_COLUMNS.day, _COLUMNS.channel, _COLUMNS.first, _COLUMNS.data)
    .where(
        _COLUMNS.day.between(bindparam("from_day"), bindparam("to_day")),
        _COLUMNS.first <= bindparam("most"),
        _COLUMNS.last >= bindparam("least"),
    )
    .order_by(_COLUMNS.day, _COLUMNS.channel, _COLUMNS.version, _COLUMNS.first)
)
_LAST_DAY = select(func.max(_COLUMNS.day)).where(_COLUMNS.day <= bindparam("most"))
NEWEST = ("meter", "day", "channel", "total_wh", "missing")


def packed(meters: Numbers, totals: Numbers, missing: Numbers) -> bytes:
    """A piece: meters that rise, Wh and missing quarter hours of each, all of one length of one at least."""
    steps, above = np.diff(meters) - 1, totals - totals.min()
    step = _width(int(steps.max(initial=0)))
    wide = _width(int(above.max())) or 1
    gaps = missing.astype("u1").tobytes() if missing.any() else b""
    head = HEADER.pack(step, wide, bool(gaps), len(meters), int(totals.min()))
    columns = (steps.astype(WIDTHS[step]) if step else steps[:0], above.astype(WIDTHS[wide]))
    return b"".join([head, *(column.tobytes() for column in columns), gaps])


def _width(most: int) -> int:
    """In how many bytes a number goes; none for 0."""
    return 0 if most == 0 else next(width for width in (1, 2, 4, 8) if most < 1 << 8 * width)


def unpacked(first: int, data: bytes) -> tuple[Numbers, Numbers, Numbers]:
    """Meters, Wh and missing quarter hours of a piece that begins with a meter."""
    step, wide, gaps, count, least = HEADER.unpack_from(data)
    meters = np.arange(first, first + count, dtype=np.int64)
    at = HEADER.size
    if step:
        steps = np.frombuffer(data, WIDTHS[step], count - 1, at)
        meters[1:] += np.cumsum(steps, dtype=np.int64)
        at += steps.nbytes
    totals = np.frombuffer(data, WIDTHS[wide], count, at).astype(np.int64) + least
    missing = np.frombuffer(data, "u1", count, at + count * wide) if gaps else np.zeros(count, "u1")
    return meters, totals, missing.astype(np.int64)


def pieces(
    version: int, days: Numbers, channels: Numbers, meters: Numbers, totals: Numbers, missing: Numbers
) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    """Rows of the table for meter-days of one version that stand by day, meter and channel."""
    kinds = days * 2 + channels
    for kind in np.unique(kinds).tolist():
        of = np.flatnonzero(kinds == kind)
        some = meters[of]
        yield kind // 2, kind % 2, version, int(some[0]), int(some[-1]), packed(some, totals[of], missing[of])


async def keep(connection: AsyncConnection, rows: Iterator[tuple[int, int, int, int, int, bytes]]) -> None:
    """Add rows to the table, in the transaction that adds their blocks."""
    await connection.exec_driver_sql(INSERT[connection.dialect.name], list(rows))


async def totals_of(
    connection: AsyncConnection, meters: Numbers, first: int, last: int
) -> AsyncIterator[tuple[Numbers, Numbers, Numbers, Numbers, Numbers]]:
    """Current totals of some meters (numbers that rise) from one day to another, a day and channel at a time.

    Each has the columns meter, day, channel, Wh and missing quarter hours.
    """
    if not len(meters):
        return
    least, most = int(meters[0]), int(meters[-1])
    current = _Current(least, most)
    for start in range(first, last + 1, DAYS_AT_ONCE):
        asked = {"from_day": start, "to_day": min(start + DAYS_AT_ONCE - 1, last), "least": least, "most": most}
        at: tuple[int, int] | None = None
        for day, channel, begins, data in await connection.execute(_PIECES, asked):
            if at is not None and at != (day, channel):
                yield current.taken(meters, *at)
            at = day, channel
            current.put(*unpacked(begins, data))
        if at is not None:
            yield current.taken(meters, *at)


async def newest_totals(connection: AsyncConnection, meters: Numbers) -> list[tuple[Numbers, ...]]:
    """Current totals of the newest day that each of some meters (numbers that rise) has, in columns as totals_of has.

    Of most meters it is one of the newest days of all, which are read as columns; the others are sought by block.
    """
    found: list[tuple[Numbers, ...]] = []
    day = await connection.scalar(_LAST_DAY, {"most": LAST_DAY})
    for _ in range(DAYS_AT_ONCE):
        if day is None or not len(meters):
            break
        here = [columns async for columns in totals_of(connection, meters, day, day)]
        meters = meters[~np.isin(meters, np.concatenate([columns[0] for columns in here]))] if here else meters
        found += here
        day = await connection.scalar(_LAST_DAY, {"most": day - 1})
    rows = np.array(await newest_of(connection, meters, NEWEST), dtype=np.int64).reshape(-1, len(NEWEST))
    again = (np.diff(rows[:, 0]) == 0) & (np.diff(rows[:, 2]) == 0)  # versions stand one after the other
    return [*found, tuple(rows[~np.append(again, False)[: len(rows)]].T)]


class _Current:
    """One day and channel of the meters between two numbers, as far as it was put here; later versions come later."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self._totals = np.zeros(most - least + 1, dtype=np.int64)
        self._missing: NDArray[Any] = np.full(most - least + 1, -1, dtype=np.int64)

    def put(self, meters: Numbers, totals: Numbers, missing: Numbers) -> None:
        if meters[0] < self._least or meters[-1] > self._most:
            inside = (meters >= self._least) & (meters <= self._most)
            meters, totals, missing = meters[inside], totals[inside], missing[inside]
        self._totals[meters - self._least] = totals
        self._missing[meters - self._least] = missing

    def taken(self, meters: Numbers, day: int, channel: int) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
        """What is there of some meters; nothing is left."""
        places = meters - self._least
        there = self._missing[places] >= 0
        found, places = meters[there], places[there]
        totals, missing = self._totals[places], self._missing[places]
        self._missing[:] = -1
        return found, np.full(len(found), day), np.full(len(found), channel), totals, missing
