"""Meters over the API: the list, one meter, and its on-demand reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from gateway.identifiers import EsiId, MeterNumber, RequestId
from portal.api.described import problems
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, problem_of_refusal, problem_response
from portal.meters.tables import meters
from portal.parts import Part
from portal.reads.ask import Asked, Joined, Refused
from portal.reads.history import find_read, reads_of
from portal.reads.shown import OnDemandRead, shown
from portal.reads.status import ReadStatus
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, ask_meter, count_matching, mint, visible_meters

router = Part(tags=["Meters and reads"])

PAGE = 25
MOST_COUNTED = 500
LONGEST_WAIT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPage:
    """Up to 25 meters in the order of their ESI IDs.

    total is None beyond 500; next_after continues the list, None at its end.
    """

    meters: list[VisibleMeter]
    total: int | None
    next_after: EsiId | None


async def meter_here(request: Request, esi_id: Annotated[EsiId, Path()], viewer: ViewerHere) -> VisibleMeter:
    """The meter that a path names, if this viewer may see it. Raises NotFound."""
    portal = portal_of(request)
    meter = await ask_meter(portal.database, viewer, esi_id, portal.clock.now())
    if meter is None:
        raise NotFound
    return meter


MeterHere = Annotated[VisibleMeter, Depends(meter_here)]


@router.get("/meters", responses=problems(401))
async def list_meters(
    request: Request,
    viewer: ViewerHere,
    esi_id: Annotated[EsiId | None, Query(description="Only the meter of this ESI ID.")] = None,
    number: Annotated[MeterNumber | None, Query(description="Only the meter of this number.")] = None,
    after: Annotated[EsiId | None, Query(description="Continue after this ESI ID.")] = None,
) -> MeterPage:
    """The meters that you see, 25 at a time."""
    portal = portal_of(request)
    now = portal.clock.now()
    matching = visible_meters(viewer, now)
    for column, value in ((meters.c.esi_id, esi_id), (meters.c.number, number)):
        matching = matching if value is None else matching.where(column == value)
    wanted = matching.order_by(meters.c.esi_id).limit(PAGE + 1)
    wanted = wanted if after is None else wanted.where(meters.c.esi_id > after)
    async with portal.database.reading() as connection:
        found = [mint(row) for row in await connection.execute(wanted)]
        total = await count_matching(connection, matching, up_to=MOST_COUNTED + 1)
    more = len(found) > PAGE
    return MeterPage(
        meters=found[:PAGE],
        total=None if total > MOST_COUNTED else total,
        next_after=found[PAGE - 1].esi_id if more else None,
    )


@router.get("/meters/{esi_id}", responses=problems(401, 404))
async def show_meter(meter: MeterHere) -> VisibleMeter:
    """One meter."""
    return meter


@router.post(
    "/meters/{esi_id}/reads",
    status_code=202,
    response_model=Asked,
    responses={**problems(401, 403, 404, 409, 429, 503), 200: {"model": Joined, "description": "Joined an open read"}},
)
async def ask_for_read(
    request: Request, response: Response, meter: MeterHere, viewer: ViewerHere
) -> Asked | Joined | JSONResponse:
    """Ask for an on-demand read: 202 with its place, or 200 with the place of the open read that you joined."""
    portal = portal_of(request)
    answer = await portal.desk.ask(meter, viewer)
    if isinstance(answer, Refused):
        return problem_response(problem_of_refusal(answer, portal.clock))
    place = {"Location": f"/api/v1/reads/{answer.id}"}
    if isinstance(answer, Joined):
        return JSONResponse({"id": answer.id}, status_code=200, headers=place)
    response.headers.update(place)
    return answer


@router.get("/meters/{esi_id}/reads", responses=problems(401, 404))
async def list_reads(request: Request, meter: MeterHere, viewer: ViewerHere) -> list[OnDemandRead]:
    """The last 25 on-demand reads of a meter, newest first."""
    return [shown(row) for row in await reads_of(portal_of(request).database, meter, viewer, PAGE)]


@router.get("/reads/{read_id}", responses=problems(401, 404))
async def show_read(
    request: Request,
    viewer: ViewerHere,
    read_id: RequestId,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_S, description="Wait this long, s, for the read to change.")
    ] = 0.0,
    since: Annotated[
        ReadStatus | None, Query(description="The status that you know; without it, the one at your request.")
    ] = None,
) -> OnDemandRead:
    """One on-demand read. With `wait` the answer comes when its status changes, or after that time as it is."""
    portal = portal_of(request)
    read = await visible_read(request, viewer, read_id)
    if wait > 0:
        await portal.desk.wait(read_id, wait, since=since or read.status)
        # Who may see the meter may have changed meanwhile, so the rule is asked again at delivery.
        read = await visible_read(request, viewer, read_id)
    return read


async def visible_read(request: Request, viewer: Viewer, read_id: RequestId) -> OnDemandRead:
    """A read that this viewer may see now. Raises NotFound."""
    portal = portal_of(request)
    now: datetime = portal.clock.now()
    async with portal.database.reading() as connection:
        read = await find_read(connection, viewer, read_id, now)
    if read is None:
        raise NotFound
    return read
