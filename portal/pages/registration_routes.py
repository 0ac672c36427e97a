"""A new company registers in two pages at the private entry, then is confirmed (guide 2.1; REG-07, REG-25).

Nothing is kept here between the pages: what was typed travels along in hidden fields, the logo as it was uploaded.
Whatever travels is judged again when the registration is finished, as if it had just been typed.
"""

import base64
from dataclasses import dataclass, replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.api.answered import too_often
from portal.api.registrations import MOST_LOGO_TEXT, read_logo
from portal.companies.kinds import REGISTERED, Kind
from portal.companies.logo import BadLogo, clean_logo
from portal.context import portal_of
from portal.entrance import is_foreign
from portal.errors import ForgedRequest, NotFound
from portal.faults import PeopleRefused, bad_form
from portal.pages.company_fields import (
    DEFAULTS,
    LOGO,
    TEXTS,
    carried,
    company_fields,
    numbers_in,
    with_few_numbers,
    words_of,
)
from portal.pages.forms import Form
from portal.pages.navigation import MARKET_IN, REGISTER_COMPANY
from portal.pages.person_fields import PERSON_FIELDS, part_of, person_of
from portal.pages.person_fields import TEXTS as PERSON_TEXTS
from portal.pages.refusals import BAD_FORM, marked
from portal.pages.render import PAGES
from portal.parts import Part
from portal.registration.company_form import MOST_NUMBERS, CompanyForm, check_company
from portal.registration.new_company import check_new_company, register_company
from portal.registration.people import registering

router = Part(include_in_schema=False, default_response_class=Response)

COMPANY, PERSON, DONE = (f"{REGISTER_COMPANY.href}/{step}" for step in ("company", "person", "done"))
ACCESS = f"{REGISTER_COMPANY.href}/access"
KIND_NAMES = {
    Kind.REP: "REP",
    Kind.TDSP: "TDSP",
    Kind.THIRD_PARTY: "Third Party",
    Kind.ERCOT: "ERCOT",
    Kind.PUCT: "PUCT",
}
"""The kinds that register, as the guide's links name them."""
COMPANY_TEXTS = (*TEXTS, "duns", "privacy_seal")
JUDGES = {Kind.REP: "an administrator of one of the TDSPs"}
OTHER_JUDGES = "the operating team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A registration that goes on: what stands in the fields of both pages, and the logo as base64."""

    kind: Kind
    company: dict[str, str]
    person: dict[str, str]
    logo: str = ""
    logo_name: str = ""

    def hidden(self, part: str) -> dict[str, str]:
        """The hidden fields of the page that shows the other part."""
        values = self.company if part == "company" else self.person
        names = COMPANY_TEXTS if part == "company" else PERSON_TEXTS
        kept = {f"{part}-{name}": values.get(name, "") for name in names}
        return {"kind": self.kind, "logo_kept": self.logo, "logo_name": self.logo_name, **kept}


@router.get(REGISTER_COMPANY.href)
async def choose(request: Request) -> Response:
    """New User Register: a new company, or access to one that is there."""
    kinds = [(kind, KIND_NAMES[kind], JUDGES.get(kind, OTHER_JUDGES)) for kind in REGISTERED]
    return PAGES.page(request, "register.html", None, REGISTER_COMPANY.words, place=MARKET_IN.href, kinds=kinds)


@router.get(COMPANY)
async def company_page(request: Request, kind: str = Kind.REP) -> Response:
    """The first page, of the company."""
    return _company_page(request, Draft(kind=kind_of(kind), company=dict(DEFAULTS), person={}))


@router.post(COMPANY)
async def company_filled(request: Request) -> Response:
    """Next: on to the person, or back here with what is wrong."""
    _refuse_foreign(request)
    kind = kind_of(str((await request.form()).get("kind", "")))
    form = await _company_form(Draft(kind=kind, company={}, person={})).read(request)
    draft = _draft_of(form, "person", {name: form[name] for name in COMPANY_TEXTS})
    form = with_few_numbers(_company_form(draft, form), "duns")
    checked = check_company(_company_of(form), draft.kind)
    faults = dict(checked) if isinstance(checked, dict) else {}
    sent = form.files.get("logo")
    if sent is not None:
        logo = await _cleaned(request, sent.content)
        if isinstance(logo, BadLogo):
            faults["logo"] = logo.words
        else:
            text = base64.b64encode(sent.content).decode()
            draft = replace(draft, logo=text, logo_name=sent.name[:80])
    form = _company_form(draft, form).judged(faults)
    if form.faults:
        return _company_page(request, draft, form, status=BAD_FORM)
    return _person_page(request, draft)


@router.get(PERSON)
async def back_to_company(request: Request) -> Response:
    """Where a reload of the second page by its address leads: what was typed travels in pages alone."""
    return RedirectResponse(REGISTER_COMPANY.href, status_code=303)


