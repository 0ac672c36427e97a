"""The laboratory's control port: one JSON object per line in, one per line out, on loopback.

Lines about meters: {"meter": "900700011", "fault": "slow", "seconds": 5}, {"meter": ..., "fault": null},
{"meter": ..., "tamper": true}, {"meter": ..., "reboot": true}, {"meter": ..., "drift_ppm": 50}. About home-area
devices: {"devices": true}, {"device": EUI-64}, and with that "power": "on", "press": "opt_out" (and "event": 7), or
"picture": true. About the rest: {"air": {"loss": 0.1}}, {"ncp": "reset"}, {"ncp": "drop"}, {"stats": true}.
Answers: {"ok": true}, what was asked for, or {"error": "..."}.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from gateway.clock import Clock
from gateway.errors import BadInput
from gateway.identifiers import Eui64
from simulators.faults import Fault, FaultKind
from simulators.home_devices import HomeDevice
from simulators.meter import SimMeter
from simulators.world import ZigBeeStreet
from simulators.zigbee.air.weather import CLEAR, Weather
from simulators.zigbee.devices.panel import Panel, Pictured

_LONGEST_LINE = 4096
_LONGEST_S = 3600.0
_SHARES = ("loss", "damage", "doubling", "delay_s", "jitter_s")
MOST_LISTED = 1000


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
            fates = {str(fate): count for fate, count in street.radio.sky.counts.items()}
            return {"reads": street.reads(), "connections": street.ncp.connections, "air": fates}
        case {"ncp": "reset"}:
            street.ncp.reset()
        case {"ncp": "drop"}:
            street.ncp.drop()
        case {"air": dict(weather)}:
            street.radio.sky.weather = _weather(weather)
        case {"meter": str(number)}:
            _meter(street.meter(number), command)
        case {"devices": True}:
            return {"devices": [_listed(street, each) for each in islice(street.homes, MOST_LISTED)]}
        case {"device": str(eui64)}:
            return _device(street, Eui64(eui64), command)
        case _:
            raise BadCommand("not a command: give meter, device, devices, air, ncp, or stats")
    return {"ok": True}


def _meter(meter: SimMeter, command: dict[str, Any]) -> None:
    """Break or mend a meter, or have something happen to it."""
    match command:
        case {"fault": None}:
            meter.fault = None
        case {"fault": str(kind)}:
            meter.fault = _fault(kind, command.get("seconds", 0))
        case {"tamper": bool(is_open)}:
            meter.tamper(open_=is_open)
        case {"reboot": True}:
            meter.reboot()
        case {"drift_ppm": int() | float() as ppm} if not isinstance(ppm, bool) and abs(ppm) <= 1e5:
            meter.drift_ppm = float(ppm)
        case _:
            raise BadCommand("give with a meter: fault, tamper, reboot, or drift_ppm")


def _fault(kind: str, seconds: object) -> Fault:
    if kind not in list(FaultKind):
        raise BadCommand(f"no fault {kind[:24]!r}: there are {', '.join(FaultKind)}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_S:
        raise BadCommand(f"seconds are a number up to {_LONGEST_S:.0f}")
    return Fault(kind=FaultKind(kind), seconds=float(seconds))


def _weather(told: Mapping[str, Any]) -> Weather:
    """The weather that shares, delays and cut-off EUI-64s make; nothing told is a clear sky. Raises BadInput."""
    if not told:
        return CLEAR
    cut_off = told.get("cut_off", [])
    wrong = set(told) - {*_SHARES, "lqi_matters", "cut_off"}
    numbers = {name: told[name] for name in _SHARES if name in told}
    if wrong or not isinstance(cut_off, list) or not all(type(each) in (int, float) for each in numbers.values()):
        raise BadCommand(f"air takes numbers for {', '.join(_SHARES)}, lqi_matters, and a list cut_off of EUI-64s")
    addresses = frozenset(int(Eui64(str(each)), 16) for each in cut_off)
    return replace(CLEAR, lqi_matters=told.get("lqi_matters") is True, cut_off=addresses, **numbers)


def _device(street: ZigBeeStreet, eui64: Eui64, command: dict[str, Any]) -> dict[str, Any]:
    """Look at a device, switch it on or off, or press a button of it."""
    plan, device, now = street.homes.named(eui64), street.homes.device(eui64), street.clock.now()
    front, event = device.behaviour, command.get("event")
    match command:
        case {"power": "on"}:
            device.power_on()
        case {"power": "off"}:
            street.later(device.power_off())
        case {"press": str(button)} if isinstance(front, Panel) and (event is None or type(event) is int):
            front.press(button, event, now)
        case {"picture": True} if isinstance(front, Pictured):
            return {"picture": front.picture(now)}
        case _ if set(command) - {"device"}:
            raise BadCommand("give with a device: power on or off, press, or picture if it has a face")
    shown = front.shows(now) if isinstance(front, Panel) else {}
    return {**_listed(street, plan), "install_code": plan.label, "failure": device.failure, "shows": shown}


def _listed(street: ZigBeeStreet, plan: HomeDevice) -> dict[str, Any]:
    living = street.homes.living(plan.eui64)
    stage = "off" if living is None else str(living.stage)
    return {"device": plan.eui64, "kind": plan.kind, "meter": plan.premise.meter, "stage": stage}


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


async def follow(port: int, device: str, ends: frozenset[str], clock: Clock, told: Any, timeout_s: float) -> str:
    """Look at a device until it stands at one of some stages; told is given each new stage. Raises OSError."""
    until_s, stage = clock.monotonic() + timeout_s, ""
    while stage not in ends and clock.monotonic() < until_s:
        answer = await tell(port, {"device": device})
        if answer.get("stage") != stage:
            stage = str(answer.get("stage", answer.get("error")))
            told(stage, str(answer.get("failure", "")))
        await clock.sleep(0.05)
    return stage
