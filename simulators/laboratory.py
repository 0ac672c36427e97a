"""Many streets in one process, a co-processor and a TCP port each, and what starting them costs."""

import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import BadInput
from simulators.world import StreetPlan, ZigBeeStreet

MOST_RADIOS = 4096
_PAGE_BYTES = resource.getpagesize()


class Laboratory:
    """radios streets that are alike, each the next part of one seed's street; ports are theirs once they stand."""

    def __init__(self, plan: StreetPlan, radios: int, clock: Clock) -> None:
        if not 0 < radios <= MOST_RADIOS:
            raise BadInput(f"a laboratory has 1 to {MOST_RADIOS} radios")
        self.streets = [ZigBeeStreet(_part(plan, index), clock) for index in range(radios)]
        self.ports: Sequence[int] = ()

    async def start(self, first_port: int = 0) -> Sequence[int]:
        """Open a port for each street, on loopback: from first_port on, or free ones for 0. Raises OSError."""
        self.ports = [
            await street.start(first_port and first_port + index) for index, street in enumerate(self.streets)
        ]
        return self.ports

    async def close(self) -> None:
        """Take all streets down."""
        for street in self.streets:
            await street.close()


def _part(plan: StreetPlan, index: int) -> StreetPlan:
    state = plan.state
    if state is not None:
        state = state.with_name(f"{state.stem}-{index}{state.suffix}")
    return replace(plan, first=plan.first + index * plan.meters, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a laboratory cost: the seconds until all its ports were open, and the bytes of memory that it took."""

    started_s: float
    resident_bytes: int


@asynccontextmanager
async def measured(plan: StreetPlan, radios: int, clock: Clock) -> AsyncIterator[tuple[Laboratory, Footprint]]:
    """A laboratory that stands, and what that took; for benchmarks."""
    before_s, before_bytes = clock.monotonic(), _resident_bytes()
    laboratory = Laboratory(plan, radios, clock)
    try:
        await laboratory.start()
        yield (
            laboratory,
            Footprint(
                started_s=clock.monotonic() - before_s,
                resident_bytes=max(0, _resident_bytes() - before_bytes),
            ),
        )
    finally:
        await laboratory.close()


def _resident_bytes() -> int:
    """This process's memory now; where /proc does not say, the most that it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
