"""The way in and out: the two entries, sign-in and sign-out."""

from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import end_session
from portal.accounts.signing_in import SignInRefused
from portal.context import portal_of
from portal.entrance import EnteredHere, entered, is_foreign, key_before, origin_of
from portal.errors import ForgedRequest, SignInRequired, problem_of_refusal
from portal.pages.forms import Field, FieldKind, Form
from portal.pages.navigation import CUSTOMERS_IN, MARKET_IN, REGISTER_COMPANY, REGISTER_CUSTOMER, Place, home
from portal.pages.render import PAGES, inside
from portal.pages.session_cookie import forget, gone_on
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

SIGN_IN = Form(
    action="/login",
    button="Sign in",
    fields=(
        Field(
            name="user_id",
            label="User ID",
            required=True,
            missing="Enter your user ID",
            tip="The name that you chose when you registered. Capital and small letters are the same.",
            fill="username",
            literal=True,
        ),
        Field(
            name="password",
            label="Password",
            kind=FieldKind.PASSWORD,
            required=True,
            missing="Enter your password",
            tip="Capital and small letters differ. More than four wrong passwords lock the account.",
            fill="current-password",
        ),
    ),
    hidden={"next": "/", "entry": CUSTOMERS_IN.href},
)


@router.get("/")
async def start(request: Request, next: str = "/") -> Response:  # noqa: A002  # the parameter's name in the address
    """The sign-in page for whoever is not signed in, the own start page for the others."""
    return await _entry(request, CUSTOMERS_IN, next)


@router.get("/private")
async def private(request: Request, next: str = "/") -> Response:  # noqa: A002  # the parameter's name in the address
    """The entry of companies; it differs in who may register there (ENT-02, ENT-03)."""
    return await _entry(request, MARKET_IN, next)


@router.post("/login")
async def sign_in(request: Request) -> Response:
    """Sign in, then go where somebody wanted to; refused, the form comes back with what was typed but the password."""
    if is_foreign(request):
        raise ForgedRequest
    form = await SIGN_IN.read(request)
    if form.faults:
        return _sign_in_page(request, form, status=400)
    portal = portal_of(request)
    answer = await portal.door.sign_in(form["user_id"], form["password"], origin_of(request), key_before(request))
    if isinstance(answer, SignInRefused):
        problem = problem_of_refusal(answer, portal.clock)
        page = _sign_in_page(request, form.refused({"user_id": answer.words}), problem.status)
        page.headers.update(problem.headers)
        return page
    return gone_on(request, answer, form.hidden["next"])


@router.post("/logout")
async def sign_out(request: Request, who: EnteredHere) -> Response:
    """End the session, in the browser and here."""
    await portal_of(request).database.write(lambda connection: end_session(connection, who.session.key))
    gone = RedirectResponse("/", status_code=303)
    forget(request, gone)
    return gone


async def _entry(request: Request, entry: Place, onward: str) -> Response:
    try:
        who = await entered(request)
    except SignInRequired:
        return _sign_in_page(request, replace(SIGN_IN, hidden={"next": inside(onward), "entry": entry.href}))
    return RedirectResponse(home(who.viewer), status_code=303)


def _sign_in_page(request: Request, form: Form, status: int = 200) -> Response:
    """The form, at the entry where it was filled in."""
    entry = MARKET_IN if form.hidden["entry"] == MARKET_IN.href else CUSTOMERS_IN
    form = replace(form, hidden={"next": inside(form.hidden["next"]), "entry": entry.href})
    return PAGES.page(
        request,
        "login.html",
        None,
        "Sign in",
        place=entry.href,
        status=status,
        error=bool(form.faults),
        form=form,
        register=REGISTER_COMPANY if entry == MARKET_IN else REGISTER_CUSTOMER,
    )
