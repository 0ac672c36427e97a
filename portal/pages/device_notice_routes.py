"""Telling a meter's devices a text, a price or a load-control event, and taking a text or an event back."""

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.han.notices import CancelLoadControl, CancelText, Notice
from gateway.identifiers import Eui64
from portal.accounts.sessions import Entered
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.han.ask import DeviceRefused
from portal.han.history import devices_of
from portal.han.status import CommandKind, CommandStatus
from portal.pages.command_routes import command_here, command_page
from portal.pages.device_cards import device_row
from portal.pages.device_notice_fields import ALL, KINDS, Kind, notice_form
from portal.pages.device_view import Home, home_here
from portal.pages.done_words import and_done
from portal.pages.forms import Form
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

BASE = f"{USAGE_METERS.href}/{{esi_id}}/notices/{{kind}}"
BACK = f"{USAGE_METERS.href}/{{esi_id}}/commands/{{command_id}}/take-back"


@router.get(BASE)
async def notice_form_page(request: Request, who: EnteredHere, esi_id: str, kind: str) -> Response:
    """The form of a kind of notice."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    form = await _form(request, home, kind, request.query_params.get("device", ALL))
    return _page(request, who, home, _kind(kind), form)


@router.post(BASE)
async def send_notice(request: Request, who: EnteredHere, esi_id: str, kind: str) -> Response:
    """Send it, then show what becomes of it and what devices answer."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    form = await (await _form(request, home, kind)).read(request)
    made = _kind(kind).make(form)
    if isinstance(made, dict):
        form = form.judged(made)
    if form.faults or isinstance(made, dict):
        return _page(request, who, home, _kind(kind), form, status=422)
    portal = portal_of(request)
    device = None if form["to"] == ALL else Eui64(form["to"])
    answer = await portal.devices.notify(home.meter, who.viewer, device, made)
    if isinstance(answer, DeviceRefused):
        status = problem_of_refusal(answer, portal.clock).status
        return _page(request, who, home, _kind(kind), form.refused({"to": answer.words}), status=status)
    return RedirectResponse(and_done(f"{home.commands}/{answer.id}", "notice-sent"), status_code=303)


@router.post(BACK)
async def take_back(request: Request, who: EnteredHere, esi_id: str, command_id: str) -> Response:
    """Take a text or a load-control event back, from those whom it was sent to."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    command = await command_here(request, who, home, command_id)
    event = command.event
    if event is None or command.status is not CommandStatus.DONE:
        raise NotFound
    notice: Notice
    if command.kind is CommandKind.TEXT:
        notice = CancelText(event=event)
    elif command.kind is CommandKind.LOAD_CONTROL:
        notice = CancelLoadControl(event=event)
    else:
        raise NotFound
    portal = portal_of(request)
    answer = await portal.devices.notify(home.meter, who.viewer, command.device, lambda _: notice)
    if isinstance(answer, DeviceRefused):
        status = problem_of_refusal(answer, portal.clock).status
        return await command_page(request, who, home, command_id, refusal=answer.words, status=status)
    return RedirectResponse(f"{home.commands}/{answer.id}", status_code=303)


@router.get(BACK)
async def back_to_command(request: Request, who: EnteredHere, esi_id: str, command_id: str) -> Response:
    """Where a reload of a refused change leads."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    command = await command_here(request, who, home, command_id)
    return RedirectResponse(f"{home.commands}/{command.id}", status_code=303)


def _kind(name: str) -> Kind:
    """Raises NotFound for a kind that there is not."""
    if name not in KINDS:
        raise NotFound
    return KINDS[name]


async def _form(request: Request, home: Home, kind: str, chosen: str = ALL) -> Form:
    async with portal_of(request).database.reading() as connection:
        rows = [device_row(each, home.devices, {}) for each in await devices_of(connection, home.managed)]
    there = [(row.device.device, row.kind or "Device") for row in rows if row.is_active]
    return notice_form(_kind(kind), f"{home.notices}/{kind}", there, chosen)


def _page(request: Request, who: Entered, home: Home, kind: Kind, form: Form, *, status: int = 200) -> HTMLResponse:
    return PAGES.page(
        request,
        "device_notice.html",
        who,
        kind.title,
        place=USAGE_METERS.href,
        beneath=home.crumbs(Place(kind.title, form.action)),
        help_at="devices",
        status=status,
        error=bool(form.faults),
        meter=home.meter,
        home=home,
        lead=kind.lead,
        form=form,
        csrf=who.session.csrf,
        to_nobody=len(form.field("to").choices) == 1,
    )
