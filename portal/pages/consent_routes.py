"""What a customer is asked for, behind the link that was mailed: he reads, answers and ends it without an account.

The page is the company's: its logo, its name and its language, without the portal's menus. The secret in the address
is all that opens it, so that the page tells no other site where it stands, and nothing keeps it.
"""

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from portal.agreements.changing import CUSTOMER, answer_agreement
from portal.agreements.letters import KIND_MEANS, KIND_NAMES, SEALED, place_of_link
from portal.agreements.machine import AgreementAction
from portal.agreements.shown import Invitation, find_invitation, logo_of_link
from portal.companies.logo import MEDIA_TYPE
from portal.context import portal_of
from portal.entrance import is_foreign, origin_of
from portal.errors import ForgedRequest, NotFound, Problem, problem_of_refusal
from portal.faults import PeopleRefusal, PeopleRefused
from portal.locales.catalogues import AGREEMENT_TEXTS, day_in_words
from portal.pages.error_page import error_page
from portal.pages.refusals import marked
from portal.pages.render import STATIC, Renderer, theme_of
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

LETTERHEAD = Renderer(STATIC, AGREEMENT_TEXTS)
"""The pages in the languages that letters of agreements have."""
ANSWERS = (AgreementAction.ACCEPT, AgreementAction.DECLINE, AgreementAction.TERMINATE)
TOLD_TO_NOBODY = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
SHOWN_ANYWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}
SLOW_DOWN = "Too many of these came from your address. Please come again later."


@router.get("/agreements/{secret}")
async def consent(request: Request, secret: str) -> Response:
    """What is asked, or where it stands; opening it changes nothing, since mail scanners open links too."""
    if refused := _too_often(request):
        return await error_page(request, refused)
    return _page(request, secret, await _invited(request, secret))


@router.post("/agreements/{secret}")
async def take_answer(request: Request, secret: str, answer: Annotated[str, Form()] = "") -> Response:
    """Take the customer's word, then show where the agreement stands."""
    if _is_anothers(request):
        raise ForgedRequest
    if refused := _too_often(request):
        return await error_page(request, refused)
    invitation, portal = await _invited(request, secret), portal_of(request)
    if answer not in ANSWERS:
        return _page(request, secret, invitation, status=422)
    portal.links.miss(origin_of(request).address)
    action = AgreementAction(answer)
    result = await portal.acting.run(CUSTOMER, lambda act: answer_agreement(act, secret, action))
    if not isinstance(result, PeopleRefused):
        return RedirectResponse(place_of_link(secret), status_code=303, headers=TOLD_TO_NOBODY)
    if result.reason is PeopleRefusal.NOT_THERE:
        raise NotFound
    return marked(request, _page(request, secret, await _invited(request, secret), came_late=True), result)


@router.get("/agreements/{secret}/logo")
async def logo(request: Request, secret: str) -> Response:
    """The logo of the company that asks, for the page and for the letter, which is read on other sites."""
    if refused := _too_often(request):
        return await error_page(request, refused)
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        content = await logo_of_link(connection, secret)
    if content is None:
        portal.links.miss(origin_of(request).address)
        raise NotFound
    return Response(content, media_type=MEDIA_TYPE, headers=TOLD_TO_NOBODY | SHOWN_ANYWHERE)


async def _invited(request: Request, secret: str) -> Invitation:
    """What a link opens. Raises NotFound if that is nothing, as for any unknown page."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        invitation = await find_invitation(connection, secret)
    if invitation is None:
        portal.links.miss(origin_of(request).address)
        raise NotFound
    return invitation


def _too_often(request: Request) -> Problem | None:
    """The problem of an address that tried too many links, whatever it tries now.

    Links that open are not counted: many customers' letters are opened through one address of their mail's provider.
    """
    portal = portal_of(request)
    wait_s = portal.links.retry_in_s(origin_of(request).address)
    if wait_s <= 0:
        return None
    refused = PeopleRefused(reason=PeopleRefusal.TOO_OFTEN, words=SLOW_DOWN, retry_in_s=wait_s)
    return problem_of_refusal(refused, portal.clock)


def _is_anothers(request: Request) -> bool:
    """Whether another site sent this. A page that sends no referrer sends "null" as its origin."""
    headers = request.headers
    return is_foreign(request) and (headers.get("origin") != "null" or "sec-fetch-site" in headers)


def _page(
    request: Request, secret: str, invitation: Invitation, *, came_late: bool = False, status: int = 200
) -> Response:
    portal = portal_of(request)
    language = AGREEMENT_TEXTS.known(invitation.language)
    translate = AGREEMENT_TEXTS.of(language).gettext

    return LETTERHEAD.letter_page(
        "consent.html",
        language,
        status=status,
        headers=TOLD_TO_NOBODY,
        theme=theme_of(request),
        asked=invitation,
        standing=invitation.status_at(portal.clock.now()),
        kind=translate(KIND_NAMES[invitation.kind]),
        means=translate(KIND_MEANS[invitation.kind]),
        sealed=translate(SEALED),
        here=place_of_link(secret),
        came_late=came_late,
        written=lambda instant: day_in_words(instant, language),
        help_desk=portal.settings.help_desk,
    )
