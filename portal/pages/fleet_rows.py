"""What a wires company's fleet page asks of the database: its gateways, reads, and messages that were refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import central_date, central_midnight
from gateway.identifiers import GatewayId
from gateway.messages import LinkState
from portal.gateways.tables import IncidentKind, gateways, incidents
from portal.meters.tables import meters
from portal.pages.meter_rows import ReadRow
from portal.reads.shown import shown
from portal.reads.status import OPEN, ReadStatus
from portal.reads.tables import reads
from portal.viewer import Viewer
from portal.visibility import visible_meters

MOST = 50
"""How many rows of each list are shown."""


_LINKS = TypeAdapter(tuple[LinkState, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRow:
    """A gateway as last heard; seen_at None means never."""

    id: GatewayId
    registered: bool
    online: bool
    seen_at: datetime | None
    version: str | None
    meters: int | None
    links: Sequence[LinkState]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """A message that was refused, counted when it was repeated."""

    gateway: GatewayId
    kind: IncidentKind
    subject: str
    words: str
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A wires company's gateways and what happens at them; meters counts those on the wall."""

    gateways: Sequence[GatewayRow]
    meters: int
    in_progress: Sequence[ReadRow]
    failed: Sequence[ReadRow]
    incidents: Sequence[IncidentRow]

    @property
    def online(self) -> int:
        """How many gateways are online."""
        return sum(gateway.online for gateway in self.gateways)


async def fleet_of(connection: AsyncConnection, viewer: Viewer, now: datetime) -> Fleet:
    """The fleet of the viewer's wires company."""
    today = central_midnight(central_date(now))
    visible = visible_meters(viewer, now).with_only_columns(meters.c.id)
    at_own = select(reads).where(reads.c.meter_id.in_(visible)).order_by(reads.c.asked_at.desc()).limit(MOST)
    named = incidents.outerjoin(gateways, gateways.c.id == incidents.c.gateway)
    refused = select(incidents).select_from(named).where(_theirs(viewer)).order_by(incidents.c.last_at.desc())
    return Fleet(
        gateways=await _gateways(connection, viewer),
        meters=await connection.scalar(select(func.count()).select_from(visible.subquery())) or 0,
        in_progress=await _reads(connection, at_own.where(reads.c.status.in_([str(status) for status in OPEN]))),
        failed=await _reads(connection, at_own.where(reads.c.status == ReadStatus.FAILED, reads.c.asked_at >= today)),
        incidents=[
            IncidentRow(
                gateway=row.gateway,
                kind=row.kind,
                subject=row.subject,
                words=row.words,
                first_at=row.first_at,
                last_at=row.last_at,
                times=row.times,
            )
            for row in await connection.execute(refused.limit(MOST))
        ],
    )


def _theirs(viewer: Viewer) -> ColumnElement[bool]:
    """A wires company's own gateways, and those that nobody has registered: somebody should see that they call."""
    return or_(gateways.c.tdsp_id == viewer.company_id, gateways.c.tdsp_id.is_(None))


async def _gateways(connection: AsyncConnection, viewer: Viewer) -> list[GatewayRow]:
    own = select(gateways).where(_theirs(viewer)).order_by(gateways.c.id)
    return [
        GatewayRow(
            id=row.id,
            registered=row.tdsp_id is not None,
            online=row.online,
            seen_at=row.seen_at,
            version=row.version,
            meters=row.meters,
            links=_LINKS.validate_python(row.links or ()),
        )
        for row in await connection.execute(own)
    ]


async def _reads(connection: AsyncConnection, asked: Select[Any]) -> list[ReadRow]:
    rows = (await connection.execute(asked)).mappings().all()
    return [ReadRow(read=shown(row), asked_by="", gateway=row["gateway"]) for row in map(dict, rows)]
