"""Scheduled collection on virtual time, with the real journal: each day once, gaps filled, reads first."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import Clock, central_date, central_midnight
from gateway.collected import IntervalsCollected, RegistersCollected
from gateway.collection import Collection
from gateway.database import Database
from gateway.errors import Unreachable, Unsupported
from gateway.identifiers import MeterNumber
from gateway.journal import SqlJournal
from gateway.journal.collected import SqlCollectionJournal
from gateway.ports import Assignment
from gateway.reads import Direction, FrozenRegisters, LoadProfile
from gateway.reports import Reports
from gateway.settings import CollectionSettings, GatewaySettings
from simulators.virtual_time import VirtualClock, run
from tests.gateway.fakes import GATEWAY, METER, OTHER, DictionaryDriver, NotebookBus, assignments

MORNING = datetime(2026, 11, 2, 7, tzinfo=UTC)
"""One in the morning in Chicago, after a day of 100 intervals."""
QUARTER = timedelta(minutes=15)


@dataclass
class Logs:
    """Meters whose logs hold a number for each quarter hour; some are silent, some keep none, one reaches back less."""

    clock: Clock
    silent: set[MeterNumber] = field(default_factory=set)
    puzzling: set[MeterNumber] = field(default_factory=set)
    """Their answers are more than the driver was made for."""
    without: set[Direction] = field(default_factory=set)
    since: datetime | None = None
    asked: list[tuple[MeterNumber, datetime, int]] = field(default_factory=list)

    async def profile(
        self, assignment: Assignment, direction: Direction, before: datetime | None, count: int, timeout_s: float
    ) -> LoadProfile:
        """The quarter hours before an instant."""
        assert before is not None
        self.asked.append((assignment.meter, before, count))
        await asyncio.sleep(0.1)
        if assignment.meter in self.silent:
            raise Unreachable("no answer")
        if assignment.meter in self.puzzling:
            raise ZeroDivisionError("a driver's own mistake")
        if direction in self.without:
            raise Unsupported("no such channel")
        starts = [before - QUARTER * n for n in range(count, 0, -1)]
        kept = [start for start in starts if self.since is None or start >= self.since]
        return LoadProfile(
            meter=assignment.meter,
            direction=direction,
            ends_at=before,
            interval_s=900,
            wh=tuple(number(start) for start in kept),
            read_at=self.clock.now(),
        )

    async def frozen(self, assignment: Assignment, timeout_s: float) -> FrozenRegisters:
        """The registers of the last midnight."""
        if assignment.meter in self.silent:
            raise Unreachable("no answer")
        now = self.clock.now()
        midnight = central_midnight(central_date(now))
        return FrozenRegisters(
            meter=assignment.meter, delivered_wh=1000, received_wh=None, frozen_at=midnight, read_at=now
        )


def number(start: datetime) -> int:
    """What a quarter hour's log holds."""
    return int(start.timestamp()) // 900 % 1000


@dataclass
class Desk:
    """Whether on-demand reads are under way."""

    waiting: bool = False

    def busy(self, driver: str) -> bool:
        """On every driver alike."""
        return self.waiting


@dataclass
class Place:
    """A gateway's collection and what it rests on."""

    collection: Collection
    bus: NotebookBus
    logs: Logs
    desk: Desk
    journal: SqlJournal
    database: Database


async def place(folder: Path, clock: Clock, **told: object) -> Place:
    database = Database.open(f"sqlite:///{folder}/journal.db")
    journal = await SqlJournal.opened(database, "journal-1")
    bus, logs, desk = NotebookBus(up=True), Logs(clock), Desk()
    settings = GatewaySettings(id=GATEWAY, database="", assignments=Path())
    driver = DictionaryDriver(clock, up=True, profiles=logs)
    collection = Collection(
        SqlCollectionJournal(database),
        {"desk": driver},
        assignments(METER, OTHER),
        Reports(journal, bus, clock, settings),
        desk,
        clock,
        CollectionSettings(**{"lookback_days": 2, **told}),  # type: ignore[arg-type]  # keys by name
    )
    return Place(collection, bus, logs, desk, journal, database)


