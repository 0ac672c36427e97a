"""A co-processor's serial line as a TCP port: one host at a time, the newest wins."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from gateway.clock import Clock
from simulators.zigbee.ash_link import AshLink, ResetAsked
from simulators.zigbee.ncp.coprocessor import Coprocessor
from simulators.zigbee.ncp.pacing import Pace

log = logging.getLogger(__name__)

RESET_EXTERNAL, RESET_WATCHDOG, RESET_SOFTWARE = 0x01, 0x03, 0x0B
_MOST_UNREAD = 256 * 1024
"""Bytes that a host may leave unread before it is cut off."""


class NcpServer:
    """The port. It resets the co-processor when a host connects, as a serial line's opening does.

    window is how many ASH frames may be unacknowledged, baud the rate of the line, which None does not limit.
    """

    def __init__(self, coprocessor: Coprocessor, clock: Clock, window: int = 5, baud: int | None = None) -> None:
        self._coprocessor, self._clock, self._window, self._baud = coprocessor, clock, window, baud
        self._server: asyncio.Server | None = None
        self._line: _Line | None = None
        self.connections = 0

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Listen; returns the port, which is a free one if 0 was asked for."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Hang up and stop listening."""
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def reset(self, code: int = RESET_WATCHDOG) -> None:
        """Reset out of the blue, as a crash does; the host's connection stays."""
        self._coprocessor.reset()
        if self._line is not None:
            self._line.restart(code)

    def drop(self) -> None:
        """Cut the host's connection."""
        if self._line is not None:
            self._line.hang_up()

    def opened(self, line: "_Line") -> None:
        """A host connected: whoever was there before is cut off."""
        self.drop()
        self._line = line
        self.connections += 1
        self._coprocessor.connect(line.link)
        line.restart(RESET_SOFTWARE)

    def closed(self, line: "_Line") -> None:
        """A host's connection ended."""
        if self._line is line:
            self._line = None
            self._coprocessor.connect(None)

    def _accept(self) -> asyncio.Protocol:
        return _Line(self, self._coprocessor, self._clock, AshLink(self._window), self._baud)


class _Line(asyncio.Protocol):
    """One host's connection. Whatever a turn of the loop has to say leaves in one write."""

    def __init__(
        self, server: NcpServer, coprocessor: Coprocessor, clock: Clock, link: AshLink, baud: int | None
    ) -> None:
        self._server, self._coprocessor, self._clock = server, coprocessor, clock
        self.link = _Flushed(link, self._flush_soon)
        self._link = link
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._timer: asyncio.Task[None] | None = None
        self._inwards = Pace(clock, baud, self._arrived)
        self._outwards = Pace(clock, baud, self._write)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start over and say so; small frames must not wait for each other."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the host."""
        self._transport = None
        self._inwards.stop()
        self._outwards.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the host."""
        self._inwards.put(data)

    def _arrived(self, data: bytes) -> None:
        for event in self._link.receive(data, self._clock.monotonic()):
            if isinstance(event, ResetAsked):
                self._coprocessor.reset()
                self._link.start(RESET_SOFTWARE)
            else:
                self._coprocessor.receive(event)
        self._flush_soon()

    def restart(self, code: int) -> None:
        """Tell the host that the co-processor has started over."""
        self._link.start(code)
        self._flush_soon()

    def hang_up(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        transport = self._transport
        if transport is None:
            return
        out = self._link.outgoing(self._clock.monotonic())
        if out:
            self._outwards.put(out)
        if transport.get_write_buffer_size() + self._outwards.pending > _MOST_UNREAD:
            log.warning("a host that does not read is cut off")
            transport.abort()
        if self._timer is None and self._link.deadline() is not None:
            self._timer = asyncio.create_task(self._keep_time())

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def _keep_time(self) -> None:
        """Live as long as the link awaits something; woken late rather than rescheduled with every frame."""
        with contextlib.suppress(asyncio.CancelledError):
            while (deadline := self._link.deadline()) is not None:
                now = self._clock.monotonic()
                if now < deadline:
                    await self._clock.sleep(deadline - now)
                    continue
                self._link.tick(now)
                self._flush_soon()
                await asyncio.sleep(0)
            self._timer = None


class _Flushed:
    """A link as the co-processor sees it: whatever it is given leaves at the end of the loop's turn."""

    def __init__(self, link: AshLink, flush_soon: Callable[[], None]) -> None:
        self._link, self._flush_soon = link, flush_soon

    def respond(self, payload: bytes) -> None:
        """Queue a response."""
        self._link.respond(payload)
        self._flush_soon()

    def call_back(self, payload: bytes) -> bool:
        """Queue a callback, if there is room."""
        self._flush_soon()
        return self._link.call_back(payload)
