"""What a wires company's fleet page asks of the database: its gateways, reads, and messages that were refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import central_date, central_midnight
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber
from gateway.messages import LinkState
from portal.gateways.tables import IncidentKind, gateways, incidents
from portal.han.status import CommandKind, CommandStatus
from portal.han.tables import OPEN_COMMANDS, han_commands
from portal.meters.tables import meters
from portal.pages.meter_rows import ReadRow
from portal.reads.shown import shown
from portal.reads.status import ReadStatus
from portal.reads.tables import OPEN_READS, reads
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
class CommandRow:
    """A command to a gateway that has not ended yet."""

    kind: CommandKind
    esi_id: EsiId | None
    meter: MeterNumber | None
    device: Eui64 | None
    gateway: GatewayId
    status: CommandStatus
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A wires company's gateways and what happens at them.

    meters counts those that its gateways said they serve; today are the on-demand reads since midnight Central by
    their status, failed the last that failed among them.
    """

    gateways: Sequence[GatewayRow]
    meters: int
    today: Mapping[ReadStatus, int]
    in_progress: Sequence[ReadRow]
    failed: Sequence[ReadRow]
    commands: Sequence[CommandRow]
    incidents: Sequence[IncidentRow]

    @property
    def online(self) -> int:
        """How many gateways are online."""
        return sum(gateway.online for gateway in self.gateways)

    @property
    def success_percent(self) -> int | None:
        """Of the reads of today that ended, how many came to a value, rounded down; None if none ended."""
        done, failed = self.today.get(ReadStatus.DONE, 0), self.today.get(ReadStatus.FAILED, 0)
        return 100 * done // (done + failed) if done + failed else None


async def fleet_of(connection: AsyncConnection, viewer: Viewer, now: datetime) -> Fleet:
    """The fleet of the viewer's wires company. What it asks is bounded by gateways and by what is under way."""
    today = central_midnight(central_date(now))
    owned = select(gateways.c.id).where(gateways.c.tdsp_id == viewer.company_id)
    seen = visible_meters(viewer, now).where(meters.c.id == reads.c.meter_id).exists()
    latest = select(reads).where(reads.c.gateway.in_(owned), seen).order_by(reads.c.asked_at.desc()).limit(MOST)
    of_today = (reads.c.gateway.in_(owned), reads.c.asked_at >= today)
    counted = select(reads.c.status, func.count().label("times")).where(*of_today).group_by(reads.c.status)
    named = incidents.outerjoin(gateways, gateways.c.id == incidents.c.gateway)
    refused = select(incidents).select_from(named).where(_theirs(viewer)).order_by(incidents.c.last_at.desc())
    found = await _gateways(connection, viewer)
    return Fleet(
        gateways=found,
        meters=sum(each.meters or 0 for each in found if each.registered),
        today={row.status: row.times for row in await connection.execute(counted)},
        in_progress=await _reads(connection, latest.where(OPEN_READS)),
        failed=await _reads(connection, latest.where(reads.c.status == ReadStatus.FAILED, reads.c.asked_at >= today)),
        commands=await _commands(connection, owned),
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


async def _commands(connection: AsyncConnection, owned: Select[Any]) -> list[CommandRow]:
    """The commands under way at some gateways, those asked for last first."""
    wanted = select(han_commands).where(OPEN_COMMANDS, han_commands.c.gateway.in_(owned))
    rows = await connection.execute(wanted.order_by(han_commands.c.asked_at.desc()).limit(MOST))
    return [
        CommandRow(
            kind=row.kind,
            esi_id=row.esi_id,
            meter=row.meter,
            device=row.device,
            gateway=row.gateway,
            status=row.status,
            asked_at=row.asked_at,
        )
        for row in rows
    ]


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
