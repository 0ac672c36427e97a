"""A line of simulated Modbus meters as a TCP port: Modbus/TCP, or serial frames as a transparent converter passes them.

As on a real line the meters answer one after the other; a meter's fault is its own, what arrives is not.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from random import Random

from gateway.clock import Clock
from gateway.dice import SeededDice
from simulators.modbus import frames
from simulators.modbus.faults import ModbusFaultKind
from simulators.modbus.frames import Request
from simulators.modbus.meter import Refusal, SimModbusMeter

_REMEMBERED = 4096
_MOST_WAITING = 64
"""Requests of one host that may wait; a host that sends more is cut off."""


class ModbusLine:
    """The port. heard lists requests as they came, and asked is set by the first; overlaps counts those that came
    before the one before was answered.
    """

    def __init__(self, meters: Sequence[SimModbusMeter], clock: Clock, *, rtu: bool = False, seed: int = 7) -> None:
        self.meters = {meter.unit: meter for meter in meters}
        self.heard: deque[Request] = deque(maxlen=_REMEMBERED)
        self.asked = asyncio.Event()
        self.overlaps = 0
        self._rtu, self._clock = rtu, clock
        self._noise = SeededDice(seed).stream("modbus noise")
        self._server: asyncio.Server | None = None
        self._hosts: set[_Host] = set()

    @property
    def connections(self) -> int:
        """How many hosts are connected now."""
        return len(self._hosts)

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; returns the port, a free one if 0 was asked for."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Hang up on everybody and stop listening."""
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def drop(self) -> None:
        """Cut every connection."""
        for host in list(self._hosts):
            host.hang_up()

    def requests(self, buffer: bytes) -> tuple[list[Request], bytes]:
        """Whole requests out of a buffer, and what is left of it. Raises ValueError."""
        return (frames.rtu_requests if self._rtu else frames.tcp_requests)(buffer)

    async def answer(self, request: Request) -> bytes:
        """What goes back for a request, nothing for a unit that is not there or does not speak."""
        meter = self.meters.get(request.unit)
        if meter is None or meter.has(ModbusFaultKind.SILENT):
            return b""
        fault = meter.fault
        if fault is not None and fault.kind is ModbusFaultKind.LATE:
            await self._clock.sleep(fault.seconds)
        found = meter.answer(request.function, request.first, request.count)
        if isinstance(found, Refusal):
            body = frames.exception_body(request.function, found.code)
        else:
            body = frames.registers_body(request.function, found)
        frame = (frames.rtu_frame if self._rtu else frames.tcp_frame)(request, body)
        return frame if fault is None else _damaged(frame, fault.kind, self._noise, self._rtu)

    def hear(self, requests: Sequence[Request]) -> None:
        """Note what a host asked."""
        self.heard.extend(requests)
        if requests:
            self.asked.set()

    def opened(self, host: "_Host") -> None:
        """A host connected."""
        self._hosts.add(host)

    def closed(self, host: "_Host") -> None:
        """A host's connection ended."""
        self._hosts.discard(host)

    def _accept(self) -> asyncio.Protocol:
        return _Host(self)


class _Host(asyncio.Protocol):
    """One host's connection."""

    def __init__(self, line: ModbusLine) -> None:
        self._line = line
        self._buffer = b""
        self._waiting: deque[Request] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._line.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the host and what it asked."""
        self._transport = None
        self._waiting.clear()
        if self._answering is not None:
            self._answering.cancel()
        self._line.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the host; one that does not speak Modbus is cut off."""
        try:
            requests, self._buffer = self._line.requests(self._buffer + data)
        except ValueError:
            self.hang_up()
            return
        busy = self._answering is not None and not self._answering.done()
        self._line.overlaps += max(0, len(requests) - (not busy))
        self._line.hear(requests)
        self._waiting.extend(requests)
        if len(self._waiting) > _MOST_WAITING:
            self.hang_up()
        elif requests and not busy:
            self._answering = asyncio.get_running_loop().create_task(self._answer())

    def hang_up(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _answer(self) -> None:
        while self._waiting:
            frame = await self._line.answer(self._waiting.popleft())
            if frame and self._transport is not None:
                self._transport.write(frame)


def _damaged(frame: bytes, kind: ModbusFaultKind, noise: Random, rtu: bool) -> bytes:
    """A frame as a fault of the line lets it arrive."""
    if kind is ModbusFaultKind.BAD_CRC:
        return frame[:-1] + bytes([frame[-1] ^ 0x55]) if rtu else bytes([frame[0] ^ 0x55]) + frame[1:]
    if kind is ModbusFaultKind.STRAY:
        return noise.randbytes(noise.randrange(1, 4)) + frame
    if kind is ModbusFaultKind.GARBAGE:
        return noise.randbytes(noise.randrange(1, 64))
    return frame
