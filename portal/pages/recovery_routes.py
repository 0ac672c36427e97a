"""The ways back in: Forgot Password, Forgot User ID, and the link to set a password (guide 6.3, 6.4)."""

from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.entry import EntryRefusal
from portal.accounts.first_sign_in import Faulty
from portal.accounts.security_questions import LONGEST_ANSWER, QUESTIONS
from portal.accounts.signing_in import WORDS, SignInRefusal
from portal.context import portal_of
from portal.entrance import is_foreign, origin_of
from portal.errors import ForgedRequest
from portal.pages.forms import Field, FieldKind, Form
from portal.pages.own_fields import differ, new_password_fields
from portal.pages.render import PAGES
from portal.pages.session_cookie import gone_on
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

FORGOT_PASSWORD, FORGOT_USER_ID, SET_PASSWORD = "/forgot-password", "/forgot-user-id", "/set-password"
SLOW_DOWN = "This was asked too often from your address. Please wait a minute."
GONE = "This link does not work any more: it was used, a newer one was sent, or it is more than 14 days old."

ASK_PASSWORD = Form(
    action=FORGOT_PASSWORD,
    button="Continue",
    fields=(
        Field(
            name="user_id",
            label="User ID",
            required=True,
            missing="Enter your user ID",
            tip="The name with which you sign in. Capital and small letters are the same.",
            fill="username",
            literal=True,
        ),
    ),
)
ANSWER = Form(
    action=f"{FORGOT_PASSWORD}/answer",
    button="Submit",
    hidden={"user_id": ""},
    fields=(
        Field(
            name="answer",
            label="Answer",
            required=True,
            missing="Enter the answer",
            hint="The answer is not case sensitive",
            tip="The answer must match the Security Question Answer from your profile.",
            most=LONGEST_ANSWER,
            fill="off",
        ),
    ),
)
ASK_USER_ID = Form(
    action=FORGOT_USER_ID,
    button="Submit",
    fields=(
        Field(
            name="email",
            label="Email Address",
            kind=FieldKind.EMAIL,
            required=True,
            missing="Enter your e-mail address",
            tip="The address that is stored in your profile.",
            fill="email",
            most=254,
        ),
    ),
)


@router.get(FORGOT_PASSWORD)
async def forgot_password(request: Request) -> Response:
    """Whose password was forgotten."""
    return _page(request, "Forgot Password", ASK_PASSWORD)


@router.post(FORGOT_PASSWORD)
async def ask_question(request: Request) -> Response:
    """The security question of a user id, known or not; where the rules have none, the letter."""
    form = await _read(request, ASK_PASSWORD)
    recovery = portal_of(request).recovery
    if form.faults:
        return _page(request, "Forgot Password", form, status=400)
    if recovery.wait_s(origin_of(request).address) > 0:
        return _page(request, "Forgot Password", form.refused({"user_id": SLOW_DOWN}), status=429)
    if recovery.asks_question:
        question = await recovery.question_of(form["user_id"])
        return _question_page(request, replace(ANSWER, hidden={"user_id": form["user_id"]}), question)
    await recovery.send_password(form["user_id"])
    return RedirectResponse(f"{FORGOT_PASSWORD}/sent", status_code=303)


@router.post(f"{FORGOT_PASSWORD}/answer")
async def answer_question(request: Request) -> Response:
    """Take the answer; what comes of it is in the mailbox, and nowhere else."""
    form = await _read(request, ANSWER)
    recovery, user_id = portal_of(request).recovery, form.hidden["user_id"][:200]
    if not user_id or not recovery.asks_question:
        return RedirectResponse(FORGOT_PASSWORD, status_code=303)
    if not form.faults and recovery.wait_s(origin_of(request).address) > 0:
        form = form.refused({"answer": SLOW_DOWN})
    if form.faults:
        question = await recovery.question_of(user_id)
        return _question_page(request, form, question, status=429 if SLOW_DOWN in form.faults.values() else 400)
    await recovery.send_password(user_id, form["answer"])
    return RedirectResponse(f"{FORGOT_PASSWORD}/sent", status_code=303)


