"""Reads that have been asked for, seen through the meters that their viewer may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import RequestId
from gateway.questions import Question
from portal.meters.tables import meters
from portal.reads.shown import OnDemandRead, shown
from portal.reads.tables import reads
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, seen_reads, sees_all_reads, visible_meters

_ONE = select(reads).where(reads.c.id == bindparam("wanted"))
_LATEST = (
    select(reads)
    .where(reads.c.esi_id == bindparam("esi_id", type_=reads.c.esi_id.type))
    .order_by(reads.c.asked_at.desc(), reads.c.id.desc())
    .limit(bindparam("most"))
)
_ALL = Question(_LATEST)


async def find_read(
    connection: AsyncConnection, viewer: Viewer, read_id: RequestId, at: datetime
) -> OnDemandRead | None:
    """One read, or None alike if there is none or it or its meter is not this viewer's at this moment.

    It is one statement, so that the time does not tell which of them it was.
    """
    seen = visible_meters(viewer, at).where(meters.c.esi_id == reads.c.esi_id).exists()
    row = (await connection.execute(_ONE.where(seen_reads(viewer), seen), {"wanted": read_id})).mappings().one_or_none()
    return None if row is None else shown(dict(row))


async def reads_of(database: Database, meter: VisibleMeter, viewer: Viewer, most: int) -> Sequence[Mapping[str, Any]]:
    """The latest rows of reads at a visible meter's premise that its viewer sees, newest first.

    It is the premise's, for history outlives a meter exchange (MCH-01).
    """
    asked = {"esi_id": meter.esi_id, "most": most}
    if sees_all_reads(viewer):
        return [row._asdict() for row in await database.ask(_ALL, **asked)]
    async with database.reading() as connection:
        return [dict(row) for row in (await connection.execute(_LATEST.where(seen_reads(viewer)), asked)).mappings()]
