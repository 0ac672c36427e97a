"""Lists of meters that somebody chose and has not ordered for yet: kept a day, for him alone (IMP-06, IMP-07).

A list is what was asked for, not what may be seen: when it is ordered for, each of its meters is asked about again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dice import Dice
from gateway.identifiers import RequestId
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import meters_of_list
from portal.orders.tables import meter_lists
from portal.viewer import Viewer

KEPT = timedelta(days=1)
MOST_LISTS = 20
"""Lists of one account; the oldest gives way to a new one."""
MOST_FILE_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A list as it was kept: found counts the meters that were seen then, missing are the other values.

    file_name is None for meters that were ticked.
    """

    id: RequestId
    wanted: MeterList
    found: int
    missing: tuple[str, ...]
    file_name: str | None

    @property
    def count(self) -> int:
        """How many values it has."""
        return len(self.wanted.values)


async def keep(
    connection: AsyncConnection,
    viewer: Viewer,
    wanted: MeterList,
    file_name: str | None,
    dice: Dice,
    now: datetime,
) -> KeptList:
    """Keep a list in the caller's transaction, with what of it the viewer sees now."""
    seen = await meters_of_list(connection, viewer, wanted, now)
    there = {meter.esi_id if wanted.by is By.ESI_ID else meter.number for meter in seen}
    missing = tuple(value for value in wanted.values if value not in there)
    name = None if file_name is None else "".join(sign for sign in file_name if sign.isprintable())[:MOST_FILE_NAME]
    kept = KeptList(
        id=RequestId(dice.request_id(now)),
        wanted=wanted,
        found=len(wanted.values) - len(missing),
        missing=missing,
        file_name=name,
    )
    row = {
        "id": kept.id,
        "account_id": viewer.account_id,
        "kept_at": now,
        "file_name": name,
        "by": wanted.by,
        "values": "\n".join(wanted.values),
        "missing": "\n".join(missing),
        "count": kept.count,
        "found": kept.found,
    }
    await connection.execute(insert(meter_lists), row)
    mine = select(meter_lists.c.id).where(meter_lists.c.account_id == viewer.account_id)
    older = mine.order_by(meter_lists.c.kept_at.desc(), meter_lists.c.id.desc()).offset(MOST_LISTS)
    ids = (await connection.scalars(older)).all()
    await connection.execute(delete(meter_lists).where(meter_lists.c.id.in_(ids)))
    return kept


async def find_list(connection: AsyncConnection, viewer: Viewer, list_id: RequestId, now: datetime) -> KeptList | None:
    """One of the viewer's own lists; None alike if it is another's, never was, or its day is over."""
    wanted = select(meter_lists).where(
        meter_lists.c.id == list_id,
        meter_lists.c.account_id == viewer.account_id,
        meter_lists.c.kept_at > now - KEPT,
    )
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        return None
    return KeptList(
        id=row.id,
        wanted=MeterList(by=row.by, values=tuple(row.values.split("\n"))),
        found=row.found,
        missing=tuple(row.missing.split("\n")) if row.missing else (),
        file_name=row.file_name,
    )


async def forget_old(connection: AsyncConnection, now: datetime) -> None:
    """Remove the lists whose day is over."""
    await connection.execute(delete(meter_lists).where(meter_lists.c.kept_at <= now - KEPT))
