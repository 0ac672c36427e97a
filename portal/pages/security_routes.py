"""Security of the own account: where it is signed in, and its second factors."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.first_sign_in import Faulty
from portal.accounts.owner import WRONG_PASSWORD
from portal.accounts.passkeys import Site
from portal.accounts.second_factors import passkeys_of
from portal.accounts.sessions import Entered, end_by_public_id, end_sessions_of, public_id, sessions_of
from portal.accounts.tables import SessionKind
from portal.accounts.totp import address_of
from portal.accounts.user_agents import device_words
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.pages.finishing_routes import APP_CODE, NO_PASSKEY, WRONG_CODE, in_fours, own_origin
from portal.pages.forms import Field, Form
from portal.pages.navigation import PROFILE, Place
from portal.pages.own_fields import CURRENT_PASSWORD
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

SECURITY = Place("Security", "/account/security")
AUTHENTICATOR, PASSKEYS, REMOVE = (f"{SECURITY.href}/{name}" for name in ("authenticator", "passkeys", "remove"))
ADD_APP = Form(action=AUTHENTICATOR, button="Go on", fields=(CURRENT_PASSWORD,))
CONFIRM_APP = replace(APP_CODE, action=f"{AUTHENTICATOR}/code")
ADD_PASSKEY = Form(
    action=PASSKEYS,
    button="Add a passkey",
    fields=(
        CURRENT_PASSWORD,
        Field(name="name", label="Name", hint="For yourself, such as “Laptop”", most=60, fill="off"),
    ),
)
REMOVE_FACTOR = Form(action=REMOVE, button="Remove it", fields=(CURRENT_PASSWORD,), hidden={"passkey": ""}, danger=True)


@router.get(SECURITY.href)
async def security(request: Request, who: EnteredHere) -> Response:
    """Sessions and second factors."""
    portal, account_id = portal_of(request), who.viewer.account_id
    async with portal.database.reading() as connection:
        rows = await sessions_of(connection, account_id)
        keys = await passkeys_of(connection, account_id)
    account = await portal.owner.account(account_id)
    open_sessions = [
        {
            "id": public_id(row.key),
            "here": row.key == who.session.key,
            "device": device_words(row.agent),
            "is_program": row.kind is SessionKind.TOKEN,
            "address": row.address,
            "created_at": row.created_at,
            "last_used_at": row.last_used_at,
        }
        for row in rows
    ]
    return PAGES.page(
        request,
        "security.html",
        who,
        SECURITY.words,
        place=PROFILE.href,
        help_at="security",
        sessions=open_sessions,
        factors=account.factors,
        passkeys=keys,
        offers_passkeys=_site(request) is not None,
    )


@router.post(f"{SECURITY.href}/sessions/end")
async def end_one(request: Request, who: EnteredHere) -> Response:
    """End one session of one's own."""
    wanted = str((await request.form()).get("session") or "")
    portal, account_id = portal_of(request), who.viewer.account_id
    await portal.database.write(lambda connection: end_by_public_id(connection, account_id, wanted))
    return RedirectResponse(SECURITY.href, status_code=303)


@router.post(f"{SECURITY.href}/sessions/end-others")
async def end_others(request: Request, who: EnteredHere) -> Response:
    """Sign out everywhere else."""
    portal, account_id = portal_of(request), who.viewer.account_id
    await portal.database.write(lambda connection: end_sessions_of(connection, account_id, but=who.session.key))
    return RedirectResponse(SECURITY.href, status_code=303)


@router.get(AUTHENTICATOR)
async def authenticator_form(request: Request, who: EnteredHere) -> Response:
    """Before the secret is shown, the password is asked for."""
    return _form_page(request, who, "Add an authenticator app", ADD_APP)


@router.post(AUTHENTICATOR)
async def show_secret(request: Request, who: EnteredHere) -> Response:
    """The secret for the app, and the form for its code."""
    form = await _with_password(request, who, ADD_APP)
    if form.faults:
        return _form_page(request, who, "Add an authenticator app", form, status=400)
    portal = portal_of(request)
    if (await portal.owner.account(who.viewer.account_id)).factors.authenticator:
        return RedirectResponse(SECURITY.href, status_code=303)
    secret = await portal.owner.begin_authenticator(who.viewer.account_id)
    return _app_page(request, who, CONFIRM_APP, in_fours(secret), address_of(secret, who.viewer.user_id))


@router.post(f"{AUTHENTICATOR}/code")
async def confirm_app(request: Request, who: EnteredHere) -> Response:
    """The app has the secret, as its code shows. A wrong code does not show the secret again."""
    form, portal, account_id = await CONFIRM_APP.read(request), portal_of(request), who.viewer.account_id
    if not form.faults:

        async def job(connection: AsyncConnection) -> list[str] | None:
            return await portal.owner.confirm_authenticator(connection, account_id, form["code"])

        codes = await portal.database.write(job)
        if codes is not None:
            return _added(request, who, codes)
        form = form.refused({"code": WRONG_CODE})
    return _app_page(request, who, form, "", "", 400)


