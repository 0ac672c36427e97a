"""The control port of a Modbus line: faults come and go while it runs, and a wrong line is refused in words."""

import asyncio
import json
from typing import Any

import pytest

from drivers.modbus.profile import named
from gateway.clock import SystemClock
from simulators.control_port import LinePort, answer_to, tell
from simulators.modbus.control import obey
from simulators.modbus.faults import ModbusFault, ModbusFaultKind
from simulators.modbus.street import ModbusPlan, ModbusStreet
from tests.simulators.conftest import HandClock

PLAN = ModbusPlan(profile=named("eastron-sdm630"), name="eastron-sdm630", units=2)
METER = "900700001"


def line() -> ModbusStreet:
    return ModbusStreet(PLAN, HandClock())


def said(world: ModbusStreet, **command: Any) -> dict[str, Any]:
    return answer_to(lambda each: obey(world, each), json.dumps(command))


@pytest.mark.parametrize("kind", ModbusFaultKind)
def test_a_meter_breaks_in_every_way_and_is_mended(kind: ModbusFaultKind) -> None:
    world = line()
    assert said(world, meter=METER, fault=kind, seconds=2, code=6) == {"ok": True}
    assert world.meters[1].fault == ModbusFault(kind=kind, seconds=2.0, code=6)
    assert world.meters[0].fault is None
    assert said(world, meter=METER, fault=None) == {"ok": True}
    assert world.meters[1].fault is None


def test_reads_are_counted_for_each_meter() -> None:
    world = line()
    world.meters[1].answer(4, 0x48, 2)
    assert said(world, stats=True) == {"reads": {"900700000": 0, METER: 1}, "connections": 0}


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"meter": "1", "fault": "silent"}, "no meter '1' on this line"),
        ({"meter": METER, "fault": "slow"}, "no fault 'slow': there are silent, late"),
        ({"meter": METER, "fault": "late", "seconds": -1}, "seconds are"),
        ({"meter": METER, "fault": "exception", "code": 0}, "1 to 255"),
        ({"ncp": "reset"}, "not a command of a Modbus line"),
        ({}, "not a command of a Modbus line"),
    ],
)
def test_a_wrong_line_is_refused_in_words(command: dict[str, Any], error: str) -> None:
    assert error in said(line(), **command).get("error", "was taken")


async def test_connections_are_cut_over_the_port() -> None:
    world = ModbusStreet(PLAN, SystemClock())
    control = LinePort(lambda each: obey(world, each))
    ports = await world.line.start(), await control.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", ports[0])
        writer.write(bytes.fromhex("0001 0000 0006 01 04 0048 0002"))
        assert len(await asyncio.wait_for(reader.readexactly(13), 5)) == 13
        assert (await tell(ports[1], {"stats": True}))["connections"] == 1
        assert await tell(ports[1], {"ncp": "drop"}) == {"ok": True}
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await writer.wait_closed()
    finally:
        await control.close()
        await world.line.close()
