"""The barest host of a co-processor: one EZSP command at a time over ASH, nothing decoded. A peer for benchmarks."""

import asyncio
import socket

from simulators.zigbee.ash import Ack, Data, ResetDone, Unframer, encode

_WAIT_S = 5.0
ECHO = 0x0081


class AshHost(asyncio.Protocol):
    """Sends a command, acknowledges its answer, and hands that over."""

    def __init__(self) -> None:
        self._unframer = Unframer()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[bytes] | None = None
        self._next_out = self._next_in = self._sequence = 0

    @classmethod
    async def connected(cls, port: int, version: int) -> "AshHost":
        """A host whose co-processor has greeted it and agreed on a version."""
        _, host = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        async with asyncio.timeout(_WAIT_S):
            await host._ready
            await host.exchange(bytes((0, 0, 0, version)))
        return host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Small frames must not wait for each other."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Frames from the co-processor."""
        for frame in self._unframer.feed(data):
            if isinstance(frame, ResetDone) and not self._ready.done():
                self._ready.set_result(None)
            elif isinstance(frame, Data):
                self._next_in = (frame.number + 1) % 8
                self._transport.write(encode(Ack(self._next_in)))
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(frame.payload)

    async def echo(self, payload: bytes) -> bytes:
        """Have a payload of up to 100 bytes sent back; returns the whole answer."""
        self._sequence = (self._sequence + 1) % 256
        head = bytes((self._sequence, 0, 1)) + ECHO.to_bytes(2, "little")
        return await self.exchange(head + bytes((len(payload),)) + payload)

    async def exchange(self, command: bytes) -> bytes:
        """One command and its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(encode(Data(self._next_out, self._next_in, command)))
        self._next_out = (self._next_out + 1) % 8
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self._transport.close()
