"""A gateway's life on virtual time: births, lost links, receipts, clean stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import FailureReason
from gateway.messages import GatewayState, Mark, Receipt, Report
from gateway.ports import Delivery
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import GATEWAY, METER, DictionaryDriver, NotebookBus, assignments, request, shelves


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[tuple[Gateway, DictionaryDriver, NotebookBus]]:
    """A gateway over a database in a folder, not running yet."""
    clock, bus = VirtualClock(), NotebookBus()
    driver = DictionaryDriver(clock)
    settings = GatewaySettings(id=GATEWAY, database="", assignments="")  # type: ignore[arg-type]  # not opened here
    async with shelves(folder) as kept:
        here = Gateway(
            settings=settings,
            limits=ReadLimits(),
            journal=kept.journal,
            devices=kept.devices,
            meters=kept.meters,
            collected=kept.collected,
            bus=bus,
            drivers={"desk": driver},
            assignments=assignments(METER),
            clock=clock,
            boot_id="boot-1",
        )
        yield here, driver, bus


def states(bus: NotebookBus) -> list[GatewayState]:
    return [message for message in bus.published if isinstance(message, GatewayState)]


def test_a_gateway_says_hello_and_goodbye(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, _, bus):
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(2)
            stop.set()
            await life
            said = states(bus)
            assert said[0].online
            assert said[0].meters == 1
            assert not said[-1].online

    run(scenario())


def test_a_lost_driver_is_told_with_its_trouble_and_comes_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, driver, bus):
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(100)
            driver.lost.set()
            await asyncio.sleep(60)
            stop.set()
            await life
            assert driver.lives == 2
            assert [link.up for state in states(bus) for link in state.links][-2]
            assert "pulled" in states(bus)[-1].links[0].detail

    run(scenario())


def test_an_outcome_is_repeated_until_its_receipt_arrives(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, _, bus):
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(1)
            await here.handle([Delivery(gateway=GATEWAY, message=request(1, here.clock.now()))])
            told = await bus.until(3)
            assert len({outcome.mark.seq for outcome in told}) == 1
            await here.handle([Delivery(gateway=GATEWAY, message=Receipt(mark=told[0].mark))])
            await asyncio.sleep(5)
            told_by_then = len(bus.outcomes)
            await asyncio.sleep(600)
            assert len(bus.outcomes) == told_by_then
            assert states(bus)[0].receipted is None
            assert states(bus)[-1].receipted == told[0].mark
            stop.set()
            await life

    run(scenario())


def test_a_stop_waits_for_a_running_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, driver, bus):
            driver.takes_s = 3
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(1)
            await here.handle([Delivery(gateway=GATEWAY, message=request(1, here.clock.now()))])
            stop.set()
            await life
            assert len(bus.outcomes) >= 1

    run(scenario())


def test_a_gateways_birth_tells_what_its_journal_has_receipted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, _, bus):
            now = here.clock.now()
            asked = request(1, now)
            await here.journal.claim([asked], now, here.limits, ())
            mark = Mark(journal="journal-1", seq=1)
            await here.journal.receipt(mark)
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(1)
            assert states(bus)[0].receipted == mark
            stop.set()
            await life

    run(scenario())


@pytest.mark.parametrize("off_s", [-300, 300])
def test_a_portal_whose_clock_is_five_minutes_off_gets_its_reads_and_its_deadlines(tmp_path: Path, off_s: int) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, driver, bus):
            driver.silent.add(METER)
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(1)
            began = here.clock.now()
            theirs = began + timedelta(seconds=off_s)
            asked = request(1, theirs - timedelta(seconds=50))
            await here.handle([Delivery(gateway=GATEWAY, message=asked, sent_at=theirs)])
            [outcome, *_] = await bus.until(1)
            assert outcome.reason is FailureReason.TIMEOUT
            assert outcome.ended_at - began == timedelta(seconds=70)
            stop.set()
            await life

    run(scenario())


def test_a_gateway_outlives_a_journal_that_is_away_for_a_while(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway(tmp_path) as (here, _, bus):
            unreceipted, away = here.journal.unreceipted, [OSError("gone"), OSError("gone")]

            async def troubled(limit: int) -> list[Report]:
                if away:
                    raise away.pop()
                return await unreceipted(limit)

            here.journal.unreceipted = troubled  # type: ignore[method-assign]  # a database that is away for a while
            stop = asyncio.Event()
            life = asyncio.create_task(here.run(stop))
            await asyncio.sleep(10)
            assert away == []
            await here.handle([Delivery(gateway=GATEWAY, message=request(1, here.clock.now()))])
            assert len(await bus.until(3)) == 3
            stop.set()
            await life

    run(scenario())
