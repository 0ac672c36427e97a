"""How a body travels to a receiver: one POST, to machines that may be reached, no further than told, within a time."""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from gateway.clock import Clock
from portal.webhooks.addresses import Reach
from portal.webhooks.outbox import Try
from portal.webhooks.settings import WebhookSettings

MOST_ANSWER_BYTES = 16_384
"""What is read of an answer, and thrown away: only its status counts."""
NAME = "metergate-webhooks/1"


class Postman:
    """A client of its own for webhooks; use it as `async with`.

    It follows no redirects, keeps no cookies, uses no proxy, unpacks nothing, and asks for each connection whether its
    address may be reached.
    """

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._reach = Reach(settings.allowed_networks)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context()
        if self._settings.ca_file is not None:
            context.load_verify_locations(self._settings.ca_file)
        connector = aiohttp.TCPConnector(
            ssl=context, socket_factory=self._reach.socket, use_dns_cache=False, limit=self._settings.lanes
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
            headers={"User-Agent": NAME, "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, address: str, headers: Mapping[str, str], body: bytes) -> Try:
        """Send a body; a success is a status from 200 to 299."""
        began_s = self._clock.monotonic()
        code, error = await self._asked(address, headers, body)
        return Try(code=code, error=error, took_ms=int((self._clock.monotonic() - began_s) * 1000))

    async def _asked(self, address: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, str | None]:
        assert self._session is not None, "a postman is used inside `async with`"
        sent = {"Content-Type": "application/json", **headers}
        try:
            async with self._session.post(address, data=body, headers=sent, allow_redirects=False) as response:
                left = MOST_ANSWER_BYTES
                while left > 0 and (piece := await response.content.read(left)):
                    left -= len(piece)
                return response.status, None if 200 <= response.status < 300 else f"answered {response.status}"
        except (aiohttp.ClientError, OSError) as trouble:
            return None, words_of(trouble, self._settings.timeout_s)


def words_of(trouble: Exception, timeout_s: float) -> str:
    """What went wrong, in words that tell nothing of our own network."""
    if isinstance(trouble, TimeoutError):
        return f"no whole answer within {timeout_s:g} s"
    if isinstance(trouble, aiohttp.ClientConnectorDNSError):
        return "its name could not be resolved"
    if isinstance(trouble, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "TLS failed: its certificate was not accepted, or it does not speak TLS"
    if isinstance(trouble, aiohttp.ClientConnectorError):
        return "no connection: it refused, or its address is not public"
    if isinstance(trouble, aiohttp.InvalidURL):
        return "its address is none that can be asked"
    return "it broke off, or did not speak HTTP"