@router.get(f"{FORGOT_PASSWORD}/sent")
async def password_sent(request: Request) -> Response:
    """What happens now, whoever asked."""
    return PAGES.page(
        request,
        "sent.html",
        None,
        "Look into your mailbox",
        password=True,
        question=portal_of(request).recovery.asks_question,
    )


@router.get(FORGOT_USER_ID)
async def forgot_user_id(request: Request) -> Response:
    """Whose user ids were forgotten."""
    return _page(request, "Forgot User ID", ASK_USER_ID)


@router.post(FORGOT_USER_ID)
async def ask_user_ids(request: Request) -> Response:
    """Mail them to the address, if any have it."""
    form = await _read(request, ASK_USER_ID)
    recovery = portal_of(request).recovery
    if form.faults:
        return _page(request, "Forgot User ID", form, status=400)
    if recovery.wait_s(origin_of(request).address) > 0:
        return _page(request, "Forgot User ID", form.refused({"email": SLOW_DOWN}), status=429)
    await recovery.send_user_ids(form["email"])
    return RedirectResponse(f"{FORGOT_USER_ID}/sent", status_code=303)


@router.get(f"{FORGOT_USER_ID}/sent")
async def user_ids_sent(request: Request) -> Response:
    """What happens now, whoever asked."""
    return PAGES.page(request, "sent.html", None, "Look into your mailbox", password=False, question=False)


@router.get(SET_PASSWORD)
async def set_password_form(request: Request, key: str = "") -> Response:
    """The form behind a mailed link; opening it changes nothing, since mail scanners open links too."""
    form = await _link_form(request, key)
    return _gone(request) if form is None else _page(request, "Set your password", form)


@router.post(SET_PASSWORD)
async def set_password(request: Request) -> Response:
    """Set the password by a link, and go on with what is left to do."""
    if is_foreign(request):
        raise ForgedRequest
    sent = (await request.form()).get("key")
    key = sent if isinstance(sent, str) else ""
    form = await _link_form(request, key)
    if form is None:
        return _gone(request)
    form = await form.read(request)
    form = form.refused(differ(form["new_password"], form["password_again"]))
    if form.faults:
        return _page(request, "Set your password", form, status=400)
    went = await portal_of(request).first_sign_in.set_by_link(key, form["new_password"], origin_of(request))
    if isinstance(went, Faulty):
        return _page(request, "Set your password", form.refused(went.faults), status=400)
    if went is None:
        return _gone(request)
    if isinstance(went, EntryRefusal):
        return _page(
            request, "Set your password", form.refused({"new_password": WORDS[SignInRefusal(went.value)]}), 403
        )
    return gone_on(request, went)


async def _link_form(request: Request, key: str) -> Form | None:
    """The form for a link's holder, None if the link opens nothing."""
    portal = portal_of(request)
    holder = await portal.first_sign_in.holder_of(key) if key else None
    if holder is None:
        return None
    fields = new_password_fields(portal.settings.preset, second_factor=holder.second_factor)
    return Form(action=SET_PASSWORD, button="Save Password", fields=fields, hidden={"key": key})


async def _read(request: Request, form: Form) -> Form:
    if is_foreign(request):
        raise ForgedRequest
    return await form.read(request)


def _gone(request: Request) -> Response:
    return PAGES.page(request, "link_gone.html", None, "This link has ended", status=410, error=True, what=GONE)


def _question_page(request: Request, form: Form, question: str, status: int = 200) -> Response:
    return _page(request, "Forgot Password", form, status, lead=QUESTIONS[question])


def _page(request: Request, title: str, form: Form, status: int = 200, lead: str = "") -> Response:
    return PAGES.page(
        request, "one_form.html", None, title, status=status, error=bool(form.faults), form=form, csrf="", lead=lead
    )
