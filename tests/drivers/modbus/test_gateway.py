"""A gateway with a line of Modbus meters, from the request on the bus to the outcome on the bus."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import assignments
from gateway.clock import SystemClock
from gateway.errors import FailureReason
from gateway.identifiers import MeterNumber
from gateway.messages import OutcomeStatus, RequestRead
from gateway.ports import Delivery
from gateway.read_policy import ReadLimits
from gateway.reads import Freshness
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from simulators.processes import Child, metergate
from tests.gateway.fakes import GATEWAY, NotebookBus, request, shelves

from .conftest import driver


@pytest.fixture
async def laboratory(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """`metergate lab modbus` as a process: its port, and the assignments that it wrote. Unit 3 is silent."""
    out = tmp_path / "meters.csv"
    options = ["--profile", "eastron-sdm630", "--units", "10", "--seed", "7", "--fault", "3=silent"]
    child = Child("lab", metergate("lab", "modbus", *options, "--config-out", str(out)))
    told = await child.start()
    assert (told["units"], told["profile"]) == ("10", "eastron-sdm630")
    yield int(told["port"]), out
    await child.stop()


def asked(meters: list[MeterNumber]) -> list[RequestRead]:
    now = SystemClock().now()
    return [request(number, now, meter, deadline_s=5) for number, meter in enumerate(meters)]


async def test_a_gateway_reads_modbus_meters(laboratory: tuple[int, Path], tmp_path: Path) -> None:
    port, out = laboratory
    meters = assignments.read(out, {"modbus"})
    clock, bus = SystemClock(), NotebookBus()
    async with shelves(tmp_path) as kept:
        here = Gateway(
            settings=GatewaySettings(id=GATEWAY, database="", assignments=out),
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=bus,
            drivers={"modbus": driver(port, attempt_timeout_s=0.2)},
            assignments=meters,
            clock=clock,
            boot_id="boot-1",
        )
        stop = asyncio.Event()
        life = asyncio.create_task(here.run(stop))
        await asyncio.wait_for(bus.changed.wait(), 10)
        requests = asked(list(meters))
        await here.handle([Delivery(gateway=GATEWAY, message=message) for message in requests])
        outcomes = {outcome.meter: outcome for outcome in await bus.until(10)}
        stop.set()
        await life
    silent = next(meter for meter in meters if meters[meter].address.startswith("3/"))
    assert (outcomes[silent].status, outcomes[silent].reason) == (OutcomeStatus.FAILED, FailureReason.TIMEOUT)
    for meter in set(meters) - {silent}:
        outcome = outcomes[meter]
        assert outcome.status is OutcomeStatus.DONE
        assert outcome.read is not None
        assert outcome.read.path == f"line {meters[meter].address}"
        assert (outcome.read.delivered_wh or 0) > 0
        assert outcome.age is not None
        assert outcome.age.freshness is Freshness.UNKNOWN
        assert outcome.read.read_at - requests[0].requested_at < timedelta(seconds=5)
