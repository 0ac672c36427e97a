"""From a request to its Viewer: by a page's cookie or a program's bearer token, with forged changes kept out.

Cookies travel by themselves, so a change that comes with one must also carry the session's CSRF token (header
X-CSRF-Token, or the form's field `csrf`) and must not come from another site. A bearer token is proof enough.

An API key comes as a bearer token too. It is nobody's, so it opens the routes that name one of its scopes and no other.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from portal.accounts.entry import EntryRefusal
from portal.accounts.sessions import (
    Entered,
    Origin,
    Unfinished,
    find_session,
    find_unfinished,
    is_touch_due,
    key_of,
    touch,
)
from portal.accounts.tables import SessionKind
from portal.api_keys import keys
from portal.api_keys.keys import KeyHolder
from portal.api_keys.tables import Scope
from portal.context import portal_of
from portal.errors import ForgedRequest, NotPermitted, SignInRequired
from portal.viewer import Viewer

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def cookie_name(request: Request) -> str:
    """The session cookie's name; over TLS it is bound to this host and to TLS by its prefix."""
    return "__Host-metergate" if request.url.scheme == "https" else "metergate"


def credentials_of(request: Request) -> tuple[str, SessionKind] | None:
    """The secret that a request carries and its kind; a bearer token goes before a cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip(), SessionKind.TOKEN
    cookie = request.cookies.get(cookie_name(request))
    return (cookie, SessionKind.PAGE) if cookie else None


async def entered(request: Request) -> Entered:
    """Who is signed in. Raises SignInRequired, ForgedRequest for a change without its token, NotPermitted for a key."""
    if await key_holder(request) is not None:
        raise NotPermitted
    carried = credentials_of(request)
    if carried is None:
        raise SignInRequired
    portal = portal_of(request)
    now = portal.clock.now()
    found = await find_session(portal.database, *carried, portal.settings.sessions, now)
    if found is None or isinstance(found, EntryRefusal):
        raise SignInRequired
    if request.method not in SAFE and found.session.kind is SessionKind.PAGE:
        await _refuse_forgery(request, found.session.csrf)
    if is_touch_due(found.session, now):
        await portal.database.write(lambda connection: touch(connection, found.session, now))
    return found


async def unfinished(request: Request) -> Unfinished:
    """Whose sign-in is half done. Raises SignInRequired if nobody's is, or ForgedRequest."""
    secret = request.cookies.get(cookie_name(request))
    if not secret:
        raise SignInRequired
    portal = portal_of(request)
    found = await find_unfinished(portal.database, secret, portal.clock.now())
    if found is None:
        raise SignInRequired
    if request.method not in SAFE:
        await _refuse_forgery(request, found.session.csrf)
    return found


def origin_of(request: Request) -> Origin:
    """Where a request comes from."""
    return Origin(address=request.client.host if request.client else "", agent=request.headers.get("user-agent"))


def key_before(request: Request) -> str:
    """The key of the session that a browser carries into a sign-in, which is to end it; empty if it carries none."""
    secret = request.cookies.get(cookie_name(request))
    return key_of(secret) if secret else ""


async def key_holder(request: Request) -> KeyHolder | None:
    """Whose API key a request carries, None if it carries none. Raises SignInRequired if it opens nothing."""
    carried = credentials_of(request)
    if carried is None or carried[1] is not SessionKind.TOKEN or not carried[0].startswith(keys.MARK):
        return None
    portal = portal_of(request)
    now = portal.clock.now()
    async with portal.database.reading() as connection:
        holder = await keys.find_key(connection, carried[0], now)
    if holder is None:
        raise SignInRequired
    if keys.is_touch_due(holder, now):
        await portal.database.write(lambda connection: keys.touch(connection, holder, now))
    return holder


def scoped(scope: Scope) -> Callable[[Request], Awaitable[Viewer | KeyHolder]]:
    """A dependency: who asks, somebody signed in or a key with that scope. Raises NotPermitted for other keys."""

    async def here(request: Request) -> Viewer | KeyHolder:
        holder = await key_holder(request)
        if holder is None:
            return (await entered(request)).viewer
        if scope not in holder.scopes:
            raise NotPermitted
        return holder

    return here


async def viewer_here(here: Annotated[Entered, Depends(entered)]) -> Viewer:
    """The viewer of this request."""
    return here.viewer


UnfinishedHere = Annotated[Unfinished, Depends(unfinished)]
EnteredHere = Annotated[Entered, Depends(entered)]
ViewerHere = Annotated[Viewer, Depends(viewer_here)]


def is_foreign(request: Request) -> bool:
    """Whether a browser says that another site made this request."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    if origin is None or (origin == "null" and site == "same-origin"):
        return False
    return origin != f"{request.url.scheme}://{request.headers.get('host', '')}"


async def _refuse_forgery(request: Request, csrf: str) -> None:
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if is_foreign(request) or given is None or not hmac.compare_digest(given.encode(), csrf.encode()):
        raise ForgedRequest
