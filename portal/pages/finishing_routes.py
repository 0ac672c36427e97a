"""The pages of a sign-in that is half done: the code of the second factor, and the first sign-in.

Their session opens these pages and nothing else; each step that succeeds gives the browser a new one.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.entering import HalfOpened, SignedIn
from portal.accounts.entry import EntryRefusal
from portal.accounts.first_sign_in import Faulty, Went
from portal.accounts.owed import Owed
from portal.accounts.sessions import Unfinished
from portal.accounts.signing_in import WORDS, SignInRefusal, SignInRefused
from portal.accounts.tables import SessionKind
from portal.accounts.totp import address_of
from portal.context import Portal, portal_of
from portal.entrance import UnfinishedHere, origin_of
from portal.errors import NotFound, SignInRequired, problem_of_refusal
from portal.pages.forms import Field, Form
from portal.pages.own_fields import CODE, QUESTION_FIELDS, differ, new_password_fields
from portal.pages.render import PAGES
from portal.pages.session_cookie import CODE as CODE_PAGE
from portal.pages.session_cookie import FIRST_SIGN_IN, NEXT_STEP, gone_on, keep
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

GIVE_CODE = Form(action=CODE_PAGE, button="Sign in", fields=(CODE,))
APP_CODE = Form(
    action=f"{FIRST_SIGN_IN}/authenticator",
    button="Confirm",
    fields=(
        Field(
            name="code",
            label="Code",
            required=True,
            missing="Enter the code that your app shows",
            hint="The six digits that the app shows now",
            fill="one-time-code",
            literal=True,
            digits=True,
            most=12,
        ),
    ),
)
WRONG_CODE = "This code is not right. Enter the one that the app shows now"
NO_PASSKEY = "The passkey was not taken. Please try again"


@router.get(CODE_PAGE)
async def code_form(request: Request, who: UnfinishedHere) -> Response:
    """Ask for the second factor."""
    if who.session.kind is not SessionKind.SECOND_FACTOR:
        return RedirectResponse(NEXT_STEP[who.session.kind], status_code=303)
    return await _code_page(request, who, GIVE_CODE)


@router.post(CODE_PAGE)
async def give_code(request: Request, who: UnfinishedHere) -> Response:
    """Go on with a code."""
    form = await GIVE_CODE.read(request)
    if form.faults or who.session.kind is not SessionKind.SECOND_FACTOR:
        return await _code_page(request, who, form, 400)
    portal = portal_of(request)
    answer = await portal.door.give_code(who, form["code"], origin_of(request))
    if not isinstance(answer, SignInRefused):
        return gone_on(request, answer)
    problem = problem_of_refusal(answer, portal.clock)
    page = await _code_page(request, who, form.refused({"code": answer.words}), problem.status)
    page.headers.update(problem.headers)
    return page


@router.post(f"{CODE_PAGE}/passkey/options")
async def passkey_to_use(request: Request, who: UnfinishedHere) -> Response:
    """What the browser needs to let a passkey sign."""
    portal = portal_of(request)
    site = portal.passkeys.site(own_origin(request))
    if site is None or who.session.kind is not SessionKind.SECOND_FACTOR:
        raise NotFound
    return JSONResponse(await portal.passkeys.options_to_use(who.session, who.account_id, site))


@router.post(f"{CODE_PAGE}/passkey")
async def use_passkey(request: Request, who: UnfinishedHere) -> Response:
    """Go on with a passkey."""
    portal = portal_of(request)
    site = portal.passkeys.site(own_origin(request))
    if site is None or who.session.kind is not SessionKind.SECOND_FACTOR:
        raise NotFound
    signed = (await request.form()).get("credential")

    async def shown(connection: AsyncConnection) -> bool:
        return await portal.passkeys.use(connection, who.session, who.account_id, signed, site)

    answer = await portal.door.give_proof(who, shown, origin_of(request))
    if not isinstance(answer, SignInRefused):
        return gone_on(request, answer)
    return await _code_page(request, who, GIVE_CODE.refused({"code": NO_PASSKEY}), 401)


@router.get(FIRST_SIGN_IN)
async def first_sign_in_form(request: Request, who: UnfinishedHere) -> Response:
    """What is left to do before any page is one's own."""
    due = await _due(request, who)
    if due.password or due.question or not due.second_factor:
        return _steps_page(request, who, _steps(portal_of(request), due))
    return await _factor_page(request, who, APP_CODE)


@router.post(FIRST_SIGN_IN)
async def take_steps(request: Request, who: UnfinishedHere) -> Response:
    """A password of one's own, and a security question where the rules want one."""
    due = await _due(request, who)
    form = await _steps(portal_of(request), due).read(request)
    form = form.refused(differ(form["new_password"], form["password_again"]))
    if form.faults:
        return _steps_page(request, who, form, 400)
    first = portal_of(request).first_sign_in
    values = (form["new_password"], form["security_question"], form["security_answer"])
    went = await first.take(who, origin_of(request), *values)
    if isinstance(went, Faulty):
        return _steps_page(request, who, form.refused(went.faults), 400)
    return _went(request, went)


