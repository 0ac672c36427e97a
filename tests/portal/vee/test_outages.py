"""A week of random outages of a gateway and its meters, in virtual time: the ledger accounts for all of it."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import central_date, central_midnight, intervals_in
from gateway.collected import IntervalsCollected, RegistersCollected
from gateway.collection import Collection
from gateway.database import Database
from gateway.identifiers import MeterNumber
from gateway.journal import SqlJournal
from gateway.journal.collected import SqlCollectionJournal
from gateway.ports import Delivery
from gateway.reads import Direction
from gateway.reports import Reports
from gateway.settings import CollectionSettings, GatewaySettings
from portal.gateways.incidents import Incident
from portal.usage.keeper import Keeper
from portal.usage.sql_store import SqlIntervalStore
from portal.vee.ledger import State
from portal.vee.run import DayRun, Run
from portal.vee.settings import VeeSettings
from portal.vee.watch import Watch
from simulators.virtual_time import VirtualClock, run
from tests.clock import HandClock
from tests.gateway.fakes import DictionaryDriver, NotebookBus, assignments
from tests.gateway.test_collection import QUARTER, Desk, Logs, number
from tests.portal.vee.street import DAY, MONDAY, Street
from tests.portal.world import GATEWAY, settle

METERS = {number_: MeterNumber(f"M{number_:05d}") for number_ in (1, 2)}
WEEK = [MONDAY + day * DAY for day in range(7)]
HORIZON_DAYS = 9
STEP_S = 6 * 3600


async def recorded(batch: Sequence[Delivery], incidents: Mapping[Incident, str]) -> None:
    """The marks of reports are no part of this; nothing may be refused."""
    assert not incidents, incidents


class Line:
    """A gateway that dies, meters that fall silent or forget, and reports that come twice; the portal keeps them."""

    def __init__(self, clock: VirtualClock, journal: SqlJournal, shelf: Database, keeper: Keeper, seed: int) -> None:
        self.dice, self.keeper = random.Random(seed), keeper
        self.bus, self.logs = NotebookBus(up=True), Logs(clock)
        self.logs.without = {Direction.RECEIVED}
        self.collection = Collection(
            SqlCollectionJournal(shelf),
            {"desk": DictionaryDriver(clock, up=True, profiles=self.logs)},
            assignments(*METERS.values()),
            Reports(journal, self.bus, clock, GatewaySettings(id=GATEWAY, database="", assignments=Path())),
            Desk(),
            clock,
            CollectionSettings(lookback_days=HORIZON_DAYS),
        )

    async def step(self, *, calm: bool) -> None:
        """A few hours: whoever is awake collects, and what was published is told, some of it twice."""
        self.logs.silent = set() if calm else {each for each in METERS.values() if self.dice.random() < 0.5}
        if calm or self.dice.random() < 0.5:
            await self.collection.once()
        told = [
            Delivery(gateway=GATEWAY, message=each)
            for each in self.bus.published
            if isinstance(each, IntervalsCollected | RegistersCollected)
        ]
        self.bus.published.clear()
        self.keeper.take([*told, *(each for each in told if self.dice.random() < 0.3)])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_week_of_random_outages_is_accounted_for_to_the_last_interval(tmp_path: Path, seed: int) -> None:
    async def scenario() -> None:
        clock = VirtualClock(central_midnight(MONDAY) + timedelta(hours=1))
        market = Database.open(f"sqlite:///{tmp_path}/market.db")
        shelf = Database.open(f"sqlite:///{tmp_path}/journal.db")
        await settle(market, clock.now())
        store = await SqlIntervalStore.opened(market)
        street = Street(market, store, HandClock())
        await street.only(*METERS)
        journal = await SqlJournal.opened(shelf, "journal-1")
        keeper = Keeper(market, store, clock, recorded)
        line = Line(clock, journal, shelf, keeper, seed)
        policy = VeeSettings(backfill_days=HORIZON_DAYS, lookback_days=HORIZON_DAYS + 3, usual_weeks=0)
        ran: dict[object, DayRun] = {}
        watch = Watch(
            Run(market, market, store, clock, policy), market, clock, policy, lambda told: ran.update({told.day: told})
        )
        keeping = asyncio.create_task(keeper.run())
        # A meter lost what its log held of Wednesday's morning: it is not to be had.
        lost = central_midnight(WEEK[2]) + timedelta(hours=6)
        line.logs.since = lost
        while central_date(clock.now()) <= WEEK[-1] + (HORIZON_DAYS + 3) * DAY:
            calm = central_date(clock.now()) > WEEK[-1] + 2 * DAY
            await line.step(calm=calm)
            await clock.sleep(STEP_S)
            await watch.once()
            for day in WEEK:
                if day in ran:
                    assert sum(ran[day].total.values()) == len(METERS) * intervals_in(day)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        for day in WEEK:
            total = ran[day].total
            assert total[State.LATE] == total[State.BACK_FILLED] == total[State.AWAITED] == 0
            for each in METERS:
                stored = await street.current(each, day)
                starts = [central_midnight(day) + place * QUARTER for place in range(intervals_in(day))]
                for place, start in enumerate(starts):
                    had = stored is not None and not stored.estimated[place] and stored.values[place] is not None
                    if start >= lost:
                        assert had
                    if had:
                        assert stored is not None
                        assert stored.values[place] == number(start)
        await market.close()
        await shelf.close()

    run(scenario())