@router.get(PASSKEYS)
async def passkey_form(request: Request, who: EnteredHere) -> Response:
    """The form whose button asks the browser for a passkey."""
    if _site(request) is None:
        raise NotFound
    return _form_page(request, who, "Add a passkey", ADD_PASSKEY)


@router.post(f"{PASSKEYS}/options")
async def passkey_options(request: Request, who: EnteredHere) -> Response:
    """What the browser needs to make a passkey; nothing without the password."""
    site = _need_site(request)
    form = await _with_password(request, who, ADD_PASSKEY)
    if form.faults:
        return JSONResponse({"faults": dict(form.faults)}, status_code=422)
    asked = await portal_of(request).passkeys.options_to_add(
        who.session, who.viewer.account_id, who.viewer.user_id, site
    )
    return JSONResponse(asked)


@router.post(PASSKEYS)
async def add_passkey(request: Request, who: EnteredHere) -> Response:
    """Keep the passkey that the browser made."""
    site, portal, account_id = _need_site(request), portal_of(request), who.viewer.account_id
    answer = (await request.form()).get("credential")
    form = await _with_password(request, who, ADD_PASSKEY)
    if not form.faults:

        async def job(connection: AsyncConnection) -> list[str] | None:
            name = form["name"] or "Passkey"
            made = await portal.passkeys.add(connection, who.session, account_id, answer, name, site)
            return await portal.owner.factor_added(connection, account_id, "a passkey") if made else None

        codes = await portal.database.write(job)
        if codes is not None:
            return _added(request, who, codes)
        form = form.refused({"current_password": NO_PASSKEY})
    return _form_page(request, who, "Add a passkey", form, status=400)


@router.get(REMOVE)
async def remove_form(request: Request, who: EnteredHere, passkey: str = "") -> Response:
    """Before a factor is taken away, the password is asked for."""
    form = replace(REMOVE_FACTOR, hidden={"passkey": passkey if passkey.isdecimal() else ""})
    return _form_page(request, who, "Remove a second factor", form)


@router.post(REMOVE)
async def remove(request: Request, who: EnteredHere) -> Response:
    """Take a factor away."""
    form = await _with_password(request, who, REMOVE_FACTOR)
    if not form.faults:
        chosen = form.hidden["passkey"]
        passkey_id = int(chosen) if chosen.isdecimal() and len(chosen) < 10 else None
        refused = await portal_of(request).owner.remove_factor(who.viewer.account_id, passkey_id)
        if refused is None:
            return RedirectResponse(SECURITY.href, status_code=303)
        form = form.refused(refused.faults if isinstance(refused, Faulty) else {})
    return _form_page(request, who, "Remove a second factor", form, status=400)


async def _with_password(request: Request, who: Entered, form: Form) -> Form:
    """A form that was sent, with a fault if its password is not the right one."""
    sent = await form.read(request)
    if sent.faults:
        return sent
    right = await portal_of(request).owner.is_password(who.viewer.account_id, sent["current_password"])
    return sent if right else sent.refused({"current_password": WRONG_PASSWORD})


def _site(request: Request) -> Site | None:
    return portal_of(request).passkeys.site(own_origin(request))


def _need_site(request: Request) -> Site:
    site = _site(request)
    if site is None:
        raise NotFound
    return site


def _added(request: Request, who: Entered, codes: Sequence[str]) -> Response:
    if not codes:
        return RedirectResponse(SECURITY.href, status_code=303)
    return PAGES.page(
        request,
        "recovery_codes.html",
        who,
        "Your recovery codes",
        place=PROFILE.href,
        beneath=(SECURITY,),
        help_at="security",
        codes=codes,
        onward=SECURITY.href,
    )


def _app_page(request: Request, who: Entered, form: Form, secret: str, otpauth: str, status: int = 200) -> Response:
    return PAGES.page(
        request,
        "add_factor.html",
        who,
        "Set up a second factor",
        place=PROFILE.href,
        beneath=(SECURITY,),
        help_at="security",
        status=status,
        error=bool(form.faults),
        form=form,
        csrf=who.session.csrf,
        secret=secret,
        otpauth=otpauth,
        passkeys="",
    )


def _form_page(request: Request, who: Entered, title: str, form: Form, status: int = 200) -> Response:
    return PAGES.page(
        request,
        "passkey_form.html" if form.action == PASSKEYS else "own_form.html",
        who,
        title,
        place=PROFILE.href,
        beneath=(SECURITY,),
        help_at="security",
        status=status,
        error=bool(form.faults),
        form=form,
        lead="",
    )
