"""Assignments over the API: which gateway serves a meter, moving it to another, taking it away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.errors import BadIdentifier
from gateway.identifiers import Eui64, GatewayId, RequestId
from portal.api.commands import Wait, given
from portal.api.described import problems
from portal.api.devices import typed_code
from portal.api.meters import MeterHere
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotPermitted
from portal.han.ask import Given
from portal.han.who_may import refusal_of_assignments
from portal.meters.assignment import standing
from portal.meters.steps import Step
from portal.parts import Part

router = Part(tags=["Assignments"])


class NewAssignment(BaseModel):
    """Which gateway shall serve a meter, through which of its drivers, at which address there."""

    model_config = ConfigDict(extra="forbid")

    gateway: GatewayId
    driver: Annotated[str, Field(min_length=1, max_length=64, description="The name of one of the gateway's drivers.")]
    address: Annotated[str, Field(min_length=1, max_length=200, description="For ZigBee, the meter's EUI-64.")]
    install_code: Annotated[
        SecretStr | None,
        Field(description="The install code of a ZigBee meter that must join first.", max_length=100),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterAssignment:
    """Where a meter stands: its gateway, and the one that it goes to; command is what the step waits for."""

    step: Step
    gateway: GatewayId | None
    driver: str | None
    address: str | None
    to_gateway: GatewayId | None
    command: RequestId | None
    changed_at: datetime | None


@router.get("/meters/{esi_id}/assignment", responses=problems(401, 403, 404))
async def show_assignment(
    request: Request,
    meter: MeterHere,
    viewer: ViewerHere,
    wait: Wait = 0.0,
    since: Annotated[Step | None, Query(description="The step that you know; without it, the one now.")] = None,
) -> MeterAssignment:
    """Which gateway serves a meter. With `wait` the answer comes when its step changes, or after that as it is."""
    if refusal_of_assignments(viewer) is not None:
        raise NotPermitted
    portal = portal_of(request)

    async def look() -> MeterAssignment:
        async with portal.database.reading() as connection:
            here = await standing(connection, meter.id, lock=False)
        row = here.row
        return MeterAssignment(
            step=here.step,
            gateway=here.gateway,
            driver=row.driver if row else None,
            address=row.address if row else None,
            to_gateway=row.to_gateway if row else None,
            command=row.command_id if row else None,
            changed_at=row.changed_at if row else None,
        )

    first = await look()
    known = first.step if since is None else since
    return await portal.devices.wait(meter.number, look, lambda found: found.step != known, wait) if wait else first


@router.post(
    "/meters/{esi_id}/assignment",
    status_code=202,
    response_model=Given,
    responses=problems(401, 403, 404, 409, 503),
)
async def assign(
    request: Request, response: Response, meter: MeterHere, viewer: ViewerHere, body: NewAssignment
) -> Given | JSONResponse:
    """Let a gateway serve a meter; the one that serves it now is asked to withdraw it first.

    202 with the place of the first command. The successes of the meter's reads go with it, so that its hour does too.
    """
    if refusal_of_assignments(viewer) is not None:
        raise NotPermitted
    code = None if body.install_code is None else typed_code(body.install_code)
    if code is not None:
        try:
            Eui64(body.address)
        except BadIdentifier as error:
            raise RequestValidationError([{"loc": ("body", "address"), "msg": str(error)}]) from None
    target = body.gateway, body.driver, body.address
    return given(request, response, await portal_of(request).devices.assign(meter, viewer, target, code))


@router.delete(
    "/meters/{esi_id}/assignment",
    status_code=202,
    response_model=Given,
    responses=problems(401, 403, 404, 409, 503),
)
async def withdraw(request: Request, response: Response, meter: MeterHere, viewer: ViewerHere) -> Given | JSONResponse:
    """Take a meter away from its gateway: it cannot be read on demand until it is assigned again."""
    return given(request, response, await portal_of(request).devices.withdraw(meter, viewer))
