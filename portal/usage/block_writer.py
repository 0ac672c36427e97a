"""Puts batches of meter-days into the tables, as one version: what is new or different from the current version.

The usual batch holds days of which nothing stands yet. One statement finds that out by ranges, and no row is looked up;
rows are tuples made from columns, so that a meter-day costs a few microseconds, its insertion included.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BadInput
from portal.usage import total_columns
from portal.usage.batch import Batch
from portal.usage.meter_ids import LOCK, MeterIds
from portal.usage.row_keys import Numbers, day_numbers, months_of, revisions
from portal.usage.tables import open_blocks, sealed_blocks, sealed_months
from portal.usage.versions import Counts

PIECE = 8192
"""Meter-days looked at at once, whatever a batch holds."""

_SEALED = select(sealed_months.c.month).where(sealed_months.c.month.in_(bindparam("months", expanding=True)))

STANDS = {
    ("sqlite", False): """
        select exists (select 1 from json_each(?) k where exists (select 1 from open_blocks b
          where b.day = json_extract(k.value, '$[0]')
          and b.meter between json_extract(k.value, '$[2]') and json_extract(k.value, '$[3]')))""",
    ("sqlite", True): """
        select exists (select 1 from json_each(?) k where exists (select 1 from sealed_blocks b
          where b.month = json_extract(k.value, '$[1]')
          and b.meter between json_extract(k.value, '$[2]') and json_extract(k.value, '$[3]')
          and b.day = json_extract(k.value, '$[0]')))""",
    ("postgresql", False): """
        select exists (select 1 from unnest($1::int[], $2::int[], $3::int[], $4::int[]) k (day, month, least, most)
          where exists (select 1 from open_blocks b where b.day = k.day and b.meter between k.least and k.most))""",
    ("postgresql", True): """
        select exists (select 1 from unnest($1::int[], $2::int[], $3::int[], $4::int[]) k (day, month, least, most)
          where exists (select 1 from sealed_blocks b
          where b.month = k.month and b.meter between k.least and k.most and b.day = k.day))""",
}
"""Whether anything stands in (day, month, least meter, most meter), by dialect and whether the months are sealed."""

CURRENT = {
    ("sqlite", False): """
        select b.day, b.meter, b.channel, b.version, b.revised_s, b.data from json_each(?) k cross join open_blocks b
          on b.day = json_extract(k.value, '$[0]') and b.meter = json_extract(k.value, '$[2]')
          order by b.version""",
    ("sqlite", True): """
        select b.day, b.meter, b.channel, b.version, b.revised_s, b.data from json_each(?) k cross join sealed_blocks b
          on b.month = json_extract(k.value, '$[1]') and b.meter = json_extract(k.value, '$[2]')
          and b.day = json_extract(k.value, '$[0]')
          order by b.version""",
    ("postgresql", False): """
        select b.day, b.meter, b.channel, b.version, b.revised_s, b.data
          from unnest($1::int[], $2::int[], $3::int[]) k (day, month, meter)
          join open_blocks b on b.day = k.day and b.meter = k.meter
          order by b.version""",
    ("postgresql", True): """
        select b.day, b.meter, b.channel, b.version, b.revised_s, b.data
          from unnest($1::int[], $2::int[], $3::int[]) k (day, month, meter)
          join sealed_blocks b on b.month = k.month and b.meter = k.meter and b.day = k.day
          order by b.version""",
}
"""What stands of (day, month, meter), later versions later."""

TABLES = {False: open_blocks, True: sealed_blocks}
COLUMNS = {sealed: [column.name for column in table.columns] for sealed, table in TABLES.items()}
ROWS = 256
"""Rows of one INSERT on SQLite: of fewer each takes longer, and the interpreter's lock more often."""


def _insert(sealed: bool, rows: int) -> str:
    """The INSERT of so many rows, in one list of parameters."""
    values = f"({', '.join('?' * len(COLUMNS[sealed]))})"
    return f"insert into {TABLES[sealed].name} ({', '.join(COLUMNS[sealed])}) values {', '.join([values] * rows)}"  # noqa: S608  # names of ours


