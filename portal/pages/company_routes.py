"""Company Profile: users view it, administrators change it (guide 5.5; CPR-01 to CPR-06); and its audit log."""

from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import Entered
from portal.acting import actor_of
from portal.administration.profile import CompanyProfile, ProfileForm, logo_of, save_profile, see_profile
from portal.companies.logo import MEDIA_TYPE, BadLogo, clean_logo
from portal.companies.status import DunsStatus
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, NotPermitted
from portal.faults import CHANGED_MEANWHILE, PeopleRefused
from portal.pages.audit_view import audit_page
from portal.pages.company_fields import (
    DEFAULTS,
    EMAIL,
    EMAIL_AGAIN,
    LOGO,
    NAME,
    PHONE,
    PLACE,
    SEAL,
    TEXTS,
    WEB,
    again_if_changed,
    numbers_field,
    numbers_in,
    with_few_numbers,
    words_of,
)
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import COMPANY, Place
from portal.pages.refusals import BAD_FORM, marked, revision_in, turn_away, with_refusal
from portal.pages.render import PAGES
from portal.parts import Part
from portal.permissions import Action
from portal.registration.company_form import MOST_NUMBERS, CompanyFields, check_fields
from portal.registration.fields import read_duns

router = Part(include_in_schema=False, default_response_class=Response)

EDIT = Place("Edit Profile", f"{COMPANY.href}/edit")
AUDIT = Place("Audit Log", f"{COMPANY.href}/audit")
LOGO_ADDRESS = f"{COMPANY.href}/logo"
REMOVED = Field(
    name="duns_removed",
    label="Remove DUNS",
    kind=FieldKind.CHECKBOXES,
    hint="Tick those that are to go: they leave every account of the company when you save.",
)
LOGO_REMOVED = Field(name="logo_removed", label="Remove the logo", kind=FieldKind.CHECKBOX)


@router.get(COMPANY.href)
async def profile(request: Request, who: EnteredHere) -> Response:
    """The profile, to be read. Nothing here tells where the company stands (COM-07)."""
    company = await _profile(request, who)
    return PAGES.page(
        request,
        "company_profile.html",
        who,
        COMPANY.words,
        place=COMPANY.href,
        help_at="people",
        company=company,
        edit=EDIT,
        audit=AUDIT if who.viewer.may(Action.SEE_AUDIT) else None,
        logo=LOGO_ADDRESS,
        done=done_words(request.query_params),
    )


@router.get(EDIT.href)
async def edit_page(request: Request, who: EnteredHere) -> Response:
    """The profile, to be changed by an administrator."""
    company = await _editable(request, who)
    return _edit_page(request, who, company, _form(who, company))


@router.post(EDIT.href)
async def save(request: Request, who: EnteredHere) -> Response:
    """Save Profile: numbers added wait for approval, numbers removed are gone at once."""
    company = await _editable(request, who)
    form = with_few_numbers(await _form(who, company).read(request), "duns_added")
    fields = words_of(form)
    checked = check_fields(CompanyFields(**fields), email_before=company.email)
    faults = dict(checked) if isinstance(checked, dict) else {}
    logo, fault = await _new_logo(form)
    faults |= {"logo": fault} if fault else {}
    added = numbers_in(form.sound("duns_added"))[:MOST_NUMBERS]
    if added_fault := read_duns(added)[1]:
        faults["duns_added"] = added_fault
    form = form.judged(faults)
    if form.faults:
        return _edit_page(request, who, company, form)
    wanted = ProfileForm(
        **fields,
        revision=revision_in(form),
        duns_added=added,
        duns_removed=sorted(form.chosen.get("duns_removed", ())),
        logo_removed=bool(form["logo_removed"]),
    )
    answer = await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: save_profile(act, who.viewer, wanted, logo)
    )
    if isinstance(answer, PeopleRefused):
        return await _refused(request, who, form, answer)
    done = "profile-saved-waits" if added else "profile-saved"
    return RedirectResponse(and_done(COMPANY.href, done), status_code=303)


