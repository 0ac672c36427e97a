"""Reads of one ZigBee meter through driver, zigpy and bellows, against a bare ASH echo on the same kind of line.

    python tests/bench/zigbee.py [reads]

Each co-processor is a process of its own on a TCP port. Echo: one EZSP command there and back, nothing decoded, by a
host of fifty lines. Read: the registers of one meter by gateway.ports.Driver.read, encrypted, scaled, its age known;
that is two commands, two callbacks and a message on the air. The two take turns; the ratio is the median of the rounds.
Where `make interop` has installed zigbee-herdsman, its rate follows: one attribute of one meter, plain, read by node.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.zigbee import ZigBeeDriver
from gateway.clock import SystemClock
from gateway.dice import SystemDice
from gateway.ports import Assignment
from simulators.processes import Child, metergate
from simulators.street import street
from tests.bench._ash_host import AshHost
from tests.interop.__main__ import Disagreement, herdsman, meet

VERSIONS = (13, 14, 19)
READS, ROUNDS = 200, 7
PAYLOAD = bytes(60)


async def timed(one: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """The seconds of each of so many calls, one after the other."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await one()
        taken.append(time.perf_counter() - began)
    return taken


async def compare(version: int, reads: int) -> float:
    """One line of the table; returns our reads a second."""
    children = [
        Child(f"ncp {n}", metergate("lab", "ncp", "--meters=4", f"--seed={n}", f"--ezsp={version}")) for n in (1, 2)
    ]
    try:
        ports = [int((await child.start())["port"]) for child in children]
        host = await AshHost.connected(ports[0], version)
        told = ZigBeeDriver.Settings(radio=f"socket://127.0.0.1:{ports[1]}")
        driver = ZigBeeDriver("bench", told, SystemClock(), SystemDice())
        running = asyncio.create_task(driver.run())
        [premise, *_] = street(2, 4)
        meter = Assignment(meter=premise.meter, driver="bench", address=premise.eui64)
        await driver.read(meter, 30)
        rounds = [
            (await timed(lambda: host.echo(PAYLOAD), reads), await timed(lambda: driver.read(meter, 30), reads))
            for _ in range(ROUNDS)
        ]
        host.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        for child in children:
            await child.stop()
    ratio = median(sum(echoes) / sum(driven) for echoes, driven in rounds)
    all_reads = [seconds * 1000 for _, driven in rounds for seconds in driven]
    rate = median(reads / sum(driven) for _, driven in rounds)
    echo_rate = median(reads / sum(echoes) for echoes, _ in rounds)
    cuts = quantiles(all_reads, n=100)
    sys.stdout.write(
        f"EZSP {version}: {rate:4.0f} reads/s, p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms; bare ASH echo "
        f"{echo_rate:5.0f}/s; a read at {ratio:.0%} of the echo's rate\n"
    )
    sys.stdout.flush()
    return rate


async def beside_herdsman(version: int, reads: int, ours: float) -> None:
    """Another host's rate at a co-processor of the same version, and ours as its multiple."""
    try:
        told = (await meet(version, reads * ROUNDS))["rate"]
    except (Disagreement, TimeoutError) as trouble:
        sys.stdout.write(f"EZSP {version}: zigbee-herdsman got nowhere ({trouble})\n")
        return
    theirs = told["reads"] / told["seconds"]
    sys.stdout.write(
        f"EZSP {version}: zigbee-herdsman {theirs:4.0f} reads/s; ours are {ours / theirs:.2f} times that\n"
    )
    sys.stdout.flush()


async def main(reads: int) -> None:
    """Print the table."""
    logging.disable(logging.ERROR)
    for version in VERSIONS:
        ours = await compare(version, reads)
        if herdsman() is not None:
            await beside_herdsman(version, reads, ours)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else READS))
