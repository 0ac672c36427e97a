"""Modbus lines for the driver's tests: simulated streets, and a puppet that answers whatever a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import settings

from drivers.modbus import ModbusDriver
from drivers.modbus.profile import named
from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.identifiers import MeterNumber
from gateway.links import Backoff, keep
from gateway.ports import Assignment
from simulators.modbus.street import ModbusPlan, ModbusStreet

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")  # a busy machine is no failure

QUICK = Backoff(first_s=0.02, last_s=0.1)


def driver(port: int, *, scheme: str = "tcp", **told: Any) -> ModbusDriver:
    """A driver on a loopback port, with little patience."""
    settings = {"link": f"{scheme}://127.0.0.1:{port}", "attempt_timeout_s": 0.3, "settle_s": 0.05, **told}
    return ModbusDriver("line", ModbusDriver.Settings(**settings), SystemClock(), SeededDice(7))


def assignment(unit: int, profile: str) -> Assignment:
    """The meter of a unit id."""
    return Assignment(meter=MeterNumber(f"M{unit}"), driver="line", address=f"{unit}/{profile}")


@asynccontextmanager
async def kept(driver: ModbusDriver) -> AsyncIterator[ModbusDriver]:
    """A driver that is run again whenever it loses its line."""
    running = asyncio.create_task(keep(driver.name, driver.run, SystemClock(), QUICK))
    try:
        yield driver
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Puppet:
    """A port that answers each piece of bytes it gets with what script makes of it."""

    def __init__(self, script: Callable[[bytes], bytes]) -> None:
        self.script = script
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self, tls: ssl.SSLContext | None = None) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while data := await reader.read(512):
                writer.write(self.script(data))
        except ConnectionError:
            pass
        finally:
            writer.close()


Standing = Callable[..., Awaitable[tuple[ModbusStreet, int]]]


@pytest.fixture
async def stand() -> AsyncIterator[Standing]:
    """Makes a street of meters stand on a free port; it is taken down after the test."""
    streets: list[ModbusStreet] = []

    async def build(profile: str, **plan: Any) -> tuple[ModbusStreet, int]:
        world = ModbusStreet(ModbusPlan(profile=named(profile), name=profile, **plan), SystemClock())
        streets.append(world)
        return world, await world.line.start()

    yield build
    for world in streets:
        await world.line.close()
