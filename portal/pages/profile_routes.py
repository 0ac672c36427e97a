"""My Profile: what only its owner changes, and what he only sees (guide 6.1, 6.2, PER-01 to PER-06)."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.first_sign_in import Faulty
from portal.accounts.owner import LANGUAGES, OwnAccount, Profile
from portal.accounts.presets import Preset
from portal.accounts.security_questions import QUESTIONS
from portal.accounts.sessions import Entered
from portal.accounts.tables import SessionKind
from portal.context import portal_of
from portal.entrance import EnteredHere, origin_of
from portal.errors import NotFound
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import PROFILE, Place
from portal.pages.own_fields import CURRENT_PASSWORD, QUESTION_FIELDS, differ, new_password_fields
from portal.pages.person_fields import NAME_FIELDS
from portal.pages.render import PAGES
from portal.pages.session_cookie import keep
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

EDIT, PASSWORD, QUESTION = f"{PROFILE.href}/edit", f"{PROFILE.href}/password", f"{PROFILE.href}/question"
SAVED = {
    "profile": "Your profile is saved.",
    "password": "Your password is changed. Whoever was signed in elsewhere is signed out.",
    "question": "Your security question is changed.",
}
EDIT_PROFILE = Form(
    action=EDIT,
    button="Save Profile",
    fields=(
        *NAME_FIELDS,
        Field(
            name="email",
            label="Email Address",
            kind=FieldKind.EMAIL,
            required=True,
            missing="You must provide your e-mail address.",
            tip="Letters about your account and your reports go there.",
            most=254,
            fill="email",
        ),
        Field(
            name="email_again",
            label="Re-enter Email Address",
            kind=FieldKind.EMAIL,
            hint="Only if you change the e-mail address",
            tip="This entry must exactly match the previous entry for Email Address.",
            most=254,
            fill="off",
        ),
        Field(
            name="language",
            label="Language",
            kind=FieldKind.SELECT,
            required=True,
            missing="Choose a language",
            tip="The language of the letters and pages that come in it.",
            choices=tuple(Choice(key, words) for key, words in LANGUAGES.items()),
        ),
    ),
)
CHANGE_QUESTION = Form(action=QUESTION, button="Save Question", fields=QUESTION_FIELDS)


@router.get(PROFILE.href)
async def profile(request: Request, who: EnteredHere, saved: str = "") -> Response:
    """My Profile, to be read."""
    account = await portal_of(request).owner.account(who.viewer.account_id)
    return PAGES.page(
        request,
        "profile.html",
        who,
        PROFILE.words,
        place=PROFILE.href,
        help_at="profile",
        account=account,
        language=LANGUAGES.get(account.profile.language, account.profile.language),
        asks_question=portal_of(request).owner.preset is Preset.SMT,
        question=QUESTIONS.get(account.security_question or ""),
        saved=SAVED.get(saved, ""),
    )


@router.get(EDIT)
async def edit_form(request: Request, who: EnteredHere) -> Response:
    """The form with what is there."""
    account = await portal_of(request).owner.account(who.viewer.account_id)
    return _edit_page(request, who, EDIT_PROFILE.filled(_values(account)), account)


@router.post(EDIT)
async def edit(request: Request, who: EnteredHere) -> Response:
    """Save the profile."""
    owner = portal_of(request).owner
    form = await EDIT_PROFILE.read(request)
    wanted = Profile(
        first_name=form["first_name"],
        middle_initial=form["middle_initial"] or None,
        last_name=form["last_name"],
        suffix=form["suffix"] or None,
        phone=form["phone"] or None,
        email=form["email"],
        language=form["language"],
    )
    if not form.faults:
        refused = await owner.change_profile(who.viewer.account_id, wanted, form["email_again"])
        if refused is None:
            return _saved("profile")
        form = form.refused(refused.faults)
    return _edit_page(request, who, form, await owner.account(who.viewer.account_id), 400)


@router.get(PASSWORD)
async def password_form(request: Request, who: EnteredHere) -> Response:
    """Change Password."""
    return _form_page(request, who, "Change Password", await _password(request, who))


@router.post(PASSWORD)
async def change_password(request: Request, who: EnteredHere) -> Response:
    """Save the new password; every other session ends."""
    form = await (await _password(request, who)).read(request)
    form = form.refused(differ(form["new_password"], form["password_again"]))
    if form.faults:
        return _form_page(request, who, "Change Password", form, 400)
    owner = portal_of(request).owner
    changed = await owner.change_password(
        who.viewer.account_id, form["current_password"], form["new_password"], origin_of(request), SessionKind.PAGE
    )
    if isinstance(changed, Faulty):
        return _form_page(request, who, "Change Password", form.refused(changed.faults), 400)
    gone = _saved("password")
    keep(request, gone, changed)
    return gone


@router.get(QUESTION)
async def question_form(request: Request, who: EnteredHere) -> Response:
    """Change Security: the question and its answer, where the rules have one."""
    account = await _with_question(request, who)
    chosen = account.security_question
    form = CHANGE_QUESTION.filled({"security_question": chosen} if chosen else {})
    return _form_page(request, who, "Change Security", form)


@router.post(QUESTION)
async def change_question(request: Request, who: EnteredHere) -> Response:
    """Save the question."""
    await _with_question(request, who)
    form = await CHANGE_QUESTION.read(request)
    if not form.faults:
        owner = portal_of(request).owner
        refused = await owner.change_question(who.viewer.account_id, form["security_question"], form["security_answer"])
        if refused is None:
            return _saved("question")
        form = form.refused(refused.faults)
    return _form_page(request, who, "Change Security", form, 400)


async def _with_question(request: Request, who: Entered) -> OwnAccount:
    owner = portal_of(request).owner
    if owner.preset is not Preset.SMT:
        raise NotFound
    return await owner.account(who.viewer.account_id)


async def _password(request: Request, who: Entered) -> Form:
    owner = portal_of(request).owner
    factors = (await owner.account(who.viewer.account_id)).factors
    fields = (CURRENT_PASSWORD, *new_password_fields(owner.preset, second_factor=bool(factors)))
    return Form(action=PASSWORD, button="Save Password", fields=fields)


def _values(account: OwnAccount) -> dict[str, str]:
    return {name: getattr(account.profile, name) or "" for name in Profile.__slots__}


def _saved(what: str) -> RedirectResponse:
    return RedirectResponse(f"{PROFILE.href}?saved={what}", status_code=303)


def _edit_page(request: Request, who: Entered, form: Form, account: OwnAccount, status: int = 200) -> Response:
    return PAGES.page(
        request,
        "profile_edit.html",
        who,
        "Edit Profile",
        place=PROFILE.href,
        help_at="profile",
        status=status,
        error=bool(form.faults),
        form=form,
        account=account,
    )


def _form_page(request: Request, who: Entered, title: str, form: Form, status: int = 200) -> Response:
    return PAGES.page(
        request,
        "own_form.html",
        who,
        title,
        place=PROFILE.href,
        beneath=(Place(title, request.url.path),),
        help_at="profile",
        status=status,
        error=bool(form.faults),
        form=form,
        lead="",
    )