def intervals(bus: NotebookBus) -> list[IntervalsCollected]:
    return [message for message in bus.published if isinstance(message, IntervalsCollected)]


def test_every_day_within_reach_is_told_once_whole_and_the_newest_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        here = await place(tmp_path, VirtualClock(MORNING))
        assert await here.collection.once() == 10
        told = intervals(here.bus)
        assert told[0].day == date(2026, 11, 1)
        assert {(each.meter, each.direction, each.day) for each in told} == {
            (meter, direction, day)
            for meter in (METER, OTHER)
            for direction in Direction
            for day in (date(2026, 11, 1), date(2026, 10, 31))
        }
        for each in told:
            midnight = central_midnight(each.day)
            assert len(each.wh) == (100 if each.day == date(2026, 11, 1) else 96)
            assert each.wh == tuple(number(midnight + QUARTER * n) for n in range(len(each.wh)))
        registers = [message for message in here.bus.published if isinstance(message, RegistersCollected)]
        assert {each.registers.meter for each in registers} == {METER, OTHER}
        assert sorted(report.mark.seq for report in await here.journal.unreceipted(99)) == list(range(1, 11))
        assert await here.collection.once() == 0
        await here.database.close()

    run(scenario())


def test_nothing_is_asked_for_twice_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = VirtualClock(MORNING)
        here = await place(tmp_path, clock)
        await here.collection.once()
        await here.database.close()
        again = await place(tmp_path, clock)
        assert await again.collection.once() == 0
        assert again.logs.asked == []
        await again.database.close()

    run(scenario())


def test_a_silent_meter_is_tried_again_with_growing_pauses_and_then_filled(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = VirtualClock(MORNING)
        here = await place(tmp_path, clock)
        here.logs.silent = {OTHER}
        life = asyncio.create_task(here.collection.run())
        await asyncio.sleep(3600)
        tries = sum(meter == OTHER for meter, _, _ in here.logs.asked)
        assert 4 * 3 <= tries <= 4 * 6
        assert {each.meter for each in intervals(here.bus)} == {METER}
        here.logs.silent = set()
        await asyncio.sleep(14_400)
        assert sum(each.meter == OTHER for each in intervals(here.bus)) == 4
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        await here.database.close()

    run(scenario())


def test_a_meter_without_a_channel_or_a_day_is_settled_and_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.collection")

    async def scenario() -> None:
        here = await place(tmp_path, VirtualClock(MORNING))
        here.logs.without = {Direction.RECEIVED}
        here.logs.since = central_midnight(date(2026, 11, 1)) + QUARTER * 4
        await here.collection.once()
        told = intervals(here.bus)
        assert {(each.direction, each.day) for each in told} == {(Direction.DELIVERED, date(2026, 11, 1))}
        assert all(each.wh[:4] == (None,) * 4 and None not in each.wh[4:] for each in told)
        assert await here.collection.once() == 0
        await here.database.close()

    run(scenario())
    assert [record for record in caplog.records if record.name == "gateway.collection"] == []


def test_a_meter_that_its_driver_was_not_made_for_is_put_off_and_the_others_are_collected(tmp_path: Path) -> None:
    async def scenario() -> None:
        here = await place(tmp_path, VirtualClock(MORNING))
        here.logs.puzzling = {METER}
        await here.collection.once()
        assert {each.meter for each in intervals(here.bus)} == {OTHER}
        here.logs.puzzling = set()
        await asyncio.sleep(CollectionSettings().retry_first_s)
        assert await here.collection.once() == 4
        await here.database.close()

    run(scenario())


def test_collection_waits_while_reads_are_under_way(tmp_path: Path) -> None:
    async def scenario() -> None:
        here = await place(tmp_path, VirtualClock(MORNING))
        here.desk.waiting = True
        work = asyncio.create_task(here.collection.once())
        await asyncio.sleep(60)
        assert here.logs.asked == []
        here.desk.waiting = False
        await work
        assert here.logs.asked
        assert max(count for _, _, count in here.logs.asked) == 24
        await here.database.close()

    run(scenario())
