"""Commands to gateways over the API: what was given, what became of it, and waiting for that."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from gateway.identifiers import RequestId
from portal.api.described import problems
from portal.api.meters import LONGEST_WAIT_S, MeterHere
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NoAgreement, NotFound, NotPermitted, problem_of_refusal, problem_response
from portal.han.ask import DeviceRefusal, DeviceRefused, Given
from portal.han.desk import Answer
from portal.han.history import commands_of, find_command
from portal.han.shown import GatewayCommand
from portal.han.who_may import ManagedMeter, manage, refusal_for_command
from portal.parts import Part
from portal.viewer import Viewer

router = Part(tags=["Commands to gateways"])

LATEST = 50
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Wait this long, s, for a change.")]
Since = Annotated[int | None, Query(description="The version that you know; without it, the one at your request.")]


async def managed_meter(request: Request, meter: MeterHere, viewer: ViewerHere) -> ManagedMeter:
    """The meter that a path names, if this viewer may manage its devices.

    Raises NotFound, NotPermitted, NoAgreement.
    """
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await manage(connection, viewer, meter, portal.clock.now())
    if isinstance(found, DeviceRefused):
        raise turned_away(found)
    return found


ManagedHere = Annotated[ManagedMeter, Depends(managed_meter)]


def turned_away(refusal: DeviceRefused) -> NotPermitted | NoAgreement:
    """What is raised where somebody may not manage devices."""
    return (NoAgreement if refusal.reason is DeviceRefusal.NO_AGREEMENT else NotPermitted)(refusal.words)


def given(request: Request, response: Response, answer: Answer) -> Given | JSONResponse:
    """What a route answers to a command: 202 with its place, or the problem that keeps it from being given."""
    if isinstance(answer, DeviceRefused):
        return problem_response(problem_of_refusal(answer, portal_of(request).clock))
    response.headers["Location"] = f"/api/v1/commands/{answer.id}"
    return answer


@router.get("/meters/{esi_id}/commands", responses=problems(401, 403, 404))
async def list_commands(request: Request, here: ManagedHere) -> list[GatewayCommand]:
    """The last 50 commands of a meter, newest first, without their timelines."""
    async with portal_of(request).database.reading() as connection:
        return await commands_of(connection, here, LATEST)


@router.get("/commands/{command_id}", responses=problems(401, 403, 404))
async def show_command(
    request: Request, viewer: ViewerHere, command_id: RequestId, wait: Wait = 0.0, since: Since = None
) -> GatewayCommand:
    """One command with its device's timeline. With `wait` the answer comes when its version changes, or then as it is.

    A command is over once its status is done, failed or refused; an expired one may still be answered late.
    """
    command = await _visible(request, viewer, command_id)
    if wait == 0:
        return command
    known = command.version if since is None else since

    async def look() -> GatewayCommand:
        return await _visible(request, viewer, command_id)

    # Who may see the meter may have changed meanwhile, so the rule is asked again at each look.
    return await portal_of(request).devices.wait(command_id, look, lambda found: found.version != known, wait)


async def _visible(request: Request, viewer: Viewer, command_id: RequestId) -> GatewayCommand:
    portal = portal_of(request)
    now = portal.clock.now()
    async with portal.database.reading() as connection:
        command = await find_command(connection, viewer, command_id, now)
        if command is None:
            raise NotFound
        refusal = await refusal_for_command(connection, viewer, command.esi_id, now)
    if refusal is not None:
        raise turned_away(refusal)
    return command
