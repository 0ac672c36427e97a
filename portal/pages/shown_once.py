"""A secret on its way from the form that made it to the one page that shows it: sealed, for a minute, once.

The browser carries it, sealed for its own session, so that any process can show it and none has to keep it. The page
takes it away from the browser: neither a reload nor Back shows it again, and no page of the portal is ever cached.
"""

import base64
import binascii

from fastapi import Request
from fastapi.responses import Response

from gateway.errors import BadConfig
from portal.accounts.sessions import Entered
from portal.context import portal_of

COOKIE = "metergate-once"
LIVES_S = 60


def hand_over(request: Request, response: Response, who: Entered, place: str, secret: str) -> None:
    """Let the browser bring a secret to the page at this address, and nowhere else."""
    portal = portal_of(request)
    until = int(portal.clock.now().timestamp()) + LIVES_S
    sealed = portal.vault.seal(f"{until} {secret}".encode(), _name(who, place))
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=LIVES_S,
        path=place,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def taken(request: Request, who: Entered, place: str) -> str | None:
    """The secret that was handed over to this page, None if there is none, or not for this session, or not any more."""
    portal = portal_of(request)
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(COOKIE, ""))
        until, _, secret = portal.vault.open(sealed, _name(who, place)).decode().partition(" ")
    except (binascii.Error, ValueError, BadConfig):
        return None
    return secret if portal.clock.now().timestamp() < int(until) else None


def forget(request: Request, response: Response, place: str) -> None:
    """Take it away from the browser: it has been shown."""
    secure = request.url.scheme == "https"
    response.delete_cookie(COOKIE, path=place, secure=secure, httponly=True, samesite="strict")


def _name(who: Entered, place: str) -> str:
    return f"once {place} {who.session.key}"
