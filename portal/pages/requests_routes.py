"""New companies, and DUNS numbers that companies added, in the queue of those who decide (REG-03, DUN-02, AMB-15)."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import Entered
from portal.acting import Act, actor_of
from portal.api.approvals import MOST, Number
from portal.approvals.company_queue import WaitingCompany, decide_company, kinds_for, waiting_companies
from portal.approvals.duns_queue import WaitingDuns, decide_number, waiting_numbers
from portal.companies.kinds import KIND_WORDS
from portal.companies.status import CompanyStatus, DunsStatus
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.faults import PeopleRefused
from portal.pages.choosing import (
    TOO_MANY,
    Deed,
    choice_fault,
    chosen_in_address,
    chosen_in_form,
    comment_form,
    comment_page,
)
from portal.pages.done_words import and_done, done_words
from portal.pages.navigation import COMPANY_REQUESTS, DUNS_REQUESTS, Place
from portal.pages.refusals import BAD_FORM, LeftAsItWas, left, turn_away
from portal.pages.render import PAGES
from portal.parts import Part
from portal.permissions import Action

router = Part(include_in_schema=False, default_response_class=Response)

WHY = "Why it is declined: this is mailed to whoever registered it."
DECLINE_COMPANIES = Deed(
    action=f"{COMPANY_REQUESTS.href}/decline",
    title="Decline companies",
    button="Decline",
    lead="Their registrations are deleted. Their first administrators get mail with your comments.",
    done="companies-declined",
    what="Which companies are declined",
)
DECLINE_NUMBERS = Deed(
    action=f"{DUNS_REQUESTS.href}/decline",
    title="Decline DUNS numbers",
    button="Decline",
    lead="The requests are deleted. The companies get mail with your comments.",
    done="numbers-declined",
    what="Which numbers are declined",
)


@router.get(COMPANY_REQUESTS.href)
async def companies(request: Request, who: EnteredHere) -> Response:
    """The new companies that wait."""
    return await _companies_page(request, who)


@router.post(f"{COMPANY_REQUESTS.href}/approve")
async def approve_companies(request: Request, who: EnteredHere) -> Response:
    """Approve, which activates the companies' DUNS numbers."""
    chosen = await chosen_in_form(request)
    if fault := choice_fault(chosen):
        return await _companies_page(request, who, fault=fault)
    return await _decide_companies(request, who, chosen, None, "companies-approved")


@router.get(DECLINE_COMPANIES.action)
async def decline_companies_page(request: Request, who: EnteredHere) -> Response:
    """Decline asks for comments first."""
    chosen, names = chosen_in_address(request), company_names(await _companies(request, who))
    if fault := choice_fault(chosen, names):
        return await _companies_page(request, who, fault=fault)
    form = comment_form(DECLINE_COMPANIES, names, chosen, WHY)
    return comment_page(request, who, COMPANY_REQUESTS, DECLINE_COMPANIES, form)


@router.post(DECLINE_COMPANIES.action)
async def decline_companies(request: Request, who: EnteredHere) -> Response:
    """Decline those that are still ticked."""
    chosen, names = await chosen_in_form(request), company_names(await _companies(request, who))
    if len(chosen) > MOST:
        return await _companies_page(request, who, fault=TOO_MANY)
    form = await comment_form(DECLINE_COMPANIES, names, chosen, WHY).read(request)
    if form.faults and set(chosen) & set(names):
        return comment_page(request, who, COMPANY_REQUESTS, DECLINE_COMPANIES, form)
    return await _decide_companies(request, who, chosen, form["comment"], DECLINE_COMPANIES.done)


@router.get(f"{COMPANY_REQUESTS.href}/{{company_id}}")
async def one_company(request: Request, who: EnteredHere, company_id: Number) -> Response:
    """All that a new company said of itself."""
    waiting = next((each for each in await _companies(request, who) if each.id == company_id), None)
    if waiting is None:
        return RedirectResponse(and_done(COMPANY_REQUESTS.href, "answered-already"), status_code=303)
    here = Place(waiting.name, f"{COMPANY_REQUESTS.href}/{company_id}")
    return PAGES.page(
        request,
        "company_request.html",
        who,
        waiting.name,
        place=COMPANY_REQUESTS.href,
        beneath=[here],
        help_at="people",
        company=waiting,
        kind_words=KIND_WORDS,
        decides=_decides(who),
        back=COMPANY_REQUESTS.href,
    )


@router.get(DUNS_REQUESTS.href)
async def numbers(request: Request, who: EnteredHere) -> Response:
    """The added DUNS numbers that wait."""
    return await _numbers_page(request, who)


@router.post(f"{DUNS_REQUESTS.href}/approve")
async def approve_numbers(request: Request, who: EnteredHere) -> Response:
    """Approve: the companies' administrators have the numbers at once."""
    chosen = await chosen_in_form(request)
    if fault := choice_fault(chosen):
        return await _numbers_page(request, who, fault=fault)
    return await _decide_numbers(request, who, chosen, None, "numbers-approved")


