"""Where a SunSpec device keeps its meter model: found wherever it may be, refused where it cannot be."""

from collections.abc import Mapping

import pytest

from drivers.modbus.planner import Span
from drivers.modbus.sunspec import walk
from gateway.errors import BadReading, Unsupported
from simulators.modbus.faults import ModbusFault, ModbusFaultKind

from .conftest import Standing, assignment, driver, kept

SUNS = (0x5375, 0x6E53)


def found(registers: Mapping[int, tuple[int, int]], models: tuple[int, ...] = (201, 203), needed: int = 55) -> int:
    """Walk a device that has these pairs of registers and no others."""
    walking = walk(models, needed)
    try:
        span = next(walking)
        while True:
            assert span == Span(span.first, 2)
            span = walking.send(registers.get(span.first))
    except StopIteration as end:
        return int(end.value)


@pytest.mark.parametrize("base", [40_000, 50_000, 0])
def test_a_model_is_found_behind_others_wherever_the_marker_is(base: int) -> None:
    chain = {base: SUNS, base + 2: (1, 65), base + 69: (103, 50), base + 121: (203, 105)}
    assert found(chain) == base + 121


@pytest.mark.parametrize(
    ("chain", "fault"),
    [
        ({}, Unsupported),
        ({40_000: (1, 2)}, Unsupported),
        ({0: SUNS, 2: (1, 66), 70: (0xFFFF, 0)}, Unsupported),
        ({0: SUNS, 2: (1, 66)}, BadReading),
        ({0: SUNS, 2: (1, 0xFFFF)}, BadReading),
        ({0: SUNS, 2: (203, 52)}, BadReading),
        ({0: SUNS, **{2 + 2 * n: (9, 0) for n in range(100)}}, BadReading),
        ({50_000: SUNS, 50_002: (1, 15_500), 65_504: (203, 105)}, BadReading),
    ],
)
def test_a_chain_that_does_not_lead_to_the_model_is_a_fault(
    chain: Mapping[int, tuple[int, int]], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        found(chain)


async def test_the_place_is_looked_for_once_and_again_when_the_line_is_new(stand: Standing) -> None:
    street, port = await stand("sunspec-int", units=1)
    async with kept(driver(port)) as line:
        for expected in (4 + 2, 4 + 2 + 2):
            await line.read(assignment(1, "sunspec-int"), 5)
            assert len(street.line.heard) == expected - 1
        street.line.drop()
        await line.read(assignment(1, "sunspec-int"), 5)
        assert len(street.line.heard) == 7 + 5


async def test_a_model_that_moved_is_looked_for_again(stand: Standing) -> None:
    street, port = await stand("sunspec-int", units=1)
    street.meters[0].fault = ModbusFault(kind=ModbusFaultKind.FROZEN)
    line = driver(port)
    async with kept(line):
        first = await line.read(assignment(1, "sunspec-int"), 5)
        line._places["1/sunspec-int"] = (40_002, line._places["1/sunspec-int"][1])  # as if it had been there
        assert (await line.read(assignment(1, "sunspec-int"), 5)).delivered_wh == first.delivered_wh
