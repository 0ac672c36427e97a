"""A control port: one JSON object per line in, one per line out, on loopback; its owner says what a line means."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from gateway.clock import Clock
from gateway.errors import BadInput

_LONGEST_LINE = 4096
_LONGEST_ANSWER = 1 << 22
_LOOK_AGAIN_S = 0.05

Carry = Callable[[dict[str, Any]], dict[str, Any]]
"""Carries out one command and returns what goes back; raises BadInput in words."""


class BadCommand(BadInput):
    """A line that is no command of the control port."""


def answer_to(carry: Carry, line: str) -> dict[str, Any]:
    """Carry out one line; the answer is what goes back. Never raises over what a line says."""
    try:
        return carry(parsed(line))
    except BadInput as error:
        return {"error": str(error)}


def parsed(line: str) -> dict[str, Any]:
    """The JSON object that a line is. Raises BadCommand."""
    try:
        command = json.loads(line)
    except (ValueError, RecursionError):
        raise BadCommand("not a line of JSON") from None
    if not isinstance(command, dict):
        raise BadCommand("not a JSON object")
    return command


class LinePort:
    """The port; every connection may send any number of lines."""

    def __init__(self, carry: Carry) -> None:
        self._carry = carry
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; returns the port's number. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_LONGEST_LINE)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Hang up on everybody and stop listening."""
        for writer in list(self._writers):
            writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                answer = answer_to(self._carry, line.decode(errors="replace"))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            return  # the other side is gone, or sent a line without an end
        finally:
            self._writers.discard(writer)
            writer.close()


async def tell(port: int, command: dict[str, Any]) -> dict[str, Any]:
    """Send one command to a control port and return its answer. Raises OSError, and BadCommand for no answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_ANSWER)
    try:
        writer.write(json.dumps(command).encode() + b"\n")
        line = await reader.readline()
        return parsed(line.decode())
    finally:
        writer.close()


async def follow(
    port: int, device: str, ends: frozenset[str], clock: Clock, told: Callable[[str, str], None], timeout_s: float
) -> str:
    """Look at a device until it stands at one of some stages, or is not there; returns where it stands.

    told is given each new stage, and why the device is no further. Raises OSError.
    """
    until_s, stage = clock.monotonic() + timeout_s, ""
    while stage not in ends and clock.monotonic() < until_s:
        answer = await tell(port, {"device": device})
        if "error" in answer:
            raise BadCommand(str(answer["error"]))
        if answer["stage"] != stage:
            stage = str(answer["stage"])
            told(stage, str(answer["failure"]))
        await clock.sleep(_LOOK_AGAIN_S)
    return stage