INSERT = {(sealed, rows): _insert(sealed, rows) for sealed in TABLES for rows in (1, ROWS)}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Meter-days as they will stand, by day, meter and channel, in columns of one length."""

    days: Numbers
    channels: Numbers
    meters: Numbers
    revised_s: Numbers
    totals: Numbers
    missing: Numbers
    blocks: Sequence[bytes]
    months: Numbers

    def __len__(self) -> int:
        return len(self.blocks)

    def at(self, places: NDArray[Any]) -> "_Rows":
        """Some of them, by place."""
        return _Rows(
            days=self.days[places],
            channels=self.channels[places],
            meters=self.meters[places],
            revised_s=self.revised_s[places],
            totals=self.totals[places],
            missing=self.missing[places],
            blocks=[self.blocks[place] for place in places.tolist()],
            months=self.months[places],
        )

    def by_key(self) -> Iterator[tuple[int, int, int]]:
        """Day, meter and channel of each."""
        return zip(self.days.tolist(), self.meters.tolist(), self.channels.tolist(), strict=True)

    def records(self, version: int, sealed: bool) -> Iterator[tuple[Any, ...]]:
        """Each as the tables have it."""
        columns = [column.tolist() for column in (self.days, self.channels, self.meters)]
        rest = [column.tolist() for column in (self.revised_s, self.totals, self.missing)]
        months = [self.months.tolist()] if sealed else []
        return zip(*months, *columns, [version] * len(self), *rest, self.blocks, strict=True)


class BlockWriter:
    """What one transaction keeps as one version; counts are of its meter-days so far."""

    def __init__(self, connection: AsyncConnection, version: int, meters: MeterIds) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._version = version
        self._sealed: dict[int, bool] = {}
        self.meters = meters
        self.counts = Counts()

    async def keep(self, batch: Batch) -> None:
        """Keep a batch's meter-days. Raises BadInput for one that cannot be kept or came twice in this version."""
        for start in range(0, len(batch), PIECE):
            rows = await self._rows(batch, slice(start, start + PIECE))
            await self._learn(np.unique(rows.months).tolist())
            closed = [month for month, sealed in self._sealed.items() if sealed]
            sealed = np.isin(rows.months, closed) if closed else np.zeros(len(rows), dtype=bool)
            if sealed.any():
                await self._keep_in(rows.at(np.flatnonzero(sealed)), True)
                rows = rows.at(np.flatnonzero(~sealed))
            if len(rows):
                await self._keep_in(rows, False)

    async def _rows(self, batch: Batch, part: slice) -> _Rows:
        """A part of a batch in the tables' numbers and order."""
        days = day_numbers(batch.days[part])
        meters, self.meters = await self.meters.resolve(self._connection, batch.esi_ids[part])
        rows = _Rows(
            days=days,
            channels=batch.channels[part].astype(np.int64),
            meters=meters,
            revised_s=revisions(batch.revised[part], days),
            totals=batch.totals[part],
            missing=batch.missing[part].astype(np.int64),
            blocks=batch.blocks[part],
            months=months_of(days),
        )
        keys = (rows.days << 33) | (rows.meters << 1) | rows.channels
        if (keys[1:] <= keys[:-1]).any():
            order = np.argsort(keys, kind="stable")
            rows, keys = rows.at(order), keys[order]
            if (keys[1:] == keys[:-1]).any():
                raise BadInput("a day of one meter and channel comes twice")
        return rows

    async def _learn(self, months: list[int]) -> None:
        """Which of some months are sealed; they stay as they are until this transaction ends."""
        new = [month for month in months if month not in self._sealed]
        if not new:
            return
        if self._dialect == "postgresql":
            for month in new:
                await self._connection.execute(select(func.pg_advisory_xact_lock_shared(LOCK, month)))
        closed = set(await self._connection.scalars(_SEALED, {"months": new}))
        self._sealed.update((month, month in closed) for month in new)

    async def _keep_in(self, rows: _Rows, sealed: bool) -> None:
        new = len(rows)
        if await self._anything_stands(rows, sealed):
            current = await self._current(rows, sealed)
            kept = [current.get(key) for key in rows.by_key()]
            if any(each is not None and each[0] == self._version for each in kept):
                raise BadInput("a day of one meter and channel comes twice")
            told = zip(rows.revised_s.tolist(), rows.blocks, strict=True)
            changed = [
                place
                for place, (each, (revised_s, block)) in enumerate(zip(kept, told, strict=True))
                if each is None or each[1] != revised_s or each[2] != block
            ]
            new = kept.count(None)
            self.counts.revised += len(changed) - new
            self.counts.identical += len(rows) - len(changed)
            rows = rows.at(np.array(changed, dtype=np.int64))
        self.counts.new += new
        if len(rows):
            await self._insert(rows, sealed)

    async def _anything_stands(self, rows: _Rows, sealed: bool) -> bool:
        """Whether anything stands between the first and the last meter of any day; rows are sorted by day and meter."""
        firsts = np.flatnonzero(np.diff(rows.days, prepend=-1))
        lasts = np.append(firsts[1:], len(rows)) - 1
        columns = (rows.days[firsts], rows.months[firsts], rows.meters[firsts], rows.meters[lasts])
        return bool((await self._asked(STANDS[self._dialect, sealed], *columns)).scalar_one())

    async def _current(self, rows: _Rows, sealed: bool) -> dict[tuple[int, int, int], tuple[int, int, bytes]]:
        """Version, revision date and block of what stands, by day, meter and channel."""
        alone = np.append(True, (np.diff(rows.days) != 0) | (np.diff(rows.meters) != 0))
        columns = (rows.days[alone], rows.months[alone], rows.meters[alone])
        found = (await self._asked(CURRENT[self._dialect, sealed], *columns)).all()
        return {
            (day, meter, channel): (version, revised_s, data) for day, meter, channel, version, revised_s, data in found
        }

    async def _asked(self, statement: str, *columns: Numbers) -> Any:
        lists = [column.tolist() for column in columns]
        if self._dialect == "sqlite":
            return await self._connection.exec_driver_sql(statement, (json.dumps(list(zip(*lists, strict=True))),))
        return await self._connection.exec_driver_sql(statement, tuple(lists))

    async def _insert(self, rows: _Rows, sealed: bool) -> None:
        """Add rows; on PostgreSQL by COPY, which stands within the transaction since statements of it came before."""
        columns = (rows.days, rows.channels, rows.meters, rows.totals, rows.missing)
        await total_columns.keep(self._connection, total_columns.pieces(self._version, *columns))
        records = rows.records(self._version, sealed)
        if self._dialect == "sqlite":
            fields = chain.from_iterable(records)
            whole = [tuple(islice(fields, ROWS * len(COLUMNS[sealed]))) for _ in range(len(rows) // ROWS)]
            for count, some in ((ROWS, whole), (1, list(records))):
                if some:
                    await self._connection.exec_driver_sql(INSERT[sealed, count], some)
            return
        driver = (await self._connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.copy_records_to_table(TABLES[sealed].name, records=records, columns=COLUMNS[sealed])
