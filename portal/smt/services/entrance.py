"""Who calls a service: a bearer token of the second version, or user name and password with each call of the first.

The first version also asked for a client certificate and a registered address; whoever runs the portal may add both in
front of it.
"""

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from starlette.requests import Request

from gateway.dice import Dice
from portal.accounts.signing_in import Door, SignInRefused
from portal.entrance import origin_of
from portal.smt.edge import bearer
from portal.viewer import Viewer

MOST_KNOWN = 4096
LONGEST_HEADER = 1024


class ServiceEntrance:
    """Turns a request into its viewer. A password is checked once and then stands for the session that it opened."""

    def __init__(self, door: Door, find_viewer: Callable[[str], Awaitable[Viewer | None]], dice: Dice) -> None:
        self._door = door
        self._find_viewer = find_viewer
        self._key = dice.secret(32)
        self._known: OrderedDict[bytes, str] = OrderedDict()

    async def viewer(self, request: Request) -> Viewer | SignInRefused | None:
        """Who calls; None without any proof, or with one that is not, or no longer, good."""
        token = bearer(request)
        if token:
            return await self._find_viewer(token)
        named = basic(request)
        return None if named is None else await self._by_password(request, *named)

    async def _by_password(self, request: Request, user_id: str, password: str) -> Viewer | SignInRefused | None:
        # The digest is keyed with a secret of this process alone, and never leaves its memory.
        key = hmac.new(self._key, f"{user_id}\0{password}".encode(), hashlib.sha256).digest()
        token = self._known.pop(key, None)
        found = await self._find_viewer(token) if token is not None else None
        if found is not None and token is not None:
            self._known[key] = token
            return found
        answer = await self._door.sign_in_program(user_id, password, origin_of(request))
        if isinstance(answer, SignInRefused):
            return answer
        self._known[key] = answer.secret
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return answer.viewer


def basic(request: Request) -> tuple[str, str] | None:
    """User name and password of a request, None if it brings none that can be read."""
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or len(coded) > LONGEST_HEADER:
        return None
    try:
        user_id, colon, password = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user_id, password) if colon else None
