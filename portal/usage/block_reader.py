"""Reads blocks from both tables as of one state of the database.

A month's rows are all in one table; which one is read in the same state as the rows. Of open months the days are listed
and of sealed ones the months, so that a meter's rows are found by seeks of the key and never by a scan.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Table, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId
from gateway.questions import Question
from portal.usage.row_keys import LAST_DAY, Numbers, days_of, month_of
from portal.usage.tables import open_blocks, sealed_blocks, sealed_months, usage_meters

READ = ("meter", "day", "channel", "version", "revised_s", "total_wh", "missing", "data")
BY_DAY = itemgetter(1, 2, 3)
"""Sorts a meter's rows by day, channel and version."""
METER_DAY = itemgetter(1, 2)
"""What the versions of one meter-day have in common."""
RANGE = 10_000
SEEKS_AT_ONCE = 500
MANY = 50
DENSE = 8
"""Meters stand close if their numbers span less than this many for each; then a range is read rather than each."""


_AMONG = {
    ("sqlite", False): """from json_each(?) d cross join json_each(?) k cross join open_blocks b
          on b.day = d.value and b.meter = k.value""",
    ("sqlite", True): """from json_each(?) m cross join json_each(?) k cross join sealed_blocks b
          on b.month = m.value and b.meter = k.value and b.day between ? and ?""",
    ("postgresql", False): "from open_blocks b where b.day = any($1::int[]) and b.meter = any($2::int[])",
    ("postgresql", True): """from sealed_blocks b
          where b.month = any($1::int[]) and b.meter = any($2::int[]) and b.day between $3 and $4""",
}
BLOCKS = {key: " ".join(("select", ", ".join(f"b.{name}" for name in READ), rows)) for key, rows in _AMONG.items()}
"""Rows (see READ) of some meters on some days, or in some months from a day to another, by dialect and whether the
months are sealed. On SQLite the lists are outer loops, so that each row is found by a seek of the key."""


NEWEST = {
    ("sqlite", "range"): """from open_blocks b where b.day = ? and b.meter between ? and ?
          order by b.meter, b.channel, b.version""",
    ("sqlite", "day"): """from json_each(?) k cross join open_blocks b on b.day = ? and b.meter = k.value
          order by k.value, b.channel, b.version""",
    (
        "sqlite",
        "month",
    ): """from json_each(?) k cross join sealed_blocks b on b.month = ? and b.meter = k.value and b.day =
          (select max(o.day) from sealed_blocks o where o.month = b.month and o.meter = k.value)
          order by k.value, b.channel, b.version""",
    ("postgresql", "range"): """from open_blocks b where b.day = $1 and b.meter between $2 and $3
          order by b.meter, b.channel, b.version""",
    ("postgresql", "day"): """from open_blocks b where b.meter = any($1::int[]) and b.day = $2
          order by b.meter, b.channel, b.version""",
    (
        "postgresql",
        "month",
    ): """from unnest($1::int[]) k (meter) join sealed_blocks b on b.month = $2 and b.meter = k.meter
          and b.day = (select max(o.day) from sealed_blocks o where o.month = $2 and o.meter = k.meter)
          order by b.meter, b.channel, b.version""",
}
"""Rows of the newest day, by dialect and what is asked: a range of meters on an open day, some meters on one, or some
meters on the newest day that each has in a sealed month. Rows stand by meter, channel and version."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the days from first to last are, by number: in these sealed months, and on these days of open ones."""

    first: int
    last: int
    sealed: Sequence[int]
    open_days: Sequence[int]

    @property
    def days(self) -> int:
        """How many days these are at most."""
        return 31 * len(self.sealed) + len(self.open_days)


