"""Notices over the API: texts, prices and load control for one device or all of a meter, and taking them back.

The bodies name what people give; the notice itself, with the portal's event id, says what its values may be.
"""

from typing import Annotated, Any, Literal

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gateway.han.notices import (
    CancelAllLoadControl,
    CancelLoadControl,
    CancelText,
    Criticality,
    DeviceClass,
    Importance,
    LoadControl,
    Notice,
    Price,
    Text,
)
from gateway.identifiers import Eui64
from portal.api.commands import ManagedHere, given
from portal.api.described import problems
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.han.ask import Given
from portal.han.who_may import ManagedMeter
from portal.parts import Part
from portal.viewer import Viewer

router = Part(tags=["Notices to devices"])

ANSWERS = problems(401, 403, 404, 409, 503)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    device: Annotated[Eui64 | None, Field(description="One device; without it, all of the meter's.")] = None


class _Scheduled(_Body):
    starts_at: Annotated[AwareDatetime | None, Field(description="When it begins; without it, now.")] = None
    duration_min: Annotated[int | None, Field(description="Minutes it holds; without it, until changed.")] = None


class NewText(_Scheduled):
    """A text for a display."""

    text: str
    importance: Importance = Importance.LOW
    confirm: Annotated[bool, Field(description="Whether the customer is asked to press a button.")] = False


class NewPrice(_Scheduled):
    """The price of a kilowatt-hour: price x 10^-digits."""

    price: int
    digits: int = 2
    currency: Annotated[int, Field(description="The ISO 4217 number.")] = 840
    label: str = ""
    tier: int = 0
    tiers: int = 0
    acknowledge: bool = True


class NewLoadControl(_Body):
    """Less load for a while: offsets in tenths of a degree, set points in hundredths of a degree Celsius."""

    classes: Annotated[tuple[DeviceClass, ...], Field(min_length=1)]
    duration_min: int
    criticality: Criticality
    group: int = 0
    starts_at: AwareDatetime | None = None
    cooling_offset: int | None = None
    heating_offset: int | None = None
    cooling_point: int | None = None
    heating_point: int | None = None
    average_load: int | None = None
    duty_cycle: int | None = None
    random_start: bool = False
    random_end: bool = False


class Cancel(_Body):
    """Which notice is taken back; a load-control event without its id means all of them."""

    what: Literal["text", "load_control"]
    event: Annotated[int | None, Field(description="The id that the notice was given.")] = None
    effective_at: Annotated[AwareDatetime | None, Field(description="When an event shall end; without it, now.")] = None
    random_end: bool = False


@router.post("/meters/{esi_id}/texts", status_code=202, response_model=Given, responses=ANSWERS)
async def send_text(
    request: Request, response: Response, here: ManagedHere, viewer: ViewerHere, body: NewText
) -> Given | JSONResponse:
    """Show a text on one display, or on all of a meter."""
    return await _send(request, response, here, viewer, body, Text)


@router.post("/meters/{esi_id}/prices", status_code=202, response_model=Given, responses=ANSWERS)
async def send_price(
    request: Request, response: Response, here: ManagedHere, viewer: ViewerHere, body: NewPrice
) -> Given | JSONResponse:
    """Tell one device, or all of a meter, what a kilowatt-hour costs."""
    return await _send(request, response, here, viewer, body, Price)


@router.post("/meters/{esi_id}/load-controls", status_code=202, response_model=Given, responses=ANSWERS)
async def send_load_control(
    request: Request, response: Response, here: ManagedHere, viewer: ViewerHere, body: NewLoadControl
) -> Given | JSONResponse:
    """Ask one device, or all of a meter, to take less for a while."""
    return await _send(request, response, here, viewer, body, LoadControl)


@router.post("/meters/{esi_id}/cancels", status_code=202, response_model=Given, responses=ANSWERS)
async def send_cancel(
    request: Request, response: Response, here: ManagedHere, viewer: ViewerHere, body: Cancel
) -> Given | JSONResponse:
    """Take a text or a load-control event back."""
    kind: type[Notice]
    values: dict[str, Any]
    if body.what == "text":
        kind, values = CancelText, {"event": body.event}
    elif body.event is None:
        kind, values = CancelAllLoadControl, {"random_end": body.random_end}
    else:
        kind = CancelLoadControl
        values = {"event": body.event, "effective_at": body.effective_at, "random_end": body.random_end}
    notice = _made(kind, values)
    return given(
        request, response, await portal_of(request).devices.notify(here.meter, viewer, body.device, lambda _: notice)
    )


async def _send(
    request: Request, response: Response, here: ManagedMeter, viewer: Viewer, body: _Body, kind: type[Notice]
) -> Given | JSONResponse:
    values = body.model_dump(exclude={"device"})
    _made(kind, {**values, "event": 1})  # what is wrong is said before anything is asked
    answer = await portal_of(request).devices.notify(
        here.meter, viewer, body.device, lambda event: _made(kind, {**values, "event": event})
    )
    return given(request, response, answer)


def _made(kind: type[Notice], values: dict[str, Any]) -> Notice:
    """The notice of these values. Raises RequestValidationError that names what is wrong."""
    try:
        notice: Notice = TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None
    return notice