@router.get(LOGO_ADDRESS)
async def logo(request: Request, who: EnteredHere) -> Response:
    """The own company's logo, from this address and as it was encoded here."""
    async with portal_of(request).database.reading() as connection:
        content = await logo_of(connection, who.viewer)
    if content is None:
        raise NotFound
    return Response(content, media_type=MEDIA_TYPE)


@router.get(AUDIT.href)
async def audit(request: Request, who: EnteredHere) -> Response:
    """What was done in the own company."""
    if who.viewer.company_id is None or not who.viewer.may(Action.SEE_AUDIT):
        raise NotPermitted
    return await audit_page(request, who, COMPANY, AUDIT, company_id=who.viewer.company_id)


async def _profile(request: Request, who: Entered) -> CompanyProfile:
    """The own company's profile. Raises NotPermitted for whoever has none."""
    async with portal_of(request).database.reading() as connection:
        found = await see_profile(connection, who.viewer)
    if isinstance(found, PeopleRefused):
        turn_away(found)
    assert isinstance(found, CompanyProfile)
    return found


async def _editable(request: Request, who: Entered) -> CompanyProfile:
    company = await _profile(request, who)
    if not company.may_edit:
        raise NotPermitted
    return company


async def _new_logo(form: Form) -> tuple[bytes | None, str]:
    """A logo that was uploaded, as it is kept; and what is wrong with it."""
    sent = form.files.get("logo")
    if sent is None:
        return None, ""
    cleaned = await clean_logo(sent.content)
    return (None, cleaned.words) if isinstance(cleaned, BadLogo) else (cleaned, "")


def _form(who: Entered, company: CompanyProfile) -> Form:
    """The form filled in with what is there now."""
    removable = tuple(
        Choice(each.duns, each.duns, each.status.value.capitalize())
        for each in company.duns
        if each.status is not DunsStatus.REVOKED
    )
    fields: tuple[Field, ...] = (
        *again_if_changed((NAME, *PLACE, PHONE, EMAIL, EMAIL_AGAIN)),
        numbers_field(who.viewer.kind, "duns_added", "Add DUNS"),
        *((replace(REMOVED, choices=removable),) if removable else ()),
        *WEB,
        replace(LOGO, hint=f"{LOGO.hint}. It takes the place of the one that is there.") if company.has_logo else LOGO,
        *((LOGO_REMOVED,) if company.has_logo else ()),
        SEAL,
    )
    hidden = {"revision": str(company.revision)}
    form = Form(action=EDIT.href, button="Save Profile", fields=fields, hidden=hidden)
    values = {name: getattr(company, name) or DEFAULTS.get(name, "") for name in TEXTS if name != "email_again"}
    return form.filled({**values, "privacy_seal": "yes" if company.privacy_seal else ""})


async def _refused(request: Request, who: Entered, form: Form, refused: PeopleRefused) -> Response:
    """The form with what a rule refused; where somebody else saved meanwhile, with what is there now beside it."""
    turn_away(refused)
    now = await _profile(request, who)
    meanwhile = refused is CHANGED_MEANWHILE
    if meanwhile:
        fresh = _form(who, now)
        form = replace(form, fields=fresh.fields, hidden=fresh.hidden)
    page = _edit_page(
        request, who, now, with_refusal(form, refused, "now" if meanwhile else "name"), meanwhile=meanwhile
    )
    return marked(request, page, refused)


def _edit_page(
    request: Request, who: Entered, company: CompanyProfile, form: Form, *, meanwhile: bool = False
) -> Response:
    return PAGES.page(
        request,
        "company_edit.html",
        who,
        EDIT.words,
        place=COMPANY.href,
        help_at="people",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        company=company,
        form=form,
        meanwhile=meanwhile,
        logo=LOGO_ADDRESS,
        back=COMPANY.href,
    )
