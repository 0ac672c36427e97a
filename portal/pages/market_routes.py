"""The operating team's pages: all companies, one of them with its people and numbers, and what is done to it."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import Entered
from portal.acting import Act, actor_of
from portal.administration.account_list import AccountList, AccountSearch, list_accounts
from portal.administration.companies import (
    PAGE,
    CompanySeen,
    change_company_status,
    change_duns_status,
    list_companies,
    see_company,
)
from portal.api.approvals import Number
from portal.companies.kinds import KIND_WORDS, Kind
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.status import CompanyStatus, DunsStatus
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.faults import PeopleRefused
from portal.pages.audit_view import audit_page
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import COMPANIES, MARKET_AUDIT, Place
from portal.pages.refusals import BAD_FORM, marked, turn_away, with_refusal
from portal.pages.render import PAGES
from portal.pages.user_list import WILDCARD
from portal.parts import Part
from portal.registration.fields import MOST_COMMENT

router = Part(include_in_schema=False, default_response_class=Response)

FIND = Form(
    action=COMPANIES.href,
    button="Search",
    fields=(
        Field(name="name", label="Company Name", hint=WILDCARD, most=120, literal=True),
        Field(
            name="kind",
            label="Kind",
            kind=FieldKind.SELECT,
            choices=tuple(Choice(kind, words) for kind, words in KIND_WORDS.items() if kind is not Kind.CUSTOMER),
        ),
        Field(
            name="status",
            label="Company Status",
            kind=FieldKind.SELECT,
            choices=tuple(Choice(status, status.value.capitalize()) for status in CompanyStatus),
        ),
    ),
)
VERBS = {"suspend": "Suspend", "reinstate": "Reinstate", "revoke": "Revoke"}
PAST = {"suspend": "suspended", "reinstate": "reinstated", "revoke": "revoked"}
COMPANY_LEADS = {
    "suspend": "Nobody of the company can enter until you reinstate it. The company is told by mail.",
    "reinstate": "The company is Active again, and its people can enter. The company is told by mail.",
    "revoke": "For good, with all of its accounts and DUNS numbers. The company is told by mail.",
}
NUMBER_LEADS = {
    "suspend": "At its TDSP's request. The meters of this number are hidden from the company until it is reinstated.",
    "reinstate": "With its TDSP's approval. The meters of this number are seen again.",
    "revoke": "At its TDSP's request, and for good. Accounts that have no other number are revoked with it.",
}


@router.get(COMPANIES.href)
async def companies(request: Request, who: EnteredHere) -> Response:
    """All companies, searched by name, kind and status, 100 at a time."""
    form = await FIND.of_address(request)
    after = request.query_params.get("after", "")
    behind = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    kind, status = form.sound("kind"), form.sound("status")
    async with portal_of(request).database.reading() as connection:
        found = await list_companies(
            connection,
            who.viewer,
            name=form.sound("name"),
            kind=Kind(kind) if kind else None,
            status=CompanyStatus(status) if status else None,
            after=behind,
        )
    if isinstance(found, PeopleRefused):
        turn_away(found)
        form = form.judged(dict(found.faults))
        found = []
    asked = any(form[name] for name in ("name", "kind", "status"))
    return PAGES.page(
        request,
        "companies.html",
        who,
        COMPANIES.words,
        place=COMPANIES.href,
        help_at="people",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        form=form,
        found=found,
        kind_words=KIND_WORDS,
        asked=asked,
        next_after=found[-1].id if len(found) == PAGE else None,
        first=behind == 0,
    )


@router.get(MARKET_AUDIT.href)
async def audit(request: Request, who: EnteredHere) -> Response:
    """What was done in the whole market, or in one company."""
    text = request.query_params.get("company", "")
    if not text:
        return await audit_page(request, who, MARKET_AUDIT, MARKET_AUDIT)
    company = await _company(request, who, int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0)
    return await audit_page(request, who, MARKET_AUDIT, MARKET_AUDIT, company_id=company.id, name=company.name)


@router.get(f"{COMPANIES.href}/{{company_id}}")
async def company_page(request: Request, who: EnteredHere, company_id: Number) -> Response:
    """One company: where it stands, its numbers, its people."""
    company = await _company(request, who, company_id)
    show_all = request.query_params.get("all") == "1"
    async with portal_of(request).database.reading() as connection:
        people = await list_accounts(
            connection, who.viewer, AccountSearch(), show_all=show_all, company=(company.id, company.kind)
        )
    return PAGES.page(
        request,
        "company.html",
        who,
        company.name,
        place=COMPANIES.href,
        beneath=[Place(company.name, _address(company))],
        help_at="people",
        company=company,
        people=people if isinstance(people, AccountList) else None,
        kind_words=KIND_WORDS,
        verbs=VERBS,
        audit=f"{MARKET_AUDIT.href}?company={company.id}",
        done=done_words(request.query_params),
    )


@router.get(f"{COMPANIES.href}/{{company_id}}/{{action}}")
async def change_page(request: Request, who: EnteredHere, company_id: Number, action: str) -> Response:
    """Suspend, reinstate or revoke a company: the page that asks why."""
    company = await _company(request, who, company_id)
    wanted = _one_of(action, company.actions)
    return _change_page(request, who, company, _company_form(company, wanted), company.name, COMPANY_LEADS[wanted])


@router.post(f"{COMPANIES.href}/{{company_id}}/{{action}}")
async def change(request: Request, who: EnteredHere, company_id: Number, action: str) -> Response:
    """Do it."""
    company = await _company(request, who, company_id)
    wanted = CompanyAction(_one_of(action, tuple(CompanyAction(verb) for verb in VERBS)))
    form = await _company_form(company, wanted).read(request)
    if form.faults:
        return _change_page(request, who, company, form, company.name, COMPANY_LEADS[wanted])

    async def done(act: Act) -> CompanyStatus | PeopleRefused:
        return await change_company_status(act, who.viewer, company_id, wanted, form["comment"] or None)

    answer = await portal_of(request).acting.run(actor_of(who.viewer), done)
    if isinstance(answer, PeopleRefused):
        turn_away(answer)
        form = with_refusal(form, answer, "comment")
        page = _change_page(request, who, company, form, company.name, COMPANY_LEADS[wanted])
        return marked(request, page, answer)
    return RedirectResponse(and_done(_address(company), f"company-{PAST[wanted]}"), status_code=303)


@router.get(f"{COMPANIES.href}/{{company_id}}/duns/{{number_id}}/{{action}}")
async def change_number_page(
    request: Request, who: EnteredHere, company_id: Number, number_id: Number, action: str
) -> Response:
    """Suspend, reinstate or revoke a DUNS number: the page that asks why."""
    company = await _company(request, who, company_id)
    number = next((each for each in company.duns if each.id == number_id), None)
    if number is None:
        raise NotFound
    wanted = _one_of(action, number.actions)
    form = _number_form(company, number_id, wanted)
    return _change_page(request, who, company, form, f"DUNS {number.duns}", NUMBER_LEADS[wanted])


@router.post(f"{COMPANIES.href}/{{company_id}}/duns/{{number_id}}/{{action}}")
async def change_number(
    request: Request, who: EnteredHere, company_id: Number, number_id: Number, action: str
) -> Response:
    """Do it."""
    company = await _company(request, who, company_id)
    number = next((each for each in company.duns if each.id == number_id), None)
    if number is None:
        raise NotFound
    wanted = DunsAction(_one_of(action, tuple(DunsAction(verb) for verb in VERBS)))
    form = await _number_form(company, number_id, wanted).read(request)
    what = f"DUNS {number.duns}"
    if form.faults:
        return _change_page(request, who, company, form, what, NUMBER_LEADS[wanted])

    async def done(act: Act) -> DunsStatus | PeopleRefused:
        return await change_duns_status(act, who.viewer, company_id, number_id, wanted, form["comment"])

    answer = await portal_of(request).acting.run(actor_of(who.viewer), done)
    if isinstance(answer, PeopleRefused):
        turn_away(answer)
        page = _change_page(request, who, company, with_refusal(form, answer, "comment"), what, NUMBER_LEADS[wanted])
        return marked(request, page, answer)
    return RedirectResponse(and_done(_address(company), f"number-{PAST[wanted]}"), status_code=303)


def _address(company: CompanySeen) -> str:
    return f"{COMPANIES.href}/{company.id}"


def _one_of(word: str, allowed: tuple[CompanyAction, ...] | tuple[DunsAction, ...]) -> str:
    """An action that may be done now. Raises NotFound for any other."""
    if word not in allowed:
        raise NotFound
    return word


async def _company(request: Request, who: Entered, company_id: int) -> CompanySeen:
    """A company, for the operating team. Raises NotFound, or NotPermitted for all others."""
    async with portal_of(request).database.reading() as connection:
        found = await see_company(connection, who.viewer, company_id)
    if isinstance(found, PeopleRefused):
        turn_away(found)
    assert isinstance(found, CompanySeen)
    return found


def _company_form(company: CompanySeen, action: str) -> Form:
    required = action != CompanyAction.REINSTATE
    hint = "Why: it is mailed to the company." if required else "Mailed to the company, if you write any."
    return _why_form(f"{_address(company)}/{action}", action, hint, required=required)


def _number_form(company: CompanySeen, number_id: int, action: str) -> Form:
    hint = "Which TDSP asks for this, and why: it is mailed to the company."
    return _why_form(f"{_address(company)}/duns/{number_id}/{action}", action, hint, required=True)


def _why_form(action: str, verb: str, hint: str, *, required: bool) -> Form:
    comment = Field(
        name="comment",
        label="Comments",
        kind=FieldKind.TEXTAREA,
        required=required,
        hint=hint,
        most=MOST_COMMENT,
    )
    return Form(action=action, button=VERBS[verb], fields=(comment,), danger=verb != "reinstate")


def _change_page(request: Request, who: Entered, company: CompanySeen, form: Form, what: str, lead: str) -> Response:
    return PAGES.page(
        request,
        "company_change.html",
        who,
        f"{form.button} {what}",
        place=COMPANIES.href,
        beneath=[Place(company.name, _address(company))],
        help_at="people",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        form=form,
        lead=lead,
        back=_address(company),
    )