@router.get(DECLINE_NUMBERS.action)
async def decline_numbers_page(request: Request, who: EnteredHere) -> Response:
    """Decline asks for comments first."""
    chosen, names = chosen_in_address(request), number_names(await _numbers(request, who))
    if fault := choice_fault(chosen, names):
        return await _numbers_page(request, who, fault=fault)
    form = comment_form(DECLINE_NUMBERS, names, chosen, WHY)
    return comment_page(request, who, DUNS_REQUESTS, DECLINE_NUMBERS, form)


@router.post(DECLINE_NUMBERS.action)
async def decline_numbers(request: Request, who: EnteredHere) -> Response:
    """Decline those that are still ticked."""
    chosen, names = await chosen_in_form(request), number_names(await _numbers(request, who))
    if len(chosen) > MOST:
        return await _numbers_page(request, who, fault=TOO_MANY)
    form = await comment_form(DECLINE_NUMBERS, names, chosen, WHY).read(request)
    if form.faults and set(chosen) & set(names):
        return comment_page(request, who, DUNS_REQUESTS, DECLINE_NUMBERS, form)
    return await _decide_numbers(request, who, chosen, form["comment"], DECLINE_NUMBERS.done)


def company_names(waiting: Sequence[WaitingCompany]) -> dict[int, str]:
    """The companies' names by their ids."""
    return {each.id: each.name for each in waiting}


def number_names(waiting: Sequence[WaitingDuns]) -> dict[int, str]:
    """The numbers with their companies, by their ids."""
    return {each.id: f"{each.duns} of {each.company}" for each in waiting}


async def _companies(request: Request, who: Entered) -> list[WaitingCompany]:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await waiting_companies(connection, who.viewer, portal.clock.now())
    if isinstance(found, PeopleRefused):
        turn_away(found)
        return []
    return found


async def _numbers(request: Request, who: Entered) -> list[WaitingDuns]:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await waiting_numbers(connection, who.viewer, portal.clock.now())
    if isinstance(found, PeopleRefused):
        turn_away(found)
        return []
    return found


async def _decide_companies(
    request: Request, who: Entered, chosen: Sequence[int], comment: str | None, done: str
) -> Response:
    """Answer companies, each in a change of its own: without a comment it is a yes."""
    names = company_names(await _companies(request, who))
    refused = left({each: await _decide_company(request, who, each, comment) for each in chosen}, names)
    if refused:
        return await _companies_page(request, who, refused=refused)
    return RedirectResponse(and_done(COMPANY_REQUESTS.href, done), status_code=303)


async def _decide_company(request: Request, who: Entered, company_id: int, comment: str | None) -> object:
    portal = portal_of(request)
    credential = await portal.credentials.make() if comment is None else None

    async def decided(act: Act) -> CompanyStatus | PeopleRefused | None:
        return await decide_company(act, who.viewer, company_id, credential, comment)

    return await portal.acting.run(actor_of(who.viewer), decided)


async def _decide_numbers(
    request: Request, who: Entered, chosen: Sequence[int], comment: str | None, done: str
) -> Response:
    """Answer numbers, each in a change of its own: without a comment it is a yes."""
    names = number_names(await _numbers(request, who))
    refused = left({each: await _decide_number(request, who, each, comment) for each in chosen}, names)
    if refused:
        return await _numbers_page(request, who, refused=refused)
    return RedirectResponse(and_done(DUNS_REQUESTS.href, done), status_code=303)


async def _decide_number(request: Request, who: Entered, number_id: int, comment: str | None) -> object:
    async def decided(act: Act) -> DunsStatus | PeopleRefused | None:
        return await decide_number(act, who.viewer, number_id, approve=comment is None, comment=comment)

    return await portal_of(request).acting.run(actor_of(who.viewer), decided)


def _decides(who: Entered) -> bool:
    return bool(kinds_for(who.viewer, Action.DECIDE_COMPANIES))


async def _companies_page(
    request: Request, who: Entered, *, fault: str = "", refused: Sequence[LeftAsItWas] = ()
) -> Response:
    waiting = await _companies(request, who)
    names = company_names(waiting)
    return _queue_page(request, who, "company_requests.html", COMPANY_REQUESTS, waiting, names, fault, refused)


async def _numbers_page(
    request: Request, who: Entered, *, fault: str = "", refused: Sequence[LeftAsItWas] = ()
) -> Response:
    waiting = await _numbers(request, who)
    names = number_names(waiting)
    return _queue_page(request, who, "duns_requests.html", DUNS_REQUESTS, waiting, names, fault, refused)


def _queue_page(
    request: Request,
    who: Entered,
    template: str,
    place: Place,
    waiting: Sequence[object],
    names: Mapping[int, str],
    fault: str,
    refused: Sequence[LeftAsItWas],
) -> Response:
    return PAGES.page(
        request,
        template,
        who,
        place.words,
        place=place.href,
        help_at="people",
        status=BAD_FORM if fault else 409 if refused else 200,
        error=bool(fault or refused),
        waiting=waiting,
        names=names,
        kind_words=KIND_WORDS,
        decides=_decides(who),
        fault=fault,
        refused=refused,
        done=done_words(request.query_params),
    )
