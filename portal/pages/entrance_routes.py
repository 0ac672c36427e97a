"""The way in and out: the start page, sign-in and sign-out."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import end_session
from portal.accounts.signing_in import SignInRefused
from portal.accounts.tables import SessionKind
from portal.context import portal_of
from portal.entrance import EnteredHere, cookie_name, entered, is_foreign
from portal.errors import ForgedRequest, SignInRequired, problem_of_refusal
from portal.pages.navigation import home
from portal.pages.render import PAGES, inside

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/")
async def start(request: Request, next: str = "/") -> Response:  # noqa: A002  # the parameter's name in the address
    """The sign-in page for whoever is not signed in, the own start page for the others."""
    try:
        who = await entered(request)
    except SignInRequired:
        return _sign_in_page(request, next=inside(next))
    return RedirectResponse(home(who.viewer), status_code=303)


@router.post("/login")
async def sign_in(
    request: Request,
    user_id: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002  # the field's name
) -> Response:
    """Sign in, then go where somebody wanted to; refused, the form comes back with what was typed but the password."""
    if is_foreign(request):
        raise ForgedRequest
    onward = inside(next)
    blanks = (("user_id", user_id.strip(), "Enter your user ID"), ("password", password, "Enter your password"))
    faults = {field: words for field, value, words in blanks if not value}
    if faults:
        return _sign_in_page(request, faults, user_id, onward, status=400)
    portal = portal_of(request)
    address = request.client.host if request.client else ""
    answer = await portal.door.sign_in(user_id.strip(), password, SessionKind.PAGE, address)
    if isinstance(answer, SignInRefused):
        problem = problem_of_refusal(answer, portal.clock)
        page = _sign_in_page(request, {"user_id": answer.words}, user_id, onward, problem.status)
        page.headers.update(problem.headers)
        return page
    gone = RedirectResponse(home(answer.viewer) if onward == "/" else onward, status_code=303)
    secure = request.url.scheme == "https"
    gone.set_cookie(cookie_name(request), answer.secret, httponly=True, samesite="lax", secure=secure, path="/")
    return gone


@router.post("/logout")
async def sign_out(request: Request, who: EnteredHere) -> Response:
    """End the session, in the browser and here."""
    await portal_of(request).database.write(lambda connection: end_session(connection, who.session.key))
    gone = RedirectResponse("/", status_code=303)
    gone.delete_cookie(cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True)
    return gone


def _sign_in_page(
    request: Request,
    faults: Mapping[str, str] | None = None,
    user_id: str = "",
    next: str = "/",  # noqa: A002  # the field's name
    status: int = 200,
) -> Response:
    """The form; faults are words by field."""
    return PAGES.page(
        request,
        "login.html",
        None,
        "Sign in",
        status=status,
        error=bool(faults),
        faults=faults or {},
        user_id=user_id[:200],
        next=next,
    )
