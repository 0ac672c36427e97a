"""HTTP servers inside our process: plain and over TLS, the same application, signals left to the process."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gateway.errors import BadConfig

BACKLOG = 2048
CLOSE_S = 3
"""How long a stop waits for answers that are being made; a long poll is cut short."""


class HttpServer(uvicorn.Server):
    """One listening port. `listening` is set once it answers; setting `should_exit` ends `serve`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal: the process stops its servers itself."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets=sockets)
        self.listening.set()


def http_server(app: ASGIApp, certificate: Path | None = None, key: Path | None = None) -> HttpServer:
    """A server for an application, over TLS if it has a certificate. Raises BadConfig if that cannot be used."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=CLOSE_S,
    )
    try:
        config.load()
    except OSError as error:
        raise BadConfig(f"the certificate {certificate} with the key {key} cannot be used: {error}") from None
    return HttpServer(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises BadConfig in words if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        place = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise BadConfig(f"cannot listen on {host}:{port}: {error.strerror}") from None
    # Connections inherit it: an answer of two segments would wait 40 ms for the other side's acknowledgement.
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return place
