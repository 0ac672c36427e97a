"""A day of many meters without its values: totals, gaps, and the first seven bytes of each block.

These bytes say how many values there are, the least of them, and how far the greatest can be above it; so a run over
millions of meters unpacks a block only where something may be wrong.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS
from portal.usage.block_reader import Reach, extent, reaches
from portal.usage.day_block import ESTIMATED, HEADER
from portal.usage.intervals import Channel
from portal.usage.row_keys import span
from portal.usage.tables import open_blocks, sealed_blocks


class Head(NamedTuple):
    """The current version of a day and channel; most_wh is a bound of its values, which none of them exceeds."""

    version: int
    total_wh: int
    missing: int
    quarters: int
    least_wh: int
    most_wh: int
    estimated: bool


Heads = Mapping[tuple[EsiId, Channel], Head]


async def heads_of(connection: AsyncConnection, numbers: Mapping[EsiId, int], day: date) -> Heads:
    """The heads of a day by meter and channel; numbers are those of usage_meters."""
    names = {number: esi_id for esi_id, number in numbers.items()}
    first, last = span(day, day)
    where = await extent(connection, first, last)
    found: dict[tuple[EsiId, Channel], Head] = {}
    for reach in reaches(sorted(names)):
        statements: list[Select[Any]] = []
        if where.sealed:
            month = sealed_blocks.c.month.in_(where.sealed)
            statements.append(_heads(sealed_blocks, reach, first).where(month))
        if where.open_days:
            statements.append(_heads(open_blocks, reach, first))
        for statement in statements:
            # Rows of one key stand by version, so that the last is the current one.
            for meter, channel, version, total_wh, missing, start in await connection.execute(statement):
                if meter in names:
                    found[names[meter], CHANNELS[channel]] = _head(version, total_wh, missing, start)
    return found


def _heads(table: Table, reach: Reach, day: int) -> Select[Any]:
    columns = table.c
    start = func.substr(columns.data, 1, HEADER.size, type_=LargeBinary)
    wanted = select(columns.meter, columns.channel, columns.version, columns.total_wh, columns.missing, start)
    key = (columns.meter, columns.channel, columns.version)
    return wanted.where(columns.day == day, reach.within(columns.meter)).order_by(*key)


def _head(version: int, total_wh: int, missing: int, start: bytes) -> Head:
    form, count, width, least = HEADER.unpack(start)
    most = least + (1 << width) - 1
    return Head(version, total_wh, missing, count, least, most, bool(form & ESTIMATED))


def totals(many: Sequence[Heads], key: tuple[EsiId, Channel]) -> list[int]:
    """The totals of one meter and channel on several days, of those days that are whole."""
    found = (each.get(key) for each in many)
    return [head.total_wh for head in found if head is not None and head.missing == 0]
