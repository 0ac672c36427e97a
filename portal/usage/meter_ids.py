"""Meters by dense numbers: an ESI ID of up to 22 digits would be the greater part of every row's key."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.usage.batch import ESI_ID_WIDTH
from portal.usage.row_keys import Numbers
from portal.usage.tables import usage_meters

LOCK = 7_204_119
"""PostgreSQL's advisory locks of the interval store: one for each month by its number, and one for new meters."""
NEW_METERS = -1
FEW = 500
READ_AT_ONCE = 20_000

LOOK_UP = {
    "sqlite": "select m.esi_id, m.id from json_each(?) k cross join usage_meters m on m.esi_id = k.value",
    "postgresql": """
        select m.esi_id, m.id from unnest($1::varchar[]) k (esi_id) join usage_meters m on m.esi_id = k.esi_id""",
}
AFTER = {
    "sqlite": "select esi_id, id from usage_meters where id > ? order by id limit ?",
    "postgresql": "select esi_id, id from usage_meters where id > $1 order by id limit $2",
}
ADD = "insert into usage_meters (id, esi_id) values (?, ?)"

EsiIds = NDArray[np.bytes_]


def esi_ids_of(texts: Iterable[str]) -> EsiIds:
    """ESI IDs as a column; by one text, for numpy would convert each by itself."""
    joined = "".join([text.ljust(ESI_ID_WIDTH, "\0") for text in texts])
    return np.frombuffer(joined.encode(), dtype=f"S{ESI_ID_WIDTH}")


class MeterIds:
    """Numbers of meters that are known to stand in the table, sorted by ESI ID; never changed, only replaced.

    through is the number up to which all meters of the table are known here; some later ones may be.
    """

    def __init__(self, esi_ids: EsiIds | None = None, ids: Numbers | None = None, through: int = 0) -> None:
        self._esi_ids = np.array([], dtype=f"S{ESI_ID_WIDTH}") if esi_ids is None else esi_ids
        self._ids = np.array([], dtype=np.int64) if ids is None else ids
        self._through = through

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, esi_ids: EsiIds) -> Numbers:
        """The meters' numbers, 0 for one that is not known here."""
        if not len(self):
            return np.zeros(len(esi_ids), dtype=np.int64)
        at = np.minimum(np.searchsorted(self._esi_ids, esi_ids), len(self) - 1)
        return np.where(self._esi_ids[at] == esi_ids, self._ids[at], 0)

    def joined(self, esi_ids: EsiIds, ids: Numbers, through: int = 0) -> "MeterIds":
        """With more meters; those that are known here already stay as they are."""
        new = self.find(esi_ids) == 0
        esi_ids, ids = esi_ids[new], ids[new]
        order = np.argsort(esi_ids)
        esi_ids, ids = esi_ids[order], ids[order]
        at = np.searchsorted(self._esi_ids, esi_ids)
        through = max(through, self._through)
        return MeterIds(np.insert(self._esi_ids, at, esi_ids), np.insert(self._ids, at, ids), through)

    async def resolve(self, connection: AsyncConnection, esi_ids: EsiIds) -> tuple[Numbers, "MeterIds"]:
        """The meters' numbers, and what is known afterwards. Adds meters that the table lacks, in this transaction."""
        known, found = self, self.find(esi_ids)
        if (found == 0).any():
            unknown = np.unique(esi_ids[found == 0])
            known = await known._looked_up(connection, unknown)
            unknown = unknown[known.find(unknown) == 0]
            if len(unknown):
                known = await known._with_new(connection, unknown)
            found = known.find(esi_ids)
        return found, known

    async def _looked_up(self, connection: AsyncConnection, esi_ids: EsiIds) -> "MeterIds":
        """With those of some different meters that the table has: a few by themselves, of many the whole table."""
        if len(esi_ids) > FEW:
            return await self._refreshed(connection)
        pairs = await look_up(connection, [each.decode() for each in esi_ids.tolist()])
        return self.joined(*_columns(list(pairs.items())))

    async def _with_new(self, connection: AsyncConnection, unknown: EsiIds) -> "MeterIds":
        """With some different meters, which are added to the table as far as it lacks them."""
        known = self
        if connection.dialect.name == "postgresql":  # SQLite has one writer, and this is it
            await connection.execute(select(func.pg_advisory_xact_lock(LOCK, NEW_METERS)))
            known = await known._looked_up(connection, unknown)
            unknown = unknown[known.find(unknown) == 0]
        last = await connection.scalar(select(func.max(usage_meters.c.id))) or 0
        ids = np.arange(last + 1, last + 1 + len(unknown), dtype=np.int64)
        if len(unknown):
            await _add(connection, list(zip(ids.tolist(), map(bytes.decode, unknown.tolist()), strict=True)))
        return known.joined(unknown, ids, last + len(unknown) if known._through == last else 0)

    async def read(self, connection: AsyncConnection, esi_ids: Sequence[str]) -> tuple[Numbers, "MeterIds"]:
        """The numbers of some meters, 0 for one that the table lacks, and what is known afterwards."""
        known, asked = self, esi_ids_of(esi_ids)
        numbers = self.find(asked)
        if (numbers == 0).any():
            known = await self._looked_up(connection, np.unique(asked[numbers == 0]))
            numbers = known.find(asked)
        return numbers, known

    async def _refreshed(self, connection: AsyncConnection) -> "MeterIds":
        """With the whole table, as far as it is not known."""
        known = self
        while True:
            rows: Any = await connection.exec_driver_sql(
                AFTER[connection.dialect.name], (known._through, READ_AT_ONCE)
            )  # as plain text: an identifier for each would cost more than the rest of a load
            pairs = rows.all()
            if not pairs:
                return known
            known = known.joined(*_columns(pairs), pairs[-1][1])


def _columns(pairs: Sequence[tuple[str, int]]) -> tuple[EsiIds, Numbers]:
    return esi_ids_of([esi_id for esi_id, _ in pairs]), np.array([number for _, number in pairs], dtype=np.int64)


async def _add(connection: AsyncConnection, rows: Sequence[tuple[int, str]]) -> None:
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(ADD, list(rows))
        return
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(usage_meters.name, records=rows, columns=["id", "esi_id"])


def different(ids: Numbers) -> Numbers:
    """The numbers of meters that there are, each once and rising; 0 is none."""
    ids = np.sort(ids[ids > 0])
    last = np.append(ids[1:] != ids[:-1], np.ones(min(len(ids), 1), dtype=np.bool_))
    found: Numbers = ids[last]
    return found


async def look_up(connection: AsyncConnection, esi_ids: Sequence[str]) -> dict[str, int]:
    """The numbers of those meters that the table has, by ESI ID."""
    found: dict[str, int] = {}
    for start in range(0, len(esi_ids), READ_AT_ONCE):
        some = [str.__str__(each) for each in esi_ids[start : start + READ_AT_ONCE]]
        asked: Any = json.dumps(some) if connection.dialect.name == "sqlite" else some
        rows: Any = await connection.exec_driver_sql(LOOK_UP[connection.dialect.name], (asked,))
        found.update(dict(rows.all()))
    return found
