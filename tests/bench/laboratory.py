"""What a laboratory costs to start: a thousand co-processors of sixty nodes, and one of sixty-five thousand.

    python tests/bench/laboratory.py [radios nodes]

Each size is measured in a process of its own: the seconds until every port is open, and the memory that it took by
then. Beside it stands what as many ports take that do nothing.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.clock import SystemClock
from simulators.laboratory import measured
from simulators.world import StreetPlan

SIZES = ((1000, 60), (1, 65_000))
MEBIBYTE = 1 << 20


async def bare_ports(count: int) -> float:
    """Seconds to open so many TCP ports that do nothing."""
    began = time.perf_counter()
    servers = [await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0) for _ in range(count)]
    took_s = time.perf_counter() - began
    for server in servers:
        server.close()
        await server.wait_closed()
    return took_s


async def measure(radios: int, nodes: int) -> None:
    """One line of the table."""
    bare_s, spent_s = await bare_ports(radios), time.process_time()
    async with measured(StreetPlan(meters=nodes), radios, SystemClock()) as (_, footprint):
        spent_s = time.process_time() - spent_s
        each_kib = footprint.resident_bytes / (radios * nodes) / 1024
        sys.stdout.write(
            f"{radios:5} co-processors x {nodes:6} nodes: {footprint.started_s:5.1f} s ({spent_s:.1f} s "
            f"of CPU, {spent_s / (radios * nodes) * 1e6:.0f} us a node) and {footprint.resident_bytes / MEBIBYTE:.0f} "
            f"MiB ({each_kib:.1f} KiB a node); as many bare ports {bare_s:.2f} s\n"
        )
        sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """The size that is given, or all of them."""
    if arguments:
        asyncio.run(measure(int(arguments[0]), int(arguments[1])))
        return
    for radios, nodes in SIZES:
        subprocess.run([sys.executable, __file__, str(radios), str(nodes)], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
