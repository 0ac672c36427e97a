"""Somebody asks for access to a company that is there: find it, choose it, say who one is (guide 2.2; REG-26 to 30)."""

import string
from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.api.answered import too_often
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import is_foreign
from portal.errors import ForgedRequest
from portal.faults import PeopleRefused, bad_form
from portal.pages.forms import Form
from portal.pages.navigation import MARKET_IN
from portal.pages.person_fields import PERSON_FIELDS, part_of, person_of
from portal.pages.refusals import BAD_FORM, marked
from portal.pages.registration_routes import ACCESS, DONE, KIND_NAMES, kind_of
from portal.pages.render import PAGES
from portal.parts import Part
from portal.registration.access_request import AskedRole, check_request, request_access
from portal.registration.people import registering
from portal.registration.search import MOST, CompanyName, company_to_join, find_companies

router = Part(include_in_schema=False, default_response_class=Response)

PERSON = f"{ACCESS}/person"
LETTERS = (*string.ascii_uppercase, *string.digits)
ROLE_WORDS = {AskedRole.ADMINISTRATOR: "an administrator", AskedRole.USER: "a user"}
SELECT_ONE = "Select the company that you wish to access"


@router.get(ACCESS)
async def find(request: Request, kind: str = Kind.REP, name: str | None = None, letter: str | None = None) -> Response:
    """Find the company by its name or by a letter."""
    return await _search_page(request, kind_of(kind), name, letter)


@router.get(PERSON)
async def person_page(
    request: Request,
    kind: str = Kind.REP,
    company: str = "",
    role: str = AskedRole.USER,
    name: str | None = None,
    letter: str | None = None,
) -> Response:
    """Register as an Admin, Register as a User: the page of the person; without a company the search again."""
    found = await _company(request, company)
    if found is None or role not in tuple(AskedRole):
        return await _search_page(request, kind_of(kind), name, letter, unchosen=True)
    return _person_page(request, found, AskedRole(role), _form(found.id, role))


@router.post(PERSON)
async def finish(request: Request) -> Response:
    """Finish: the request waits for the company's administrators, who are told."""
    if is_foreign(request):
        raise ForgedRequest
    form = await _form().read(request)
    company, role = await _company(request, form.hidden["company"]), form.hidden["role"]
    if company is None or role not in tuple(AskedRole):
        return RedirectResponse(ACCESS, status_code=303)
    checked = check_request(person_of(form))
    if isinstance(checked, PeopleRefused) or form.faults:
        refused = checked if isinstance(checked, PeopleRefused) else bad_form({})
        return _refused(request, company, AskedRole(role), form, refused)
    portal = portal_of(request)
    if refused_now := too_often(request, portal.registrations):
        page = _person_page(request, company, AskedRole(role), form.refused({"user_id": refused_now.words}))
        return marked(request, page, refused_now)
    answer = await portal.acting.run(
        registering(checked), lambda act: request_access(act, company.id, AskedRole(role), checked)
    )
    if isinstance(answer, PeopleRefused):
        return _refused(request, company, AskedRole(role), form, answer)
    return RedirectResponse(f"{DONE}?of=access", status_code=303)


def _form(company_id: int | str = "", role: str = "") -> Form:
    hidden = {"company": str(company_id), "role": str(role)}
    return Form(action=PERSON, button="Finish", fields=PERSON_FIELDS, hidden=hidden)


async def _company(request: Request, text: str) -> CompanyName | None:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    async with portal_of(request).database.reading() as connection:
        return await company_to_join(connection, int(text))


def _refused(request: Request, company: CompanyName, role: AskedRole, form: Form, refused: PeopleRefused) -> Response:
    return _person_page(request, company, role, form.judged(part_of(dict(refused.faults), "person")), status=BAD_FORM)


def _person_page(request: Request, company: CompanyName, role: AskedRole, form: Form, status: int = 200) -> Response:
    form = replace(form, hidden={"company": str(company.id), "role": role})
    return PAGES.page(
        request,
        "access_person.html",
        None,
        f"Request Access to {company.name}",
        place=MARKET_IN.href,
        status=status,
        error=bool(form.faults),
        form=form,
        company=company,
        role=ROLE_WORDS[role],
        search=ACCESS,
    )


async def _search_page(
    request: Request, kind: Kind, name: str | None, letter: str | None, *, unchosen: bool = False
) -> Response:
    """The search with what it found; unchosen says that nothing of it was chosen."""
    portal = portal_of(request)
    found: list[CompanyName] | None = None
    fault, status, refused = "", 200, None
    if name is not None or letter is not None:
        refused = too_often(request, portal.searches)
        if refused is None:
            async with portal.database.reading() as connection:
                by = {"name": name} if letter is None else {"letter": letter}
                answer = await find_companies(connection, **by, kind=kind)
            refused, found = (answer, None) if isinstance(answer, PeopleRefused) else (None, answer)
        if refused is not None:
            fault = next(iter(refused.faults.values()), refused.words)
    if unchosen and found:
        status = BAD_FORM
    page = PAGES.page(
        request,
        "access_search.html",
        None,
        f"Request Access to an Existing {KIND_NAMES[kind]} Account",
        place=MARKET_IN.href,
        status=status,
        error=bool(fault) or (unchosen and bool(found)),
        kind=kind,
        kind_name=KIND_NAMES[kind],
        name=name or "",
        letter=letter or "",
        letters=LETTERS,
        found=found,
        cut=found is not None and len(found) == MOST,
        fault=fault,
        unchosen=SELECT_ONE if unchosen and found else "",
        search=ACCESS,
        person=PERSON,
    )
    return page if refused is None else marked(request, page, refused)