@router.post(f"{FIRST_SIGN_IN}/authenticator")
async def confirm_authenticator(request: Request, who: UnfinishedHere) -> Response:
    """The app has the secret, as its code shows: on, with recovery codes in hand."""
    await _due(request, who)
    form, portal = await APP_CODE.read(request), portal_of(request)
    if form.faults:
        return await _factor_page(request, who, form, 400)

    async def added(connection: AsyncConnection) -> list[str] | None:
        return await portal.owner.confirm_authenticator(connection, who.account_id, form["code"])

    return await _with_factor(request, who, added, form.refused({"code": WRONG_CODE}))


@router.post(f"{FIRST_SIGN_IN}/passkey/options")
async def passkey_to_add(request: Request, who: UnfinishedHere) -> Response:
    """What the browser needs to make a passkey."""
    await _due(request, who)
    portal = portal_of(request)
    site = portal.passkeys.site(own_origin(request))
    if site is None:
        raise NotFound
    return JSONResponse(await portal.passkeys.options_to_add(who.session, who.account_id, who.user_id, site))


@router.post(f"{FIRST_SIGN_IN}/passkey")
async def add_passkey(request: Request, who: UnfinishedHere) -> Response:
    """A passkey was made: on, with recovery codes in hand."""
    await _due(request, who)
    portal, sent = portal_of(request), await request.form()
    site = portal.passkeys.site(own_origin(request))
    if site is None:
        raise NotFound

    async def added(connection: AsyncConnection) -> list[str] | None:
        name = str(sent.get("name") or "Passkey")
        made = await portal.passkeys.add(connection, who.session, who.account_id, sent.get("credential"), name, site)
        return await portal.owner.factor_added(connection, who.account_id, "a passkey") if made else None

    return await _with_factor(request, who, added, APP_CODE.refused({"code": NO_PASSKEY}))


async def _with_factor(request: Request, who: Unfinished, added: Any, refused: Form) -> Response:
    """Add a factor and take what is left in the same transaction; the recovery codes are shown this once."""
    portal, origin = portal_of(request), origin_of(request)

    async def job(connection: AsyncConnection) -> tuple[list[str], Went] | None:
        codes = await added(connection)
        return None if codes is None else (codes, await portal.first_sign_in.finish(connection, who, origin))

    done = await portal.database.write(job)
    if done is None:
        return await _factor_page(request, who, refused, 400)
    codes, went = done
    if not codes or not isinstance(went, SignedIn | HalfOpened):
        return _went(request, went)
    page = recovery_codes_page(request, codes)
    keep(request, page, went.secret)
    return page


def recovery_codes_page(request: Request, codes: Sequence[str]) -> Response:
    """Recovery codes, shown once."""
    return PAGES.page(request, "recovery_codes.html", None, "Your recovery codes", codes=codes, onward="/")


def own_origin(request: Request) -> str:
    """The address at which a browser reached this page."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _went(request: Request, went: Went) -> Response:
    if isinstance(went, SignedIn | HalfOpened):
        return gone_on(request, went)
    if isinstance(went, EntryRefusal):
        words = WORDS[SignInRefusal(went.value)]
        return PAGES.page(request, "link_gone.html", None, "You may not enter yet", status=403, error=True, what=words)
    raise SignInRequired


async def _due(request: Request, who: Unfinished) -> Owed:
    due = await portal_of(request).first_sign_in.owed(who)
    if due is None:
        raise SignInRequired
    return due


def _steps(portal: Portal, due: Owed) -> Form:
    """The form for what is owed of password and question."""
    fields: tuple[Field, ...] = ()
    if due.password:
        fields += new_password_fields(portal.settings.preset, second_factor=False)
    if due.question:
        fields += QUESTION_FIELDS
    return Form(action=FIRST_SIGN_IN, button="Save and go on", fields=fields)


def _steps_page(request: Request, who: Unfinished, form: Form, status: int = 200) -> Response:
    lead = "Before you go on, choose a password of your own. Nothing else is open until then."
    if all(field.name != "new_password" for field in form.fields):
        lead = "One step is left before you can go on."
    csrf = who.session.csrf
    return PAGES.page(
        request,
        "one_form.html",
        None,
        "First sign-in",
        status=status,
        error=bool(form.faults),
        form=form,
        csrf=csrf,
        lead=lead,
    )


async def _factor_page(request: Request, who: Unfinished, form: Form, status: int = 200) -> Response:
    portal = portal_of(request)
    secret = await portal.owner.begin_authenticator(who.account_id)
    return PAGES.page(
        request,
        "add_factor.html",
        None,
        "Set up a second factor",
        status=status,
        error=bool(form.faults),
        form=form,
        csrf=who.session.csrf,
        secret=in_fours(secret),
        otpauth=address_of(secret, who.user_id),
        passkeys=f"{FIRST_SIGN_IN}/passkey" if portal.passkeys.site(own_origin(request)) else "",
    )


async def _code_page(request: Request, who: Unfinished, form: Form, status: int = 200) -> Response:
    portal = portal_of(request)
    account = await portal.owner.account(who.account_id)
    offered = account.factors.passkeys and portal.passkeys.site(own_origin(request))
    return PAGES.page(
        request,
        "second_factor.html",
        None,
        "Second factor",
        status=status,
        error=bool(form.faults),
        form=form,
        csrf=who.session.csrf,
        passkeys=f"{CODE_PAGE}/passkey" if offered else "",
    )


def in_fours(secret: str) -> str:
    """A secret in groups of four, as people type it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
