"""The state of a meter's on-demand reads as Smart Meter Texas tells it: one status, the latest value, its date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL
from portal.reads.status import ReadStatus, is_open
from portal.reads.tables import reads
from portal.smt.interval_text import WALL_TIME, kwh
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, seen_reads

REMEMBERED = 12
"""Successes looked at, so that each has a date of its own."""

FAILED = "Error! On Demand Read request could not be fulfilled. Please try again"
"""The guide's words (ODR-04)."""

_OF_METER = reads.c.meter_id == bindparam("of_meter")
_ENDED_LAST = (
    select(reads.c.status).where(_OF_METER).order_by(reads.c.recorded_at.desc().nulls_first(), reads.c.id.desc())
).limit(1)
_SUCCESSES = (
    select(reads.c.read_at, reads.c.delivered_wh)
    .where(_OF_METER, reads.c.status == ReadStatus.DONE)
    .order_by(reads.c.accepted_at.desc(), reads.c.id.desc())
    .limit(REMEMBERED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """A read that brought a value: when the meter answered, and its register in Wh where it has one."""

    read_at: datetime
    delivered_wh: int | None


async def latest_read(connection: AsyncConnection, meter: VisibleMeter, viewer: Viewer) -> dict[str, Any]:
    """The `data` of latestodrread for a meter, from the reads that its viewer sees."""
    wanted, seen = {"of_meter": meter.id}, seen_reads(viewer)
    status: ReadStatus | None = await connection.scalar(_ENDED_LAST.where(seen), wanted)
    rows = (await connection.execute(_SUCCESSES.where(seen), wanted)).all()
    return told(status, [Success(read_at=row.read_at, delivered_wh=row.delivered_wh) for row in reversed(rows)])


def told(status: ReadStatus | None, successes: Sequence[Success]) -> dict[str, Any]:
    """What is told given the status of the newest read (None: there never was one) and its successes, oldest first.

    odrdate is that of the newest success whatever the status, so that it changes exactly when there is another value.
    """
    dates = read_dates([success.read_at for success in successes])
    answer: dict[str, Any] = {
        "odrstatus": None,
        "odrread": None,
        "odrusage": None,
        "odrdate": dates[-1] if dates else None,
        "responseMessage": "SUCCESS",
    }
    if status is None:
        return answer
    if is_open(status):
        return answer | {"odrstatus": "PENDING", "odrread": "0", "odrusage": "0"}
    if status is not ReadStatus.DONE or not successes:
        return answer | {"odrstatus": "FAILED", "responseMessage": FAILED}
    last, previous = successes[-1].delivered_wh, successes[-2].delivered_wh if len(successes) > 1 else None
    return answer | {
        "odrstatus": "COMPLETED",
        "odrread": None if last is None else kwh(last),
        "odrusage": None if last is None or previous is None else kwh(last - previous),
    }


def read_dates(instants: Sequence[datetime]) -> list[str]:
    """Chicago wall times of successive reads, no two in a row alike.

    Two reads an hour apart have the same wall time when the clock is put back; the later one is told a second later.
    """
    dates: list[str] = []
    for instant in instants:
        wall = instant.astimezone(CENTRAL).replace(tzinfo=None)
        if dates and wall.strftime(WALL_TIME) == dates[-1]:
            wall += timedelta(seconds=1)
        dates.append(wall.strftime(WALL_TIME))
    return dates
