"""The Modbus driver against pymodbus's bare client, making the same requests of the same simulated line, in one run.

    python tests/bench/modbus.py [in flight ...]

The line is a process of its own. Bare: `read_input_registers` alone, nothing decoded. Driver: whole reads, decoded and
checked, which for a meter whose answers may be torn are two requests; both sides make the same ones. The two take turns
over several rounds, and the medians count, for a busy machine slows whoever is running. Takes some 20 seconds.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from pymodbus.client import AsyncModbusTcpClient

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.modbus import ModbusDriver
from drivers.modbus.planner import plan
from drivers.modbus.profile import Profile, named
from gateway.clock import SystemClock
from gateway.config import find
from gateway.dice import SystemDice
from gateway.identifiers import MeterNumber
from gateway.ports import Assignment
from simulators.processes import Child, metergate

ROUND_S, ROUNDS, UNITS = 0.25, 15, 10
GOAL = 0.8
BASE = "eastron-sdm630"


async def rate(one: Callable[[int], Awaitable[object]], in_flight: int) -> tuple[float, float]:
    """How many a second, so many at a time, over the line's units in turn, and this process's CPU for each in us."""
    done, began, spent = 0, time.perf_counter(), time.process_time()

    async def keep_on(unit: int) -> None:
        nonlocal done
        while time.perf_counter() - began < ROUND_S:
            await one(unit % UNITS + 1)
            unit += in_flight
            done += 1

    await asyncio.gather(*(keep_on(unit) for unit in range(in_flight)))
    return done / (time.perf_counter() - began), (time.process_time() - spent) / done * 1e6


async def compare(port: int, folder: Path, name: str, profile: Profile, in_flight: int) -> float:
    """One line of the table; returns the driver's share of the bare client's rate."""
    requests, readings = plan(profile).requests, 2 if plan(profile).twice else 1
    bare = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, reconnect_delay=0)
    await bare.connect()
    told = ModbusDriver.Settings(link=f"tcp://127.0.0.1:{port}", profiles=folder)
    driver = ModbusDriver("bench", told, SystemClock(), SystemDice())
    running = asyncio.create_task(driver.run())
    meters = {u: Assignment(meter=MeterNumber(f"M{u}"), driver="bench", address=f"{u}/{name}") for u in range(1, 11)}

    async def barely(unit: int) -> None:
        for _ in range(readings):
            for span in requests:
                await bare.read_input_registers(span.first, count=span.count, device_id=unit)

    async def driven(unit: int) -> None:
        await driver.read(meters[unit], 10)

    try:
        rounds = [(await rate(barely, in_flight), await rate(driven, in_flight)) for _ in range(ROUNDS)]
    finally:
        bare.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    (peer, peer_us), (ours, ours_us) = (
        [median(each) for each in zip(*side, strict=True)] for side in zip(*rounds, strict=True)
    )
    share = median(mine[0] / theirs[0] for theirs, mine in rounds)
    text = f"{readings} x {len(requests)} request, {in_flight:2} in flight: bare pymodbus {peer:6.0f} reads/s "
    text += f"({peer_us:4.0f} us of CPU each), driver {ours:6.0f} ({ours_us:4.0f} us), {share:4.0%}"
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return share


async def main(flights: list[int]) -> int:
    """Print the table; 1 if a line of it misses the goal."""
    logging.disable(logging.ERROR)
    child = Child("lab", metergate("lab", "modbus", "--profile", BASE, "--units", str(UNITS)))
    with tempfile.TemporaryDirectory() as folder:
        text = find(f"meters/{BASE}.toml").read_text(encoding="utf-8")
        (Path(folder) / "once.toml").write_text(f"coherent = true\n{text}", encoding="utf-8")
        port = int((await child.start())["port"])
        try:
            shares = [
                await compare(port, Path(folder), name, named(name, Path(folder)), in_flight)
                for name in ("once", BASE)
                for in_flight in flights
            ]
        finally:
            await child.stop()
    sys.stdout.write(f"goal {GOAL:.0%}: {'met' if min(shares) >= GOAL else 'missed'}\n")
    return int(min(shares) < GOAL)


if __name__ == "__main__":
    sys.exit(asyncio.run(main([int(text) for text in sys.argv[1:]] or [1, 8])))
