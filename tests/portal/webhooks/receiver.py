"""A receiver of webhooks as a company would run it: a real HTTP server on loopback that checks signatures itself."""

import asyncio
import base64
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Got:
    """One request that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """What repetitions are told by."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    def signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is right; computed from the convention's words, not by the portal's code."""
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        words = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.{self.body.decode()}"
        right = base64.b64encode(hmac.digest(key, words.encode(), "sha256")).decode()
        versions = [each.split(",", 1) for each in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(given, right) for version, given in versions)


@dataclass
class Receiver:
    """What came, and how to answer: by a status, or by a handler of the test's own."""

    port: int = 0
    status: int = 204
    answering: Answering | None = None
    got: list[Got] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks"

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Keep a request and answer it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(headers, await request.read()))
        self.came.set()
        if self.answering is not None:
            return await self.answering(request)
        return web.Response(status=self.status)


@asynccontextmanager
async def receiving(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver that listens while the block lasts."""
    receiver, app = Receiver(), web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()
