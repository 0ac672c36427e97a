"""Meters by dense numbers: an ESI ID of up to 22 digits would be the greater part of every row's key."""

import json
from collections.abc import Sequence
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
    "postgresql": "select esi_id, id from usage_meters where esi_id = any($1::varchar[])",
}
ADD = {
    "sqlite": "insert into usage_meters (id, esi_id) values (?, ?)",
    "postgresql": "insert into usage_meters (id, esi_id) values ($1, $2)",
}

EsiIds = NDArray[np.bytes_]


class MeterIds:
    """Numbers of meters that are known to stand in the table, sorted by ESI ID; never changed, only replaced."""

    def __init__(self, esi_ids: EsiIds | None = None, ids: Numbers | None = None) -> None:
        self._esi_ids = np.array([], dtype=f"S{ESI_ID_WIDTH}") if esi_ids is None else esi_ids
        self._ids = np.array([], dtype=np.int64) if ids is None else ids

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, esi_ids: EsiIds) -> Numbers:
        """The meters' numbers, 0 for one that is not known here."""
        if not len(self):
            return np.zeros(len(esi_ids), dtype=np.int64)
        at = np.minimum(np.searchsorted(self._esi_ids, esi_ids), len(self) - 1)
        return np.where(self._esi_ids[at] == esi_ids, self._ids[at], 0)

    def joined(self, pairs: Sequence[tuple[str, int]]) -> "MeterIds":
        """With more meters, none of which is known here."""
        if not pairs:
            return self
        esi_ids = np.array([str.encode(esi_id) for esi_id, _ in pairs], dtype=f"S{ESI_ID_WIDTH}")
        ids = np.array([number for _, number in pairs], dtype=np.int64)
        order = np.argsort(esi_ids)
        esi_ids, ids = esi_ids[order], ids[order]
        at = np.searchsorted(self._esi_ids, esi_ids)
        return MeterIds(np.insert(self._esi_ids, at, esi_ids), np.insert(self._ids, at, ids))

    async def resolve(self, connection: AsyncConnection, esi_ids: EsiIds) -> tuple[Numbers, "MeterIds"]:
        """The meters' numbers, and what is known afterwards. Adds meters that the table lacks, in this transaction."""
        known, found = self, self.find(esi_ids)
        unknown = np.unique(esi_ids[found == 0])
        if len(unknown) > FEW:
            known = await known._refreshed(connection)
            unknown = unknown[known.find(unknown) == 0]
        if len(unknown):
            known = known.joined(await _added(connection, [each.decode() for each in unknown.tolist()]))
        return (found if known is self else known.find(esi_ids)), known

    async def _refreshed(self, connection: AsyncConnection) -> "MeterIds":
        """With the whole table, as far as its numbers are new."""
        known, last = self, int(self._ids.max()) if len(self) else 0
        while True:
            statement = select(usage_meters.c.esi_id, usage_meters.c.id).where(usage_meters.c.id > last)
            rows = (await connection.execute(statement.order_by(usage_meters.c.id).limit(READ_AT_ONCE))).all()
            if not rows:
                return known
            known, last = known.joined([(esi_id, number) for esi_id, number in rows]), rows[-1].id


async def look_up(connection: AsyncConnection, esi_ids: Sequence[str]) -> dict[str, int]:
    """The numbers of those meters that the table has, by ESI ID."""
    found: dict[str, int] = {}
    for start in range(0, len(esi_ids), READ_AT_ONCE):
        some = [str.__str__(each) for each in esi_ids[start : start + READ_AT_ONCE]]
        asked: Any = json.dumps(some) if connection.dialect.name == "sqlite" else some
        rows: Any = await connection.exec_driver_sql(LOOK_UP[connection.dialect.name], (asked,))
        found.update(dict(rows.all()))
    return found


async def _added(connection: AsyncConnection, esi_ids: Sequence[str]) -> list[tuple[str, int]]:
    """The numbers of meters that are not known here; those that the table lacks get the next ones."""
    found = await look_up(connection, esi_ids)
    if len(found) < len(esi_ids):
        if connection.dialect.name == "postgresql":  # SQLite has one writer, and this is it
            await connection.execute(select(func.pg_advisory_xact_lock(LOCK, NEW_METERS)))
            found = await look_up(connection, esi_ids)
        last = await connection.scalar(select(func.max(usage_meters.c.id))) or 0
        absent = [each for each in esi_ids if each not in found]
        added = dict(zip(absent, range(last + 1, last + 1 + len(absent)), strict=True))
        if added:
            rows = [(number, esi_id) for esi_id, number in added.items()]
            await connection.exec_driver_sql(ADD[connection.dialect.name], rows)
        found |= added
    return list(found.items())
