"""On-demand reads at the gateway, on virtual time: deadlines of minutes pass at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from gateway.errors import FailureReason
from gateway.journal import MemoryJournal
from gateway.messages import OutcomeStatus, ReadEnded, ReadProgressed, ReadStage
from gateway.on_demand import OnDemandReads
from gateway.ports import Finished
from gateway.read_policy import ReadLimits
from gateway.reads import Freshness
from gateway.reports import Reports
from gateway.settings import GatewaySettings
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import GATEWAY, METER, OTHER, DictionaryDriver, NotebookBus, assignments, request


@dataclass
class World:
    """A gateway's reads between a notebook and a dictionary."""

    clock: VirtualClock
    driver: DictionaryDriver
    bus: NotebookBus
    journal: MemoryJournal
    reads: OnDemandReads


def world(**changes: object) -> World:
    settings = GatewaySettings(id=GATEWAY, database="", assignments="", **changes)  # type: ignore[arg-type]  # by name
    clock = VirtualClock()
    driver, bus, journal = DictionaryDriver(clock), NotebookBus(), MemoryJournal("journal-1")
    reads = OnDemandReads(
        journal, {"desk": driver}, assignments(METER, OTHER), bus, Reports(journal, bus, clock, settings), clock,
        ReadLimits(), settings,
    )  # fmt: skip
    return World(clock, driver, bus, journal, reads)


