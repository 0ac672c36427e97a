"""My Meters, a customer's own: listed, added one by one or from a file, and taken off (guide 10.1, 10.2, A.1)."""

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId
from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.context import portal_of
from portal.customers.attaching import AttachedMeter, detach
from portal.customers.holders import own_meters
from portal.customers.importing import Imported, import_pairs
from portal.customers.pair_list import read_pairs
from portal.customers.pairs import Pair, read_pair
from portal.entrance import EnteredHere, origin_of
from portal.errors import NotFound, problem_of_refusal
from portal.faults import PeopleRefused
from portal.locales.catalogues import N_
from portal.orders.meter_list import BadList
from portal.pages.customer_fields import ADD, ADD_METER, IMPORT_METERS
from portal.pages.forms import Form
from portal.pages.meter_view import address_of, visible_meter
from portal.pages.navigation import ACCOUNT_METERS, Place
from portal.pages.render import PAGES
from portal.parts import Part
from portal.permissions import Action

router = Part(include_in_schema=False, default_response_class=Response)

LIST = ACCOUNT_METERS.href
TITLE, ADD_TITLE, REMOVE_TITLE = N_("My Meters"), N_("Add a meter"), N_("Remove a meter from my account")
IMPORT_TITLE = N_("Meters of the file")
DONE: Mapping[str, str] = {
    "added": N_("The meter is attached to your account."),
    "removed": N_("The meter is removed from your account."),
}


async def my_meters(request: Request, who: Entered) -> Response:
    """The list, with its addresses."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await own_meters(connection, who.viewer, portal.clock.now())
    done = DONE.get(request.query_params.get("done", ""), "")
    return _page(request, who, "my_meters.html", TITLE, meters=found, done=done and PAGES.translate(request, who)(done))


@router.get(ADD)
async def add_form(request: Request, who: EnteredHere) -> Response:
    """The forms: one meter, or a file of many."""
    return _add_page(request, _customer(who))


@router.post(ADD)
async def add(request: Request, who: EnteredHere) -> Response:
    """Attach a meter, then show the list; refused, the form comes back with the causes."""
    _customer(who)
    portal = portal_of(request)
    form = await ADD_METER.read(request)
    pair = read_pair(form["esi_id"], form["meter_number"])
    if form.faults or not isinstance(pair, Pair):
        return _add_page(request, who, form.refused({} if isinstance(pair, Pair) else pair), status=422)
    answer = await portal.guesses.attach(portal.acting, who.viewer, origin_of(request).address, pair)
    if isinstance(answer, AttachedMeter):
        return RedirectResponse(f"{LIST}?done=added", status_code=303)
    problem = problem_of_refusal(answer, portal.clock)
    page = _add_page(request, who, form.refused({"meter_number": answer.words}), status=problem.status)
    page.headers.update(problem.headers)
    return page


async def back_to_add(who: Entered) -> Response:
    """Where a reload of an import leads."""
    _customer(who)
    return RedirectResponse(ADD, status_code=303)


async def add_file(request: Request, who: Entered) -> Response:
    """Attach the meters of a file; the page says of each what came of it."""
    _customer(who)
    portal = portal_of(request)
    form = await IMPORT_METERS.read(request)
    if form.faults:
        return _add_page(request, who, file=form, status=422)
    sent = form.files["file"]
    found = read_pairs(sent.name, sent.content)
    if isinstance(found, BadList):
        return _add_page(request, who, file=form.refused({"file": found.words}), bad=found, status=422)
    address = origin_of(request).address
    done: list[Imported] = await import_pairs(portal.guesses, portal.acting, who.viewer, address, found.pairs)
    translate = PAGES.translate(request, who)
    rows = [(each, translate(each.why) if each.why else None) for each in done]
    return _page(request, who, "imported_meters.html", IMPORT_TITLE, beneath=ADD_TITLE, rows=rows)


@router.get("/usage/meters/{esi_id}/remove")
async def remove_form(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Ask once more before a meter is taken off."""
    meter = await visible_meter(request, _customer(who), esi_id)
    form = Form(action=f"{address_of(meter)}/remove", button=N_("Remove the meter"), fields=(), danger=True)
    form = form.translated(PAGES.translate(request, who))
    return _page(request, who, "remove_meter.html", REMOVE_TITLE, meter=meter, form=form)


@router.post("/usage/meters/{esi_id}/remove")
async def remove(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Take a meter off, then show the list; pressed twice, or for a meter that is not his, the list is all there is."""
    try:
        wanted = EsiId(esi_id)
    except BadIdentifier:
        raise NotFound from None
    viewer = _customer(who).viewer
    answer = await portal_of(request).acting.run(actor_of(viewer), lambda act: detach(act, viewer, wanted))
    return RedirectResponse(LIST if isinstance(answer, PeopleRefused) else f"{LIST}?done=removed", status_code=303)


def _customer(who: Entered) -> Entered:
    """Somebody who may attach meters. Raises NotFound for all others: these pages are not there for them."""
    if not who.viewer.may(Action.ATTACH_METERS):
        raise NotFound
    return who


def _add_page(
    request: Request,
    who: Entered,
    one: Form = ADD_METER,
    file: Form = IMPORT_METERS,
    bad: BadList | None = None,
    status: int = 200,
) -> Response:
    translate = PAGES.translate(request, who)
    return _page(
        request,
        who,
        "add_meter.html",
        ADD_TITLE,
        status=status,
        error=bool(one.faults or file.faults),
        form=one.translated(translate),
        file=file.translated(translate),
        bad=bad,
    )


def _page(
    request: Request,
    who: Entered,
    template: str,
    title: str,
    *,
    beneath: str = "",
    status: int = 200,
    error: bool = False,
    **values: object,
) -> Response:
    translate = PAGES.translate(request, who)
    return PAGES.page(
        request,
        template,
        who,
        translate(title),
        place=LIST,
        beneath=(Place(translate(beneath), ADD),) if beneath else (),
        help_at="meters",
        status=status,
        error=error,
        text_language=PAGES.language_of(request, who),
        **values,
    )
