"""Home-area devices over the API: joins, the devices of a meter with their timelines, commands, what they said."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.han.messages import DescribeDevice, PingDevice, RekeyDevice, RemoveDevice
from gateway.identifiers import Eui64
from gateway.keys import BadKey, InstallCode
from portal.api.commands import ManagedHere, Since, Wait, given, managed_meter
from portal.api.described import problems
from portal.api.meters import meter_here
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import BadInstallCode, NotFound
from portal.han.ask import Given, Plain
from portal.han.history import devices_of, find_device, words_of
from portal.han.shown import Device, DeviceWord
from portal.han.who_may import ManagedMeter
from portal.parts import Part

router = Part(tags=["Home area devices"])

PAGE = 100
DeviceHere = Annotated[Eui64, Path(description="The device's MAC address (EUI-64): 16 upper-case hexadecimal digits.")]


class Join(BaseModel):
    """A device that shall join, as its label names it."""

    model_config = ConfigDict(extra="forbid")

    device: Annotated[Eui64, Field(description="Its MAC address (EUI-64): 16 upper-case hexadecimal digits.")]
    install_code: Annotated[
        SecretStr, Field(description="Its install code with the last four digits, the checksum.", max_length=100)
    ]
    window_s: Annotated[int, Field(description="How long the network is open for it, s.", ge=1, le=254)] = 180


class Action(StrEnum):
    """What can be asked of a device."""

    REMOVE = "remove"
    REKEY = "rekey"
    PING = "ping"
    DESCRIBE = "describe"


ACTIONS: dict[Action, Plain] = {
    Action.REMOVE: RemoveDevice,
    Action.REKEY: RekeyDevice,
    Action.PING: PingDevice,
    Action.DESCRIBE: DescribeDevice,
}


def typed_code(text: SecretStr) -> InstallCode:
    """An install code as it was typed. Raises BadInstallCode, which says what is wrong without its digits."""
    try:
        return InstallCode.typed(text.get_secret_value())
    except BadKey as error:
        raise BadInstallCode(str(error)) from None


@router.post(
    "/meters/{esi_id}/joins",
    status_code=202,
    response_model=Given,
    responses=problems(401, 403, 404, 409, 503),
)
async def ask_for_join(
    request: Request, response: Response, here: ManagedHere, viewer: ViewerHere, join: Join
) -> Given | JSONResponse:
    """Bring a device onto a meter's network: 202 with the command's place.

    The install code is checked, sealed at once to the meter's gateway, and neither stored nor logged.
    """
    code = typed_code(join.install_code)
    answer = await portal_of(request).devices.join(here.meter, viewer, join.device, code, join.window_s)
    return given(request, response, answer)


@router.get("/meters/{esi_id}/devices", responses=problems(401, 403, 404))
async def list_devices(request: Request, here: ManagedHere) -> list[Device]:
    """The devices of a meter, those that are gone included, without their timelines."""
    async with portal_of(request).database.reading() as connection:
        return await devices_of(connection, here)


@router.get("/meters/{esi_id}/devices/{device}", responses=problems(401, 403, 404))
async def show_device(
    request: Request, here: ManagedHere, viewer: ViewerHere, device: DeviceHere, wait: Wait = 0.0, since: Since = None
) -> Device:
    """One device with its timeline. With `wait` the answer comes when its version changes, or after that as it is."""
    portal = portal_of(request)

    async def look(at: ManagedMeter) -> Device:
        async with portal.database.reading() as connection:
            found = await find_device(connection, at, device)
        if found is None:
            raise NotFound
        return found

    async def look_again() -> Device:
        # Meter or agreement may be his no more, so the rule is asked again at each look.
        return await look(await managed_meter(request, await meter_here(request, here.meter.esi_id, viewer), viewer))

    first = await look(here)
    known = first.version if since is None else since
    return await portal.devices.wait(device, look_again, lambda found: found.version != known, wait) if wait else first


@router.post(
    "/meters/{esi_id}/devices/{device}/{action}",
    status_code=202,
    response_model=Given,
    responses=problems(401, 403, 404, 409, 503),
)
async def ask_device(
    request: Request,
    response: Response,
    here: ManagedHere,
    viewer: ViewerHere,
    device: DeviceHere,
    action: Annotated[Action, Path()],
) -> Given | JSONResponse:
    """Remove a device (or cancel its join), establish a new key with it, ping it, or ask it about itself."""
    answer = await portal_of(request).devices.command(here.meter, viewer, ACTIONS[action], device)
    return given(request, response, answer)


@router.get("/meters/{esi_id}/device-reports", responses=problems(401, 403, 404))
async def list_words(
    request: Request,
    here: ManagedHere,
    before: Annotated[int | None, Query(description="Continue with what came before this id.", le=2**31 - 1)] = None,
) -> list[DeviceWord]:
    """What the meter's devices said and how notices to them fared, newest first, 100 at a time."""
    async with portal_of(request).database.reading() as connection:
        return await words_of(connection, here, before, PAGE)
