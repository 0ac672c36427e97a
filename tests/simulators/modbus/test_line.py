"""Simulated Modbus meters as pymodbus's stock client finds them, and the command that starts them."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from drivers.modbus.profile import named
from gateway.clock import SystemClock
from simulators.modbus.faults import ModbusFault, ModbusFaultKind
from simulators.modbus.street import ModbusPlan, ModbusStreet

FROZEN = ModbusFault(kind=ModbusFaultKind.FROZEN)
LAB = [sys.executable, "-m", "gateway", "lab", "modbus"]


@asynccontextmanager
async def connected(
    profile: str, *, rtu: bool = False, seed: int = 7
) -> AsyncIterator[tuple[ModbusStreet, AsyncModbusTcpClient]]:
    world = ModbusStreet(ModbusPlan(profile=named(profile), name=profile, units=2, seed=seed, rtu=rtu), SystemClock())
    for meter in world.meters:
        meter.fault = FROZEN
    framer = FramerType.RTU if rtu else FramerType.SOCKET
    port = await world.line.start()
    client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=2, retries=0, reconnect_delay=0)
    try:
        assert await client.connect()
        yield world, client
    finally:
        client.close()
        await world.line.close()


@pytest.mark.parametrize("rtu", [False, True])
async def test_the_stock_client_reads_floats(rtu: bool) -> None:
    async with connected("eastron-sdm630", rtu=rtu) as (world, client):
        for unit, meter in enumerate(world.meters, 1):
            answer = await client.read_input_registers(0x48, count=2, device_id=unit)
            kwh = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
            assert kwh == pytest.approx(meter.meter.registers().delivered_wh / 1000, rel=1e-6)


async def test_the_stock_client_reads_integers_low_word_first() -> None:
    async with connected("gavazzi-em24") as (world, client):
        answer = await client.read_input_registers(0x34, count=2, device_id=1)
        tenths = client.convert_from_registers(answer.registers, client.DATATYPE.INT32, word_order="little")
        assert tenths == world.meters[0].meter.registers().delivered_wh // 100


async def test_the_stock_client_finds_a_sunspec_model() -> None:
    async with connected("sunspec-int") as (world, client):
        marker = await client.read_holding_registers(40_000, count=4, device_id=1)
        assert marker.registers == [0x5375, 0x6E53, 1, 66]
        model = await client.read_holding_registers(40_070, count=55, device_id=1)
        assert model.registers[:2] == [204, 105]
        imported = client.convert_from_registers(model.registers[46:48], client.DATATYPE.UINT32)
        assert imported == world.meters[0].meter.registers().delivered_wh
        end = await client.read_holding_registers(40_070 + 107, count=2, device_id=1)
        assert end.registers == [0xFFFF, 0]


@pytest.mark.parametrize(
    ("function", "first", "count", "code"), [(3, 0x28, 2, 1), (4, 0x29, 2, 2), (4, 0x28, 12, 3), (4, 0x28, 1, 0)]
)
async def test_a_meter_is_as_strict_as_its_profile(function: int, first: int, count: int, code: int) -> None:
    async with connected("gavazzi-em24") as (_, client):
        ask = client.read_holding_registers if function == 3 else client.read_input_registers
        answer = await ask(first, count=count, device_id=1)
        assert answer.exception_code == code


async def test_the_same_seed_is_the_same_street() -> None:
    async with connected("sunspec-int", seed=5) as (first, _), connected("sunspec-int", seed=5) as (second, _):
        assert first.assignments_csv() == second.assignments_csv()
        homes = [[meter.meter.load.home for meter in world.meters] for world in (first, second)]
        assert homes[0] == homes[1]


async def test_registers_are_live() -> None:
    async with connected("sunspec-int") as (world, client):
        sim = world.meters[0]
        before = await client.read_holding_registers(40_070 + 46, count=2, device_id=1)
        sim.fault = ModbusFault(kind=ModbusFaultKind.ABSENT)
        after = await client.read_holding_registers(40_070 + 46, count=2, device_id=1)
        assert before.registers != after.registers == [0, 0]


@pytest.mark.parametrize("text", ["3", "11=silent", "1=loud", "x=silent", "1=late:x"])
def test_a_fault_that_there_is_not_is_refused_in_words(text: str) -> None:
    refused = subprocess.run([*LAB, "--units", "10", "--fault", text], capture_output=True, text=True, timeout=60)
    assert (refused.returncode, refused.stderr) == (1, f"metergate: {text!r} is no UNIT=KIND of this line\n")


def test_a_profile_that_there_is_not_is_refused_in_words() -> None:
    refused = subprocess.run([*LAB, "--profile", "none-such"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "none-such" in refused.stderr
