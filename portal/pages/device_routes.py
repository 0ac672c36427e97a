"""In-home devices of a meter: the list, adding one, one device, and what is asked of it (guide 9)."""

from dataclasses import replace
from datetime import datetime

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from gateway.errors import BadIdentifier
from gateway.han.messages import DescribeDevice, PingDevice, RekeyDevice, RemoveDevice
from gateway.han.words import Stage
from gateway.identifiers import Eui64
from portal.accounts.sessions import Entered
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.han.ask import DeviceRefused, Plain
from portal.han.history import (
    commands_of,
    devices_of,
    find_device,
    last_contacts,
    words_of,
    words_of_device,
)
from portal.han.label import MOST_TYPED, Label, read_label
from portal.han.shown import Device
from portal.han.status import CommandKind, is_open
from portal.pages.device_cards import answer_rows, command_row, device_row
from portal.pages.device_view import TITLE, Home, home_here
from portal.pages.device_words import STAGES
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

BASE = f"{USAGE_METERS.href}/{{esi_id}}/devices"
LATEST, SAID, ENTRIES = 10, 20, 40
WINDOWS = {"60": "1 minute", "120": "2 minutes", "180": "3 minutes", "240": "4 minutes"}
ACTIONS: dict[str, Plain] = {
    "remove": RemoveDevice,
    "ping": PingDevice,
    "describe": DescribeDevice,
    "rekey": RekeyDevice,
}
HERE_ALREADY = "This device is on this meter's network already. Remove it first if it was reset."
JOINING_ALREADY = "A join of this device is under way already."
ADD_FORM = Form(
    action="",
    button="Add the device",
    fields=(
        Field(
            name="device",
            label="MAC address",
            required=True,
            literal=True,
            fill="off",
            most=MOST_TYPED,
            hint="16 digits and letters A to F, with or without separators, or the text of the QR code",
            tip="Printed on the device's label as MAC or EUI-64. The text of its QR code begins with Z: and brings"
            " the install code, too.",
        ),
        Field(
            name="install_code",
            label="Install code",
            kind=FieldKind.TEXTAREA,
            rows=2,
            required=True,
            once=True,
            literal=True,
            fill="off",
            most=MOST_TYPED,
            hint="16, 20, 28 or 36 digits and letters A to F; the last four are the checksum",
            tip="The code proves that the device is the customer's. It is sealed to the meter's gateway at once, kept"
            " nowhere, and never shown again.",
        ),
        Field(
            name="window",
            label="Time to join",
            kind=FieldKind.SELECT,
            required=True,
            hint="Put the device into joining mode within this time",
            choices=tuple(
                Choice(each, f"{int(each) // 60} minutes" if each != "60" else "1 minute") for each in WINDOWS
            ),
        ),
    ),
)