def virtually(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run an asynchronous test on virtual time."""

    def wrapped() -> None:
        run(test())  # type: ignore[arg-type]  # a coroutine function's awaitable is a coroutine

    wrapped.__name__ = test.__name__
    return wrapped


@virtually
async def test_a_read_is_answered_with_its_own_id_and_a_fresh_value() -> None:
    here = world()
    asked = request(1, here.clock.now())
    await here.reads.handle([asked])
    [outcome] = await here.bus.until(1)
    assert outcome.id == asked.id
    assert outcome.status is OutcomeStatus.DONE
    assert outcome.read is not None
    assert outcome.age is not None
    assert outcome.age.freshness is Freshness.FRESH
    assert outcome.read.latched_at is not None
    assert outcome.read.latched_at >= asked.requested_at
    assert outcome.next_allowed_at == asked.requested_at + timedelta(hours=1)


@virtually
async def test_a_request_delivered_three_times_is_executed_once() -> None:
    here = world()
    asked = request(1, here.clock.now())
    await here.reads.handle([asked])
    await here.reads.handle([asked])
    first = (await here.bus.until(1))[0]
    await here.reads.handle([asked])
    assert await here.bus.until(2) == [first, first]
    assert here.driver.executed == [METER]


@virtually
async def test_without_the_claim_the_repeated_request_is_executed_again() -> None:
    here = world(claim_first=False)
    asked = request(1, here.clock.now())
    await here.reads.handle([asked])
    await here.bus.until(1)
    await here.reads.handle([asked])
    await here.bus.until(2)
    assert here.driver.executed == [METER, METER]


@virtually
async def test_old_values_are_read_again_and_never_told_as_a_read() -> None:
    here = world()
    here.driver.lag_s[METER] = 900
    await here.reads.handle([request(1, here.clock.now())])
    [outcome] = await here.bus.until(1)
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.reason is FailureReason.STALE
    assert outcome.read is None
    assert "900 s before" in outcome.detail
    assert here.driver.executed == [METER] * 3
    assert outcome.used_today == 0


@virtually
async def test_a_meter_that_catches_up_is_read_fresh_after_all() -> None:
    here = world()
    here.driver.lag_s[METER] = 6

    async def catch_up() -> None:
        await asyncio.sleep(0.5)
        here.driver.lag_s[METER] = 0

    async with asyncio.TaskGroup() as group:
        group.create_task(catch_up())
        await here.reads.handle([request(1, here.clock.now())])
        [outcome] = await here.bus.until(1)
    assert outcome.status is OutcomeStatus.DONE


@virtually
async def test_without_a_snapshot_time_the_age_is_said_to_be_unknown() -> None:
    here = world()
    here.driver.no_snapshot.add(METER)
    await here.reads.handle([request(1, here.clock.now())])
    [outcome] = await here.bus.until(1)
    assert outcome.status is OutcomeStatus.DONE
    assert outcome.age is not None
    assert outcome.age.freshness is Freshness.UNKNOWN
    assert outcome.age.at_most_s is None


@virtually
async def test_a_silent_meter_fails_at_the_deadline_and_costs_nothing() -> None:
    here = world()
    here.driver.silent.add(METER)
    start = here.clock.now()
    await here.reads.handle([request(1, start)])
    [outcome] = await here.bus.until(1)
    assert outcome.reason is FailureReason.TIMEOUT
    assert outcome.ended_at - start == timedelta(seconds=120)
    here.driver.silent.clear()
    await here.reads.handle([request(2, here.clock.now())])
    assert (await here.bus.until(2))[1].status is OutcomeStatus.DONE


@virtually
async def test_a_slow_read_tells_its_progress_and_a_quick_one_does_not() -> None:
    here = world()
    here.driver.takes_s = 3.0
    await here.reads.handle([request(1, here.clock.now())])
    await here.bus.until(1)
    stages = [message.stage for message in here.bus.published if isinstance(message, ReadProgressed)]
    assert stages == [ReadStage.ACCEPTED, ReadStage.ON_AIR]
    here.driver.takes_s = 0.05
    await here.reads.handle([request(2, here.clock.now(), OTHER)])
    await here.bus.until(2)
    assert len([message for message in here.bus.published if isinstance(message, ReadProgressed)]) == 2


@virtually
async def test_more_requests_than_places_wait_in_the_handler() -> None:
    here = world(open_reads=1)
    here.driver.takes_s = 5.0
    start = here.clock.now()
    await here.reads.handle([request(1, start), request(2, start, OTHER)])
    assert here.clock.now() - start == timedelta(seconds=5)
    assert len(await here.bus.until(2)) == 2


@virtually
async def test_an_outcome_that_cannot_be_told_is_in_the_journal() -> None:
    here = world()
    here.bus.deaf = True
    await here.reads.handle([request(1, here.clock.now())])
    await here.reads.settle(10)
    assert here.bus.outcomes == []
    assert len(await here.journal.unreceipted(10)) == 1


@pytest.mark.parametrize("reason", [FailureReason.INTERRUPTED])
def test_a_read_cut_short_by_a_stop_is_interrupted_at_the_next_start(reason: FailureReason) -> None:
    async def scenario() -> None:
        here = world()
        here.driver.takes_s = 60
        await here.reads.handle([request(1, here.clock.now())])
        await here.reads.settle(1)
        [outcome] = await here.journal.interrupt(here.clock.now(), ReadLimits())
        assert outcome.reason is reason
        assert outcome.used_today == 0

    run(scenario())


@virtually
async def test_a_claim_is_served_although_its_delivery_was_cut_off() -> None:
    here = world()
    here.bus.stalled = asyncio.Event()
    asked = request(1, here.clock.now())
    refused = request(2, here.clock.now())
    delivery = asyncio.create_task(here.reads.handle([asked, refused]))
    await asyncio.sleep(0.01)
    delivery.cancel()
    here.bus.stalled.set()
    outcomes = await here.bus.until(2)
    assert {outcome.id: outcome.status for outcome in outcomes} == {
        asked.id: OutcomeStatus.DONE,
        refused.id: OutcomeStatus.REFUSED,
    }


@virtually
async def test_a_driver_that_errs_in_an_unforeseen_way_does_not_block_its_meter() -> None:
    here = world()
    here.driver.broken = True
    await here.reads.handle([request(1, here.clock.now())])
    [outcome] = await here.bus.until(1)
    assert outcome.status is OutcomeStatus.FAILED
    assert "error of its own" in outcome.detail
    here.driver.broken = False
    await here.reads.handle([request(2, here.clock.now())])
    assert (await here.bus.until(2))[1].status is OutcomeStatus.DONE


@virtually
async def test_an_outcome_survives_a_journal_that_is_in_trouble_for_a_while() -> None:
    here = world()
    trouble = [OSError("disk"), OSError("disk")]
    end = here.journal.end

    async def troubled(finished: Sequence[Finished], limits: ReadLimits) -> list[ReadEnded]:
        if trouble:
            raise trouble.pop()
        return await end(finished, limits)

    here.journal.end = troubled  # type: ignore[method-assign]  # a journal whose disk is full for a second
    await here.reads.handle([request(1, here.clock.now())])
    [outcome] = await here.bus.until(1)
    assert outcome.status is OutcomeStatus.DONE
    assert trouble == []


@virtually
async def test_a_read_in_which_every_register_is_invalid_fails_and_costs_nothing() -> None:
    here = world()
    here.driver.invalid.add(METER)
    await here.reads.handle([request(1, here.clock.now())])
    [outcome] = await here.bus.until(1)
    assert outcome.reason is FailureReason.BAD_READING
    assert "invalid" in outcome.detail
    assert outcome.used_today == 0


@pytest.mark.parametrize("behind_s", [-300, 300])
def test_a_portal_whose_clock_is_five_minutes_off_still_gets_its_reads(behind_s: int) -> None:
    async def scenario() -> None:
        here = world()
        await here.reads.handle([request(1, here.clock.now() - timedelta(seconds=behind_s))])
        [outcome] = await here.bus.until(1)
        assert outcome.status is OutcomeStatus.DONE

    run(scenario())
