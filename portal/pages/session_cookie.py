"""From an answer of the door to the browser: the cookie that it is to keep, and the page where it goes on."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.entering import HalfOpened, SignedIn
from portal.accounts.tables import SessionKind
from portal.entrance import cookie_name
from portal.pages.navigation import home
from portal.pages.render import inside

CODE = "/sign-in/code"
FIRST_SIGN_IN = "/first-sign-in"
NEXT_STEP = {SessionKind.SECOND_FACTOR: CODE, SessionKind.FIRST_SIGN_IN: FIRST_SIGN_IN}


def keep(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep a session's secret, for this site alone and out of reach of scripts."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request), secret, httponly=True, samesite="lax", secure=secure, path="/")


def forget(request: Request, response: Response) -> None:
    """Let the browser forget it."""
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request), path="/", secure=secure, httponly=True, samesite="lax")


def gone_on(request: Request, answer: SignedIn | HalfOpened, onward: str = "/") -> Response:
    """Where somebody goes on who was let in, or half in; never to another site."""
    onward = inside(onward)
    if isinstance(answer, HalfOpened):
        where = NEXT_STEP[answer.kind]
    else:
        where = home(answer.viewer) if onward == "/" else onward
    gone = RedirectResponse(where, status_code=303)
    keep(request, gone, answer.secret)
    return gone
