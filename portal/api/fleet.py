"""What a TDSP's operator watches over the API: gateways, and what they said that was refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import ColumnElement, Row, or_, select

from gateway.identifiers import GatewayId
from gateway.messages import LinkState
from portal.api.commands import given
from portal.api.described import problems
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotPermitted
from portal.gateways.tables import IncidentKind, gateways, incidents
from portal.han.ask import Given
from portal.parts import Part
from portal.viewer import Viewer

router = Part(tags=["Gateways"])

PAGE = 100
LINKS = TypeAdapter(tuple[LinkState, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySeen:
    """A gateway as it last told its state: told_at by its clock, seen_at by the portal's; None before its birth."""

    id: GatewayId
    registered: bool
    online: bool
    told_at: datetime | None
    seen_at: datetime | None
    version: str | None
    meters: int | None
    links: tuple[LinkState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSeen:
    """Something that a gateway said and that was refused, how often, first and last."""

    id: int
    gateway: GatewayId
    kind: IncidentKind
    subject: str
    words: str
    first_at: datetime
    last_at: datetime
    times: int


@router.get("/gateways", responses=problems(401, 403))
async def list_gateways(
    request: Request, viewer: ViewerHere, after: Annotated[GatewayId | None, Query()] = None
) -> list[GatewaySeen]:
    """Your gateways and those that nobody has registered, 100 at a time in the order of their ids."""
    wanted = select(gateways).where(_theirs(viewer)).order_by(gateways.c.id).limit(PAGE)
    wanted = wanted if after is None else wanted.where(gateways.c.id > after)
    async with portal_of(request).database.reading() as connection:
        return [_gateway(row) for row in await connection.execute(wanted)]


class Rotation(BaseModel):
    """Which network's key; driver may be left out if only one of the gateway's forms a network."""

    model_config = ConfigDict(extra="forbid")

    driver: Annotated[str, Field(min_length=1, max_length=64)] | None = None


@router.post(
    "/gateways/{gateway}/network-key", status_code=202, response_model=Given, responses=problems(401, 403, 404, 422)
)
async def rotate_key(
    request: Request, response: Response, viewer: ViewerHere, gateway: GatewayId, rotation: Rotation
) -> Given | JSONResponse:
    """Give a network a new network key. A device that sleeps through it comes back by its own key."""
    return given(request, response, await portal_of(request).devices.rotate_key(viewer, gateway, rotation.driver))


@router.get("/incidents", responses=problems(401, 403))
async def list_incidents(request: Request, viewer: ViewerHere) -> list[IncidentSeen]:
    """The latest 100 incidents of your gateways, newest first."""
    owned = incidents.outerjoin(gateways, gateways.c.id == incidents.c.gateway)
    wanted = select(incidents).select_from(owned).where(_theirs(viewer))
    wanted = wanted.order_by(incidents.c.last_at.desc(), incidents.c.id.desc()).limit(PAGE)
    async with portal_of(request).database.reading() as connection:
        return [IncidentSeen(**row) for row in (await connection.execute(wanted)).mappings()]


def _theirs(viewer: Viewer) -> ColumnElement[bool]:
    """A TDSP's own gateways, and those without an owner. Raises NotPermitted for anybody else."""
    if viewer.kind is not Kind.TDSP:
        raise NotPermitted
    return or_(gateways.c.tdsp_id == viewer.company_id, gateways.c.tdsp_id.is_(None))


def _gateway(row: Row[Any]) -> GatewaySeen:
    return GatewaySeen(
        id=row.id,
        registered=row.tdsp_id is not None,
        online=row.online,
        told_at=row.told_at,
        seen_at=row.seen_at,
        version=row.version,
        meters=row.meters,
        links=LINKS.validate_python(row.links or ()),
    )
