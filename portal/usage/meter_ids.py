"""Meters by dense numbers: an ESI ID of up to 22 digits would be the greater part of every row's key."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.usage.esi_ids import EsiIds, esi_ids_of, places_in
from portal.usage.row_keys import Numbers
from portal.usage.tables import usage_meters

LOCK = 7_204_119
"""PostgreSQL's advisory locks of the interval store: one for each month by its number, and one for new meters."""
NEW_METERS = -1
FEW = 500
ASKED_AT_ONCE, READ_AT_ONCE = 20_000, 200_000

LOOK_UP = {
    "sqlite": "select m.esi_id, m.id from json_each(?) k cross join usage_meters m on m.esi_id = k.value",
    "postgresql": """
        select m.esi_id, m.id from unnest($1::varchar[]) k (esi_id) join usage_meters m on m.esi_id = k.esi_id""",
}
AFTER = {
    "sqlite": "select group_concat(esi_id), group_concat(id) from usage_meters where id > ? and id <= ?",
    "postgresql": """
        select string_agg(esi_id, ','), string_agg(id::text, ',') from usage_meters where id > $1 and id <= $2""",
}
ADD = "insert into usage_meters (id, esi_id) values (?, ?)"


class MeterIds:
    """Numbers of meters that are known to stand in the table, sorted by ESI ID; never changed, only replaced.

    through is the number up to which all meters of the table are known here; some later ones may be.
    """

    def __init__(self, esi_ids: EsiIds | None = None, ids: Numbers | None = None, through: int = 0) -> None:
        self._esi_ids = esi_ids_of(()) if esi_ids is None else esi_ids
        self._ids = np.array([], dtype=np.int64) if ids is None else ids
        self._through = through

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, esi_ids: EsiIds) -> Numbers:
        """The meters' numbers, 0 for one that is not known here."""
        at = places_in(self._esi_ids, esi_ids)
        return np.where(at < 0, 0, self._ids[at]) if len(self) else np.zeros(len(at), dtype=np.int64)

    def joined(self, esi_ids: EsiIds, ids: Numbers, through: int = 0) -> "MeterIds":
        """With more meters; those that are known here already stay as they are."""
        new = self.find(esi_ids) == 0
        esi_ids, ids = esi_ids[new], ids[new]
        order = np.argsort(esi_ids, kind="stable")
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
        last = await connection.scalar(select(func.max(usage_meters.c.id))) or 0
        esi_ids, ids = [esi_ids_of(())], [np.array([], dtype=np.int64)]
        for after in range(self._through, last, READ_AT_ONCE):
            # As one text: a row for each meter would cost more than the rest of a load.
            asked = (after, min(after + READ_AT_ONCE, last))
            texts: Any = (await connection.exec_driver_sql(AFTER[connection.dialect.name], asked)).one()
            if texts[0]:
                esi_ids.append(esi_ids_of(texts[0].split(",")))
                ids.append(np.fromstring(texts[1], dtype=np.int64, sep=","))
        return self.joined(np.concatenate(esi_ids), np.concatenate(ids), last)


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
    for start in range(0, len(esi_ids), ASKED_AT_ONCE):
        some = [str.__str__(each) for each in esi_ids[start : start + ASKED_AT_ONCE]]
        asked: Any = json.dumps(some) if connection.dialect.name == "sqlite" else some
        rows: Any = await connection.exec_driver_sql(LOOK_UP[connection.dialect.name], (asked,))
        found.update(dict(rows.all()))
    return found
