"""Laboratories that stand as long as somebody needs them: in a process of their own, or in the caller's event loop."""

import json
import select
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from drivers.modbus.profile import named
from gateway.clock import Clock, SystemClock
from simulators.control import ControlPort
from simulators.control_port import parsed
from simulators.head_end import HeadEndPort
from simulators.meter_network import MeterNetwork, NetworkPlan
from simulators.modbus.street import ModbusPlan, ModbusStreet
from simulators.processes import DidNotStart, metergate
from simulators.world import StreetPlan, ZigBeeStreet

_START_S, _STOP_S, _ANSWER_S = 60.0, 15.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabProcess:
    """A laboratory in a process: its ports (0 where it has none), and everything that its `ready` line told."""

    port: int
    control: int
    told: dict[str, str]

    def tell(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a command to the control port, as docs/laboratory.md has them; returns the answer. Raises OSError."""
        with socket.create_connection(("127.0.0.1", self.control), _ANSWER_S) as line:
            line.sendall(json.dumps(command).encode() + b"\n")
            with line.makefile("rb") as answers:
                return parsed(answers.readline().decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStreet:
    """A ZigBee street in this loop: itself, the co-processor's port, and the control port."""

    street: ZigBeeStreet
    port: int
    control: int


StartProcess = Callable[..., LabProcess]
StandStreet = Callable[..., AbstractAsyncContextManager[LabStreet]]
StandMeter = Callable[..., AbstractAsyncContextManager[tuple[MeterNetwork, int]]]
StandLine = Callable[..., AbstractAsyncContextManager[tuple[ModbusStreet, int]]]


@asynccontextmanager
async def standing_street(plan: StreetPlan | None = None, clock: Clock | None = None) -> AsyncIterator[LabStreet]:
    """A ZigBee street, as StreetPlan() says unless told otherwise, on real time unless there is a clock."""
    street = ZigBeeStreet(plan or StreetPlan(), clock or SystemClock())
    control = ControlPort(street)
    try:
        yield LabStreet(street=street, port=await street.start(), control=await control.start())
    finally:
        await control.close()
        await street.close()


@asynccontextmanager
async def standing_meter(
    plan: NetworkPlan | None = None, clock: Clock | None = None
) -> AsyncIterator[tuple[MeterNetwork, int]]:
    """A meter with its own network, as NetworkPlan() says unless told otherwise, and the head end's port to it."""
    home = MeterNetwork(plan or NetworkPlan(), clock or SystemClock())
    port = HeadEndPort(home)
    try:
        home.start()
        yield home, await port.start()
    finally:
        await port.close()
        await home.close()


@asynccontextmanager
async def standing_line(
    profile: str, clock: Clock | None = None, *, units: int = 1, seed: int = 7, rtu: bool = False
) -> AsyncIterator[tuple[ModbusStreet, int]]:
    """A line of Modbus meters of one profile, and its port."""
    plan = ModbusPlan(profile=named(profile), name=profile, units=units, seed=seed, rtu=rtu)
    street = ModbusStreet(plan, clock or SystemClock())
    try:
        yield street, await street.line.start()
    finally:
        await street.line.close()


def started(arguments: Sequence[str]) -> tuple[subprocess.Popen[str], LabProcess]:
    """`metergate lab` with some arguments, ready. Raises DidNotStart with its words."""
    command = metergate("lab", *arguments)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603  # our own command line
    try:
        return process, _ready(process)
    except DidNotStart:
        ended(process)
        raise


def _ready(process: subprocess.Popen[str]) -> LabProcess:
    """Wait for the line that says where it listens."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], _START_S)
    line = process.stdout.readline() if readable else ""
    if not line.startswith("ready "):
        process.kill()
        raise DidNotStart(f"the laboratory said {line + process.stdout.read()!r}")
    told = dict(word.split("=", 1) for word in line.split()[1:])
    return LabProcess(port=int(told.get("port", 0)), control=int(told["control"]), told=told)


def ended(process: subprocess.Popen[str]) -> None:
    """End it, the hard way if it does not listen."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
