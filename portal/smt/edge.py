"""The edge of every path of the façade: POST only, JSON always, and a dead token answered without any work."""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from portal.smt.bodies import BadBody, read_body
from portal.smt.dead_tokens import LONGEST_TOKEN, DeadTokens
from portal.viewer import Viewer

log = logging.getLogger(__name__)

Body = Mapping[str, Any]
Respond = Callable[[Request], Awaitable[Response]]
"""Answers a POST; what it raises is turned into JSON."""
OpenHandler = Callable[[Request, Body], Awaitable[JSONResponse]]
"""Answers a request that needs no token."""
Handler = Callable[[Viewer, Body], Awaitable[dict[str, Any] | list[dict[str, Any]]]]
"""Answers a signed-in request with the JSON of a 200."""
FindViewer = Callable[[str], Awaitable[Viewer | None]]
"""Who holds a token; None if it is not, or no longer, anybody's."""


class JsonPost:
    """An ASGI application for one path. Nothing it is sent makes it answer in anything but application/json."""

    def __init__(self, respond: Respond) -> None:
        self._respond_to = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method != "POST":
            return JSONResponse({"message": "Method Not Allowed"}, 405, headers={"Allow": "POST"})
        try:
            return await self._respond_to(request)
        except BadBody as refusal:
            return JSONResponse({"message": str(refusal)}, refusal.status)
        except HTTPException as refusal:  # the application's own limit of bodies, for one
            return JSONResponse({"message": refusal.detail}, refusal.status_code)
        except Exception:  # the edge of the façade: whatever went wrong, its clients read JSON only
            log.exception("%s failed", request.url.path)
            return JSONResponse({"message": "Internal Server Error"}, 500)


class Guard:
    """Lets requests with a live token through to their handlers."""

    def __init__(self, find_viewer: FindViewer, dead: DeadTokens) -> None:
        self._find_viewer = find_viewer
        self._dead = dead

    def open(self, handler: OpenHandler) -> JsonPost:
        """A path that anybody may use."""

        async def respond(request: Request) -> JSONResponse:
            return await handler(request, await read_body(request))

        return JsonPost(respond)

    def closed(self, handler: Handler) -> JsonPost:
        """A path that needs a token; it is judged before the body is read."""

        async def respond(request: Request) -> JSONResponse:
            token = bearer(request)
            viewer = None if token in self._dead or not token else await self._find_viewer(token)
            if viewer is None:
                return self._refuse(token)
            return JSONResponse(await handler(viewer, await read_body(request)))

        return JsonPost(respond)

    def _refuse(self, token: str) -> JSONResponse:
        wait_s = self._dead.refuse(token) if token else None
        if wait_s is None:
            return JSONResponse({"message": "Invalid Token"}, 401, headers={"WWW-Authenticate": "Bearer"})
        again = {"Retry-After": str(math.ceil(wait_s))}
        return JSONResponse({"message": "Invalid Token, repeated too often: sign in again"}, 429, headers=again)


def bearer(request: Request) -> str:
    """The bearer token of a request, its scheme in any case; empty if there is none, or none that could be ours."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and len(token) <= LONGEST_TOKEN else ""


async def no_such_path(request: Request) -> JSONResponse:
    """The answer on paths that only look like ours."""
    return JSONResponse({"message": f"There is no {request.url.path[:200]}"}, 404)
