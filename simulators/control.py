"""The laboratory's control port: one JSON object per line in, one per line out, on loopback.

Lines: {"meter": "900700011", "fault": "slow", "seconds": 5}, {"meter": ..., "fault": null}, {"ncp": "reset"},
{"ncp": "drop"}, {"stats": true}. Answers: {"ok": true}, {"reads": {meter: count}}, {"error": "..."}.
"""

import asyncio
import json
from typing import Any

from gateway.errors import BadInput
from simulators.faults import Fault, FaultKind
from simulators.world import ZigBeeStreet

_LONGEST_LINE = 4096
_LONGEST_S = 3600.0


class BadCommand(BadInput):
    """A line that is no command of the control port."""


def obey(street: ZigBeeStreet, line: str) -> dict[str, Any]:
    """Carry out one line; the answer is what goes back. Never raises over what a line says."""
    try:
        return _obey(street, _command(line))
    except BadInput as error:
        return {"error": str(error)}


def _command(line: str) -> dict[str, Any]:
    try:
        command = json.loads(line)
    except (ValueError, RecursionError):
        raise BadCommand("not a line of JSON") from None
    if not isinstance(command, dict):
        raise BadCommand("not a JSON object")
    return command


def _obey(street: ZigBeeStreet, command: dict[str, Any]) -> dict[str, Any]:
    match command:
        case {"stats": True}:
            return {"reads": street.reads(), "connections": street.ncp.connections}
        case {"ncp": "reset"}:
            street.ncp.reset()
        case {"ncp": "drop"}:
            street.ncp.drop()
        case {"meter": str(number), "fault": None}:
            street.set_fault(number, None)
        case {"meter": str(number), "fault": str(kind)}:
            street.set_fault(number, _fault(kind, command.get("seconds", 0)))
        case _:
            raise BadCommand("not a command: give meter and fault, ncp, or stats")
    return {"ok": True}


def _fault(kind: str, seconds: object) -> Fault:
    if kind not in list(FaultKind):
        raise BadCommand(f"no fault {kind[:24]!r}: there are {', '.join(FaultKind)}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_S:
        raise BadCommand(f"seconds are a number up to {_LONGEST_S:.0f}")
    return Fault(kind=FaultKind(kind), seconds=float(seconds))


class ControlPort:
    """The port; every connection may send any number of lines."""

    def __init__(self, street: ZigBeeStreet) -> None:
        self._street = street
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; returns the port's number."""
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
                answer = obey(self._street, line.decode(errors="replace"))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            return  # the other side is gone, or sent a line without an end
        finally:
            self._writers.discard(writer)
            writer.close()


async def tell(port: int, command: dict[str, Any]) -> dict[str, Any]:
    """Send one command to a control port and return its answer. Raises OSError, and BadCommand for no answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        writer.write(json.dumps(command).encode() + b"\n")
        line = await reader.readline()
        return _command(line.decode())
    finally:
        writer.close()
