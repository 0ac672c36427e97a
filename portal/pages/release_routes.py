"""Releasing a meter from a customer's account: the REP asks on the meter's page, the TDSP answers a queue (CUS-05)."""

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.context import portal_of
from portal.customers.pairs import RELEASES
from portal.customers.releases import answer_request, ask_release, open_requests
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.faults import PeopleRefusal, PeopleRefused
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.holder_card import ASK_FORM
from portal.pages.meter_view import address_of, meter_page, visible_meter
from portal.pages.navigation import RELEASE_REQUESTS
from portal.pages.render import PAGES
from portal.parts import Part
from portal.permissions import Action
from portal.registration.fields import MOST_COMMENT

router = Part(include_in_schema=False, default_response_class=Response)

ANSWER = Form(
    action=RELEASES,
    button="Answer",
    fields=(
        Field(
            name="release",
            label="Answer",
            kind=FieldKind.RADIO,
            required=True,
            missing="Choose whether the meter is released",
            choices=(
                Choice("yes", "Release the meter", "the customer loses it at once, and is told by mail"),
                Choice("no", "Decline", "the comment is mailed to the REP"),
            ),
        ),
        Field(
            name="comment",
            label="Comment",
            kind=FieldKind.TEXTAREA,
            hint="Needed to decline",
            most=MOST_COMMENT,
            rows=2,
        ),
    ),
)
RELEASE_ACTION = Action.DECIDE_RELEASES
SAID = {
    "released": "The meter is released, and both sides are told.",
    "declined": "Declined, and the REP is told.",
    "over": "That request does not wait any more: it was answered already, or it ended by itself.",
}
ID = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.post("/usage/meters/{esi_id}/release")
async def ask(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Ask the TDSP to release this meter, then show the meter's page; pressed twice, there is one request."""
    meter = await visible_meter(request, who, esi_id)
    form = await ASK_FORM.read(request)
    portal = portal_of(request)
    answer = await portal.acting.run(
        actor_of(who.viewer), lambda act: ask_release(act, who.viewer, meter.esi_id, form["comment"])
    )
    if not isinstance(answer, PeopleRefused):
        return RedirectResponse(f"{address_of(meter)}#holder", status_code=303)
    if answer.reason in (PeopleRefusal.NOT_THERE, PeopleRefusal.NOT_FOR_YOU):
        raise NotFound
    status = problem_of_refusal(answer, portal.clock).status
    words = dict(answer.faults) or {"comment": answer.words}
    return await meter_page(request, who, meter, status=status, asked=form.refused(words))


@router.get("/usage/meters/{esi_id}/release")
async def back_to_meter(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Where a reload of a refused request leads."""
    return RedirectResponse(address_of(await visible_meter(request, who, esi_id)), status_code=303)


@router.get(RELEASES)
async def queue(request: Request, who: EnteredHere, done: str = "") -> Response:
    """The requests that wait for a TDSP's administrators, or a REP's own."""
    return await _queue_page(request, who, said=SAID.get(done, ""))


@router.get(f"{RELEASES}/{{request_id}}")
async def one(request: Request, who: EnteredHere, request_id: ID) -> Response:
    """The form that answers one request."""
    return await _answer_page(request, who, request_id, ANSWER)


@router.post(f"{RELEASES}/{{request_id}}")
async def answer(request: Request, who: EnteredHere, request_id: ID) -> Response:
    """Answer, then show the queue; it says so if the request is not there any more, or was pressed twice."""
    form = await ANSWER.read(request)
    if form.faults:
        return await _answer_page(request, who, request_id, form, status=422)
    portal, release = portal_of(request), form["release"] == "yes"
    result = await portal.acting.run(
        actor_of(who.viewer),
        lambda act: answer_request(act, who.viewer, request_id, form["comment"] or None, release=release),
    )
    if not isinstance(result, PeopleRefused):
        return RedirectResponse(f"{RELEASES}?done={result.status}", status_code=303)
    if result.reason is PeopleRefusal.NOT_THERE:
        return RedirectResponse(f"{RELEASES}?done=over", status_code=303)
    if result.reason is not PeopleRefusal.FORM:
        raise NotFound
    return await _answer_page(request, who, request_id, form.refused(result.faults), status=422)


async def _answer_page(request: Request, who: Entered, request_id: int, form: Form, status: int = 200) -> Response:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await open_requests(connection, who.viewer, portal.clock.now())
    waiting = [] if isinstance(found, PeopleRefused) else [each for each in found if each.id == request_id]
    if not waiting or not who.viewer.may(RELEASE_ACTION):
        raise NotFound
    return PAGES.page(
        request,
        "release.html",
        who,
        f"Release of meter {waiting[0].number}",
        place=RELEASE_REQUESTS.href,
        status=status,
        error=bool(form.faults),
        asked=waiting[0],
        form=replace(form, action=f"{RELEASES}/{request_id}"),
    )


async def _queue_page(request: Request, who: Entered, said: str) -> Response:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await open_requests(connection, who.viewer, portal.clock.now())
    if isinstance(found, PeopleRefused):
        raise NotFound
    return PAGES.page(
        request,
        "releases.html",
        who,
        RELEASE_REQUESTS.words,
        place=RELEASE_REQUESTS.href,
        help_at="meters",
        found=found,
        said=said,
        may_answer=who.viewer.may(RELEASE_ACTION),
    )
