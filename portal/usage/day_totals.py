"""Daily totals of many meters by columns: the database joins each column into one text, and numpy takes it apart.

A row in Python for each of millions of meter-days would cost some ten times as much as reading it.
"""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.usage.block_reader import Extent, Reach, reaches
from portal.usage.row_keys import Numbers, days_of

METER_BITS, MISSING_BITS = 31, 7
_JOIN = {"sqlite": "group_concat({})", "postgresql": "string_agg(({})::text, ',')"}
_KEY = f"(({{day}}) * {1 << METER_BITS} + b.meter) * {1 << MISSING_BITS + 1} + b.missing * 2 + b.channel"
"""Day, meter, missing quarter hours and channel in one number of 54 bits."""
_DAY = {"sqlite": "b.day", "postgresql": "b.day::bigint"}


async def totals_of(
    connection: AsyncConnection, meters: Numbers, where: Extent
) -> AsyncIterator[tuple[Numbers, Numbers, Numbers, Numbers, Numbers]]:
    """Current totals of some meters (numbers that rise), in pieces of bounded size.

    Each has the columns meter, day, channel, Wh and missing quarter hours, by day and meter; it may hold other meters
    between these.
    """
    for reach in reaches(meters.tolist()):
        for month in where.sealed:
            days = days_of(month)
            least, most = max(days[0], where.first), min(days[-1], where.last)
            yield await _piece(connection, f"sealed_blocks b where b.month = {month} and", reach, least, most)
        for day in where.open_days:
            yield await _piece(connection, "open_blocks b where", reach, day, day)


async def _piece(
    connection: AsyncConnection, rows: str, reach: Reach, first: int, last: int
) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """The totals of days in one table. All that stands in the statement are numbers of ours."""
    listed = ", ".join(map(str, reach.meters))
    among = f"between {reach.meters[0]} and {reach.meters[-1]}" if reach.ranged else f"in ({listed})"
    rows = f"from {rows} b.day between {first} and {last} and b.meter {among}"
    keys, totals = await _joined(connection, rows, ("total_wh",))
    named = keys & ~(((1 << MISSING_BITS) - 1) << 1)
    if (np.diff(named) <= 0).any():  # revisions, or an order that is not the key's
        keys, totals, versions = await _joined(connection, rows, ("total_wh", "version"))
        named = keys & ~(((1 << MISSING_BITS) - 1) << 1)
        order = np.lexsort((versions, named))
        keys, totals, named = keys[order], totals[order], named[order]
        current = np.append(named[1:] != named[:-1], np.ones(min(len(named), 1), dtype=np.bool_))
        keys, totals = keys[current], totals[current]
    above = keys >> MISSING_BITS + 1
    missing = keys >> 1 & (1 << MISSING_BITS) - 1
    return above & (1 << METER_BITS) - 1, above >> METER_BITS, keys & 1, totals, missing


async def _joined(connection: AsyncConnection, rows: str, columns: tuple[str, ...]) -> list[Numbers]:
    """The keys of rows, and some columns."""
    dialect = connection.dialect.name
    wanted = [_KEY.format(day=_DAY[dialect]), *(f"b.{column}" for column in columns)]
    joined = ", ".join(_JOIN[dialect].format(each) for each in wanted)
    found: Any = await connection.exec_driver_sql(" ".join(("select", joined, rows)))
    return [np.fromstring(text or "", dtype=np.int64, sep=",") for text in found.one()]
