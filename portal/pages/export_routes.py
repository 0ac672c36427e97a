"""Selection on the meter lists, and what it leads to: one meter's pages, or an export of many (guide 7, 8.2, 8.4)."""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import central_date
from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId, RequestId
from portal.accounts.sessions import Entered
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.orders.kept_lists import KeptList, find_list, keep
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderRefused, OrderRequest, to_json
from portal.pages.choosing import CHOSEN
from portal.pages.desk_places import ACCOUNT_DESK, DESKS, USAGE_DESK, DeskPlace, has_desk
from portal.pages.done_words import and_done
from portal.pages.export_fields import (
    USAGE_REPORTS,
    information_form,
    information_order,
    report_form,
    report_order,
    shown_again,
)
from portal.pages.forms import Form
from portal.pages.meter_list_view import meters_page
from portal.pages.navigation import Place
from portal.pages.order_routes import address_of
from portal.pages.refusals import BAD_FORM
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

DeskName = Annotated[Literal["account", "usage"], Path()]
SELECT = "Select at least one meter"
SELECT_ONE = "Select one meter: it is shown by itself"
GONE = 404


def desk_here(who: Entered, desk: str) -> DeskPlace:
    """The list that an address means. Raises NotFound if it is not this viewer's."""
    found = DESKS[desk]
    if not has_desk(who.viewer, found):
        raise NotFound
    return found


@router.get("/{desk}/meters/view")
async def view(request: Request, who: EnteredHere, desk: DeskName) -> Response:
    """One of the views of exactly one meter; with none or several the list comes back and says so (PMI-01, RPT-03)."""
    at = desk_here(who, desk)
    wanted = esi_ids_of(request.query_params.getlist(CHOSEN))
    if len(wanted) != 1:
        fault = SELECT_ONE if wanted else SELECT
        return await meters_page(request, who, at, request.query_params, wrong=fault, chosen=wanted)
    what = request.query_params.get("what", "")
    if what not in at.views:
        raise NotFound
    return RedirectResponse(f"{at.href}/{wanted[0]}/{what}", status_code=303)


@router.post("/{desk}/meters/selection")
async def select(request: Request, who: EnteredHere, desk: DeskName) -> Response:
    """Keep the meters that were ticked, then ask what is to be exported; so no address holds hundreds of ids."""
    at, portal = desk_here(who, desk), portal_of(request)
    sent = await request.form()
    wanted = esi_ids_of(sent.getlist(CHOSEN))
    if not wanted:
        kept_query = {key: value for key, value in sent.items() if isinstance(value, str)}
        return await meters_page(request, who, at, kept_query, wrong=SELECT)
    ticked = MeterList(by=By.ESI_ID, values=tuple(wanted))

    async def job(connection: AsyncConnection) -> KeptList:
        return await keep(connection, who.viewer, ticked, None, portal.dice, portal.clock.now())

    kept = await portal.database.write(job)
    return RedirectResponse(export_address(at, kept), status_code=303)


@router.get("/{desk}/meters/selection")
async def back_to_list(who: EnteredHere, desk: DeskName) -> Response:
    """Where a reload of a refused selection leads."""
    return RedirectResponse(desk_here(who, desk).href, status_code=303)


@router.get("/{desk}/meters/export")
async def export(request: Request, who: EnteredHere, desk: DeskName) -> Response:
    """What is to be exported of the meters of a kept list."""
    at, portal = desk_here(who, desk), portal_of(request)
    kept = await kept_list(request, who, request.query_params.get("list", ""))
    form = _form(at, who, request.query_params.get("list", ""), portal.dice.request_id(portal.clock.now()), request)
    return _page(request, who, at, kept, form)


@router.post("/{desk}/meters/export")
async def order(request: Request, who: EnteredHere, desk: DeskName) -> Response:
    """Place the order, then show its page with its number; refused, the form comes back."""
    at, portal = desk_here(who, desk), portal_of(request)
    form = await _form(at, who, "", "", request).read(request)
    kept = await kept_list(request, who, form.hidden["list"])
    today = central_date(portal.clock.now())
    if at is USAGE_DESK:
        asked, faults = report_order(form, today)
        form = shown_again(form.judged(faults))
    elif not form.faults:
        asked = information_order(form)
    if form.faults or kept is None:
        return _page(request, who, at, kept, form)
    key = _key(form.hidden["once"], asked, kept)

    async def job(connection: AsyncConnection) -> Placed | OrderRefused:
        settings, now = portal.settings.orders, portal.clock.now()
        return await place(connection, who.viewer, asked, kept.wanted, settings, portal.dice, now, key)

    answer = await portal.database.write(job)
    if isinstance(answer, Placed):
        return RedirectResponse(and_done(address_of(answer.number), "order-placed"), status_code=303)
    problem = problem_of_refusal(answer, portal.clock)
    page = _page(request, who, at, kept, form.refused({form.fields[0].name: answer.words}))
    page.status_code = problem.status
    page.headers.update(problem.headers)
    return page


async def kept_list(request: Request, who: Entered, list_id: str) -> KeptList | None:
    """The list that an address or a form names, None if it is not there for this viewer."""
    try:
        wanted = RequestId(list_id)
    except BadIdentifier:
        return None
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return await find_list(connection, who.viewer, wanted, portal.clock.now())


def export_address(at: DeskPlace, kept: KeptList) -> str:
    """Where the export of a kept list is chosen."""
    return f"{at.href}/export?list={kept.id}"


def esi_ids_of(values: Sequence[object]) -> list[EsiId]:
    """The ESI IDs among what was sent, each once and in order; anything else is left out (pure)."""
    texts = [value for value in values if isinstance(value, str)]
    return [EsiId(text) for text in dict.fromkeys(texts) if EsiId.pattern.fullmatch(text)]


def _form(at: DeskPlace, who: Entered, list_id: str, once: str, request: Request) -> Form:
    action = f"{at.href}/export"
    if at is ACCOUNT_DESK:
        return information_form(action, list_id, once)
    return report_form(action, who.viewer, list_id, once, central_date(portal_of(request).clock.now()))


def _key(once: str, asked: OrderRequest, kept: KeptList) -> str | None:
    """What a sending of the form is called, so that one that is sent twice is one order; other choices are another."""
    if not RequestId.pattern.fullmatch(once):
        return None
    told = json.dumps([to_json(asked), kept.id], sort_keys=True)
    return f"page-{once}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _page(request: Request, who: Entered, at: DeskPlace, kept: KeptList | None, form: Form) -> Response:
    title = at.export
    status = GONE if kept is None else BAD_FORM if form.faults else 200
    return PAGES.page(
        request,
        "export.html",
        who,
        title,
        place=at.href,
        beneath=(Place(title, f"{at.href}/export"),),
        help_at="orders",
        status=status,
        error=bool(form.faults),
        form=form,
        kept=kept,
        desk=at,
        reports=USAGE_REPORTS if at is USAGE_DESK else (),
        kept_days=portal_of(request).settings.orders.kept_days,
    )
