"""A command to a meter's gateway as it goes: a join with its timeline and countdown, what was asked, what was told."""

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.errors import BadIdentifier
from gateway.han.messages import RemoveDevice
from gateway.identifiers import RequestId
from portal.accounts.sessions import Entered
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.han.ask import DeviceRefused
from portal.han.history import answers_to, find_command
from portal.han.shown import GatewayCommand
from portal.pages.device_cards import CommandCard, answer_rows, command_card
from portal.pages.device_view import Home, home_here
from portal.pages.device_words import KINDS
from portal.pages.done_words import and_done, done_words
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.notice_words import notice_facts
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

BASE = f"{USAGE_METERS.href}/{{esi_id}}/commands/{{command_id}}"
SAID = 100


@router.get(BASE)
async def one_command(request: Request, who: EnteredHere, esi_id: str, command_id: str) -> Response:
    """One command."""
    home = await home_here(request, who, esi_id)
    return home if isinstance(home, HTMLResponse) else await command_page(request, who, home, command_id)


@router.post(f"{BASE}/cancel")
async def cancel_join(request: Request, who: EnteredHere, esi_id: str, command_id: str) -> Response:
    """Cancel a join: its device is removed, whereupon the join fails as cancelled."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    command = await command_here(request, who, home, command_id)
    if command.device is None or not _card(request, command).may_cancel:
        return RedirectResponse(f"{home.commands}/{command.id}", status_code=303)
    portal = portal_of(request)
    answer = await portal.devices.command(home.meter, who.viewer, RemoveDevice, command.device)
    if isinstance(answer, DeviceRefused):
        status = problem_of_refusal(answer, portal.clock).status
        return await command_page(request, who, home, command_id, refusal=answer.words, status=status)
    return RedirectResponse(and_done(f"{home.commands}/{command.id}", "join-cancelled"), status_code=303)


@router.get(f"{BASE}/cancel")
async def back_to_command(request: Request, who: EnteredHere, esi_id: str, command_id: str) -> Response:
    """Where a reload of a refused change leads."""
    home = await home_here(request, who, esi_id)
    if isinstance(home, HTMLResponse):
        return home
    command = await command_here(request, who, home, command_id)
    return RedirectResponse(f"{home.commands}/{command.id}", status_code=303)


async def command_here(request: Request, who: Entered, home: Home, command_id: str) -> GatewayCommand:
    """A command of this meter that its viewer may see. Raises NotFound."""
    try:
        wanted = RequestId(command_id)
    except BadIdentifier:
        raise NotFound from None
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await find_command(connection, who.viewer, wanted, portal.clock.now())
    if found is None or found.esi_id != home.meter.esi_id:
        raise NotFound
    return found


def _card(request: Request, command: GatewayCommand) -> CommandCard:
    portal = portal_of(request)
    return command_card(command, portal.settings.devices.key_s, portal.clock.now())


async def command_page(
    request: Request, who: Entered, home: Home, command_id: str, *, refusal: str = "", status: int = 200
) -> HTMLResponse:
    command = await command_here(request, who, home, command_id)
    card, said = _card(request, command), []
    if command.event is not None:
        async with portal_of(request).database.reading() as connection:
            said = await answers_to(connection, home.managed, command.event, SAID)
    return PAGES.page(
        request,
        "device_command.html",
        who,
        card.title,
        place=USAGE_METERS.href,
        beneath=home.crumbs(Place(card.title, f"{home.commands}/{command.id}")),
        help_at="devices",
        status=status,
        error=bool(refusal),
        meter=home.meter,
        home=home,
        card=card,
        command=command,
        kind=KINDS[command.info.type] if command.info else "",
        facts=notice_facts(command.notice),
        answers=answer_rows(said),
        refusal=refusal,
        done=done_words(request.query_params) if card.is_open or card.awaits_answers else "",
        live=f"/api/v1/commands/{command.id}",
    )