@router.get(BASE)
async def list_devices(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """The meter's devices, the form that adds one, the latest commands, and what devices said."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    again = read_label(request.query_params.get("device", ""), "").shown
    return await _devices_page(request, who, home, add_form(home).filled({"device": again, "window": "180"}))


@router.post(BASE)
async def add_device(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Join a device, then follow it on the command's page; every fault is shown at its field."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    form = await add_form(home).read(request)
    label = await _judged(request, home, form["device"], form["install_code"])
    form = form.filled({"device": label.shown, "install_code": ""})
    form = _with_faults(form, label)
    if form.faults or label.device is None or label.code is None:
        return await _devices_page(request, who, home, form, status=422)
    portal = portal_of(request)
    answer = await portal.devices.join(home.meter, who.viewer, label.device, label.code, int(form["window"]))
    if isinstance(answer, DeviceRefused):
        status = problem_of_refusal(answer, portal.clock).status
        return await _devices_page(request, who, home, form.refused({"device": answer.words}), status=status)
    return RedirectResponse(f"{home.commands}/{answer.id}", status_code=303)


@router.post(f"{BASE}/check")
async def check(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """What is wrong with a label so far, by field, while somebody types; the code is looked at and forgotten."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        raise NotFound
    form = await add_form(home).read(request)
    label = await _judged(request, home, form["device"], form["install_code"])
    told = {"device": label.device, "has_code": label.code is not None, "faults": dict(label.faults)}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


@router.get(f"{BASE}/check")
async def back_to_devices(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Where a reload of a check leads."""
    home = await home_here(request, who, esi_id)
    return home if isinstance(home, HTMLResponse) else RedirectResponse(home.devices, status_code=303)


@router.get(f"{BASE}/{{device}}")
async def one_device(request: Request, who: EnteredHere, esi_id: str, device: str) -> Response:
    """One device: what it is, how it came here, what it said, and what can be asked of it."""
    home = await home_here(request, who, esi_id)
    return home if isinstance(home, HTMLResponse) else await _device_page(request, who, home, _address(device))


@router.post(f"{BASE}/{{device}}/{{action}}")
async def ask_device(request: Request, who: EnteredHere, esi_id: str, device: str, action: str) -> Response:
    """Remove a device, ping it, have it described or give it a new key; its page follows."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    address, plain = _address(device), ACTIONS.get(action)
    if plain is None:
        raise NotFound
    portal = portal_of(request)
    answer = await portal.devices.command(home.meter, who.viewer, plain, address)
    if isinstance(answer, DeviceRefused):
        status = problem_of_refusal(answer, portal.clock).status
        return await _device_page(request, who, home, address, refusal=answer.words, status=status)
    return RedirectResponse(f"{home.commands}/{answer.id}", status_code=303)


@router.get(f"{BASE}/{{device}}/{{action}}")
async def back_to_device(request: Request, who: EnteredHere, esi_id: str, device: str, action: str) -> Response:
    """Where a reload of a refused request leads."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    if action not in ACTIONS:
        raise NotFound
    return RedirectResponse(f"{home.devices}/{_address(device)}", status_code=303)


def add_form(home: Home) -> Form:
    """The form that adds a device to a meter."""
    return replace(ADD_FORM, action=home.devices)


def _address(text: str) -> Eui64:
    try:
        return Eui64(text)
    except BadIdentifier:
        raise NotFound from None


def _with_faults(form: Form, label: Label) -> Form:
    """The label's rules speak for its two fields: one that was left blank may have come with the other's QR code."""
    own = {name: words for name, words in form.faults.items() if name == "window"}
    return replace(form, faults={**label.faults, **own})


async def _judged(request: Request, home: Home, device: str, install_code: str) -> Label:
    """A label with what is wrong with it: its form, its checksum, and a device that is here or joins already."""
    label = read_label(device, install_code)
    if label.device is None or "device" in label.faults:
        return label
    async with portal_of(request).database.reading() as connection:
        known = await find_device(connection, home.managed, label.device)
        latest = await commands_of(connection, home.managed, LATEST)
    joins = [each for each in latest if each.kind is CommandKind.JOIN and each.device == label.device]
    fault = JOINING_ALREADY if any(is_open(each.status) for each in joins) else ""
    if known is not None and device_row(known, "", {}).is_active:
        fault = HERE_ALREADY
    if not fault:
        return label
    return replace(label, faults={"device": fault, **label.faults})


async def _devices_page(request: Request, who: Entered, home: Home, form: Form, *, status: int = 200) -> HTMLResponse:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        devices = await devices_of(connection, home.managed)
        contacts = await last_contacts(connection, home.managed)
        latest = await commands_of(connection, home.managed, LATEST)
        said = await words_of(connection, home.managed, None, SAID)
    rows = [device_row(each, home.devices, contacts) for each in devices]
    commands = [command_row(each, home.commands) for each in latest]
    return PAGES.page(
        request,
        "devices.html",
        who,
        TITLE,
        place=USAGE_METERS.href,
        beneath=home.crumbs(),
        help_at="devices",
        status=status,
        error=bool(form.faults),
        meter=home.meter,
        home=home,
        devices=sorted(rows, key=lambda row: row.is_gone),
        commands=commands,
        following=any(is_open(each.command.status) for each in commands),
        answers=answer_rows(said),
        form=form,
        csrf=who.session.csrf,
        reachable=home.meter.gateway is not None,
    )


async def _device_page(
    request: Request, who: Entered, home: Home, address: Eui64, *, refusal: str = "", status: int = 200
) -> HTMLResponse:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        device = await find_device(connection, home.managed, address)
        contacts = await last_contacts(connection, home.managed)
        said = await words_of_device(connection, home.managed, address, SAID)
    if device is None:
        raise NotFound
    heading = f"Device {address}"
    return PAGES.page(
        request,
        "device.html",
        who,
        heading,
        place=USAGE_METERS.href,
        beneath=home.crumbs(Place(heading, f"{home.devices}/{address}")),
        help_at="devices",
        status=status,
        error=bool(refusal),
        meter=home.meter,
        home=home,
        row=device_row(device, home.devices, contacts),
        device=device,
        joined_at=_joined_at(device),
        entries=list(reversed(device.timeline))[:ENTRIES],
        stages=STAGES,
        answers=answer_rows(said),
        refusal=refusal,
        live=f"/api/v1/meters/{home.meter.esi_id}/devices/{address}",
    )


def _joined_at(device: Device) -> datetime | None:
    """When the device last became active."""
    return max((each.at for each in device.timeline if each.stage is Stage.ACTIVE), default=None)