@router.post(PERSON)
async def finish(request: Request) -> Response:
    """Finish, or Back to the company's page; nothing is written down before all of it is right."""
    _refuse_foreign(request)
    step = (await request.form()).get("step")
    form = await _person_form(Draft(kind=Kind.REP, company={}, person={})).read(request)
    draft = _draft_of(form, "company", {name: form[name] for name in PERSON_TEXTS})
    company = _company_form(draft).filled(draft.company)
    if step == "back":
        return _company_page(request, draft)
    portal = portal_of(request)
    logo = await _kept_logo(request, draft.logo)
    person = replace(form, action=PERSON, hidden=draft.hidden("company"))
    checked = check_new_company(
        _company_of(company), person_of(form), draft.kind, logo if isinstance(logo, bytes) else None
    )
    faults = dict(checked.faults) if isinstance(checked, PeopleRefused) else {}
    if isinstance(logo, BadLogo):
        draft, faults = replace(draft, logo="", logo_name=""), faults | {"company.logo": logo.words}
    if isinstance(checked, PeopleRefused) or faults or form.faults:
        return _refused(request, draft, person, bad_form(faults))
    if refused_now := too_often(request, portal.registrations):
        page = _person_page(request, draft, person.refused({"user_id": refused_now.words}))
        return marked(request, page, refused_now)
    answer = await portal.acting.run(registering(checked.first), lambda act: register_company(act, checked))
    if isinstance(answer, PeopleRefused):
        return _refused(request, draft, person, answer)
    return RedirectResponse(f"{DONE}?of={draft.kind}", status_code=303)


@router.get(DONE)
async def confirmation(request: Request, of: str = Kind.REP) -> Response:
    """The registration is there, and what comes next; `access` confirms a request for access."""
    access = of == "access"
    kind = Kind.REP if access else kind_of(of)
    title = "Your request is sent" if access else "Your company is registered"
    judge = "an administrator of that company" if access else JUDGES.get(kind, OTHER_JUDGES)
    return PAGES.page(request, "register_done.html", None, title, place=MARKET_IN.href, access=access, judge=judge)


def kind_of(word: str) -> Kind:
    """A kind that registers. Raises NotFound for any other word."""
    if word not in REGISTERED:
        raise NotFound
    return Kind(word)


async def _kept_logo(request: Request, text: str) -> bytes | BadLogo | None:
    """The logo that travelled along, judged again."""
    refused = too_often(request, portal_of(request).searches) if text else None
    return BadLogo(refused.words) if refused else await read_logo(text or None)


async def _cleaned(request: Request, content: bytes) -> bytes | BadLogo:
    """A logo that was uploaded. Decoding costs work and anybody may ask for it, so it is counted like a search."""
    refused = too_often(request, portal_of(request).searches)
    return BadLogo(refused.words) if refused else await clean_logo(content)


def _refuse_foreign(request: Request) -> None:
    if is_foreign(request):
        raise ForgedRequest


def _draft_of(form: Form, hidden: str, shown: dict[str, str]) -> Draft:
    """The registration of a page that was sent: one part was shown, the other travelled hidden."""
    begin = f"{hidden}-"
    kept = {name.removeprefix(begin): value for name, value in form.hidden.items() if name.startswith(begin)}
    company, person = (shown, carried(kept)) if hidden == "person" else (carried(kept), shown)
    logo = form.hidden["logo_kept"]
    return Draft(
        kind=kind_of(form.hidden["kind"]),
        company=company,
        person=person,
        logo=logo if len(logo) <= MOST_LOGO_TEXT else "",
        logo_name=form.hidden["logo_name"][:80],
    )


def _company_form(draft: Draft, read: Form | None = None) -> Form:
    """The company's page; read is what was sent, which keeps its values and faults."""
    fields = company_fields(draft.kind)
    if draft.logo:
        kept = replace(LOGO, hint=f"{draft.logo_name} is kept. Choose another file to take its place; {LOGO.hint}.")
        fields = tuple(kept if each is LOGO else each for each in fields)
    made = Form(action=COMPANY, button="Next", fields=fields, hidden=draft.hidden("person"))
    if read is None:
        return made
    return replace(made, values=read.values, files=read.files, faults=read.faults)


def _person_form(draft: Draft) -> Form:
    return Form(action=PERSON, button="Finish", fields=PERSON_FIELDS, hidden=draft.hidden("company"))


def _company_of(form: Form) -> CompanyForm:
    return CompanyForm(**words_of(form), duns=numbers_in(form.sound("duns"))[:MOST_NUMBERS])


def _refused(request: Request, draft: Draft, person: Form, refused: PeopleRefused) -> Response:
    """The page on which something is wrong; where both are, the company's comes first."""
    faults = dict(refused.faults)
    company = part_of(faults, "company")
    if company:
        form = _company_form(draft).filled(draft.company).judged(company)
        return _company_page(request, draft, form, status=BAD_FORM)
    return _person_page(request, draft, person.judged(part_of(faults, "person")), status=BAD_FORM)


def _company_page(request: Request, draft: Draft, form: Form | None = None, status: int = 200) -> Response:
    form = form or _company_form(draft).filled(draft.company)
    return _page(request, "register_company.html", draft, form, status)


def _person_page(request: Request, draft: Draft, form: Form | None = None, status: int = 200) -> Response:
    form = form or _person_form(draft).filled(draft.person)
    return _page(request, "register_person.html", draft, form, status)


def _page(request: Request, template: str, draft: Draft, form: Form, status: int) -> Response:
    return PAGES.page(
        request,
        template,
        None,
        f"Create a New {KIND_NAMES[draft.kind]} Account",
        place=MARKET_IN.href,
        status=status,
        error=bool(form.faults),
        form=form,
        draft=draft,
        numbers=numbers_in(draft.company.get("duns", "")),
    )