@asynccontextmanager
async def one_state(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement reads the same state, though a seal ends between two of them."""
    async with database.reading() as connection:
        if database.dialect == "postgresql":
            await connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


_SEALED = (
    select(sealed_months.c.month)
    .where(sealed_months.c.month.between(bindparam("least"), bindparam("most")))
    .order_by(sealed_months.c.month)
)
_OPEN = select(
    select(func.min(open_blocks.c.day)).scalar_subquery(), select(func.max(open_blocks.c.day)).scalar_subquery()
)


async def extent(connection: AsyncConnection, first: int = 0, last: int = LAST_DAY) -> Extent:
    """Where the days from first to last are; days before and after all that stands open are left out."""
    sealed: list[int] = []
    if first <= last:
        between = {"least": month_of(first), "most": month_of(last)}
        sealed = list(await connection.scalars(_SEALED, between))
    least, most = (await connection.execute(_OPEN)).one()
    days: list[int] = []
    if least is not None and most is not None:
        closed = {day for month in sealed for day in days_of(month)}
        days = [day for day in range(max(first, least), min(last, most) + 1) if day not in closed]
    return Extent(first, last, sealed, days)


async def blocks_of(connection: AsyncConnection, meters: Sequence[int], where: Extent) -> dict[int, list[Any]]:
    """The rows (see READ) of some meters by day, channel and version, by meter; one without any is not there."""
    rows: list[Any] = []
    if where.sealed:
        rows += await _blocks(connection, True, where.sealed, meters, where.first, where.last)
    if where.open_days:
        rows += await _blocks(connection, False, where.open_days, meters)
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    for of_meter in found.values():
        of_meter.sort(key=BY_DAY)
    return found


async def _blocks(connection: AsyncConnection, sealed: bool, *asked: Any) -> Sequence[Any]:
    dialect = connection.dialect.name
    if dialect == "sqlite":
        asked = (json.dumps(asked[0]), json.dumps(asked[1]), *asked[2:])
    found: Any = await connection.exec_driver_sql(BLOCKS[dialect, sealed], asked)
    rows: Sequence[Any] = found.all()
    return rows


def latest(rows: Sequence[Any]) -> list[Any]:
    """The current ones of rows that are sorted by day, channel and version."""
    return list(dict(zip(map(METER_DAY, rows), rows, strict=True)).values())


@dataclass(frozen=True, slots=True)
class Reach:
    """Some meters as a condition: their range, out of which the wanted ones are picked, or each by itself."""

    meters: Sequence[int]
    ranged: bool
    wanted: frozenset[int] | None

    def within(self, meter: ColumnElement[int]) -> ColumnElement[bool]:
        """The condition on a column of meters."""
        return meter.between(self.meters[0], self.meters[-1]) if self.ranged else meter.in_(self.meters)


def reaches(meters: Sequence[int]) -> Iterator[Reach]:
    """Sorted meters in pieces of bounded size."""
    for start in range(0, len(meters), RANGE):
        some = meters[start : start + RANGE]
        span = some[-1] - some[0] + 1
        if len(some) > MANY and span <= DENSE * len(some):
            yield Reach(some, True, None if span == len(some) else frozenset(some))
        else:
            for at in range(0, len(some), SEEKS_AT_ONCE):
                yield Reach(some[at : at + SEEKS_AT_ONCE], False, None)


_NEWEST_OPEN = Question(
    select(
        *(open_blocks.c[name] for name in READ),
        select(func.max(sealed_months.c.month)).scalar_subquery().label("sealed"),
    )
    .join(usage_meters, usage_meters.c.id == open_blocks.c.meter)
    .where(
        usage_meters.c.esi_id == bindparam("esi_id"),
        open_blocks.c.day == select(func.max(open_blocks.alias("other").c.day)).scalar_subquery(),
    )
    .order_by(open_blocks.c.channel, open_blocks.c.version)
)


async def newest_open(database: Database, esi_id: EsiId) -> Sequence[Any]:
    """The rows (see READ) of a meter on the newest day that stands open; none too where a sealed month is newer."""
    rows = await database.ask(_NEWEST_OPEN, esi_id=esi_id)
    return rows if rows and (rows[0].sealed is None or rows[0].sealed <= month_of(rows[0].day)) else ()


async def newest_of(connection: AsyncConnection, meters: Numbers, columns: Sequence[str] = READ) -> list[Any]:
    """Columns, the meter before all, of each meter's newest day, every version; of each day by meter, channel, version.

    Goes back day by day while months are open, and a month at a time where they are sealed; most meters are found on
    the first day, and the further back, the fewer are looked for. meters are numbers that rise.
    """
    found: list[Any] = []
    left = meters
    chosen = "select " + ", ".join(f"b.{name}" for name in columns)
    async for table, place in _backwards(connection):
        if not len(left):
            break
        here: list[Any] = []
        for reach in reaches(left.tolist()):
            rows = await _newest_rows(connection, chosen, table, place, reach)
            here += rows if reach.wanted is None else [row for row in rows if row[0] in reach.wanted]
        left = left[~np.isin(left, np.fromiter(map(itemgetter(0), here), np.int64, len(here)))]
        found += here
    return found


async def _newest_rows(
    connection: AsyncConnection, chosen: str, table: Table, place: int, reach: Reach
) -> Sequence[Any]:
    """Rows of a day, or of the newest day that each meter has in a sealed month."""
    dialect = connection.dialect.name
    asked: tuple[Any, ...]
    if table is open_blocks and reach.ranged:
        way, asked = "range", (place, reach.meters[0], reach.meters[-1])
    else:
        way = "day" if table is open_blocks else "month"
        asked = (json.dumps(reach.meters) if dialect == "sqlite" else reach.meters, place)
    result: Any = await connection.exec_driver_sql(" ".join((chosen, NEWEST[dialect, way])), asked)
    rows: Sequence[Any] = result.cursor.fetchall()  # the driver's own tuples: rows of names cost as much again
    result.close()
    return rows


async def _backwards(connection: AsyncConnection) -> AsyncIterator[tuple[Table, int]]:
    """The tables with their days or months that may hold anything, the newest first."""
    sealed = list(await connection.scalars(select(sealed_months.c.month).order_by(sealed_months.c.month.desc())))
    day = await connection.scalar(select(func.max(open_blocks.c.day)))
    while day is not None or sealed:
        if day is None or (sealed and sealed[0] > month_of(day)):
            yield sealed_blocks, sealed.pop(0)
            continue
        yield open_blocks, day
        day = await connection.scalar(select(func.max(open_blocks.c.day)).where(open_blocks.c.day < day))
