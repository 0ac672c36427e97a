"""Reads that have been asked for, seen through the meters that their viewer may see."""

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.reads.shown import OnDemandRead, shown
from portal.reads.tables import reads
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, find_meter

_ONE = select(reads).where(reads.c.id == bindparam("wanted"))
_LATEST = (
    select(reads)
    .where(reads.c.esi_id == bindparam("of_esi_id"))
    .order_by(reads.c.asked_at.desc(), reads.c.id.desc())
    .limit(bindparam("most"))
)


async def find_read(
    connection: AsyncConnection, viewer: Viewer, read_id: RequestId, at: datetime
) -> OnDemandRead | None:
    """One read, or None alike if there is none or its meter is not this viewer's at this moment."""
    row = (await connection.execute(_ONE, {"wanted": read_id})).mappings().one_or_none()
    if row is None or await find_meter(connection, viewer, row["esi_id"], at) is None:
        return None
    return shown(dict(row))


async def reads_of(connection: AsyncConnection, meter: VisibleMeter, most: int) -> list[OnDemandRead]:
    """The latest reads at a visible meter's premise, newest first: history outlives a meter exchange (MCH-01)."""
    rows = await connection.execute(_LATEST, {"of_esi_id": meter.esi_id, "most": most})
    return [shown(dict(row)) for row in rows.mappings()]
