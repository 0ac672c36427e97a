"""Meters that report by themselves, on virtual time with the real journal: who is asked when, and what is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.collected import RegistersReported
from gateway.database import Database
from gateway.errors import Fault, Unreachable, Unsupported
from gateway.identifiers import MeterNumber
from gateway.journal import SqlJournal
from gateway.journal.collected import SqlCollectionJournal
from gateway.ports import Assignment
from gateway.reads import RegisterRead
from gateway.reporting import Reporting
from gateway.reporting_plan import Standing, is_due, is_early, no_read, pause_s
from gateway.reports import Reports
from gateway.settings import GatewaySettings, ReportingSettings
from simulators.virtual_time import START, VirtualClock, run
from tests.gateway.fakes import GATEWAY, METER, OTHER, DictionaryDriver, NotebookBus, assignments, register_read

EVERY_S = 900
TOLERANCE_S = 5.0


@dataclass
class Voices:
    """Meters that agree unless there is trouble, and say what a test has them say."""

    clock: Clock
    trouble: dict[MeterNumber, Fault] = field(default_factory=dict)
    asked: list[tuple[float, MeterNumber, int]] = field(default_factory=list)
    agreeing: set[MeterNumber] = field(default_factory=set)
    listener: Callable[[RegisterRead], None] | None = None

    async def agree(self, assignment: Assignment, every_s: int, timeout_s: float) -> None:
        """Note who was asked when."""
        self.asked.append((self.clock.monotonic(), assignment.meter, every_s))
        await asyncio.sleep(0.1)
        if assignment.meter in self.trouble:
            raise self.trouble[assignment.meter]
        self.agreeing.add(assignment.meter)

    def agreed(self, assignment: Assignment) -> bool:
        """Whether a meter did."""
        return assignment.meter in self.agreeing

    def listen(self, listener: Callable[[RegisterRead], None]) -> None:
        """Remember who listens."""
        self.listener = listener

    def say(self, meter: MeterNumber, wh: int = 1000, lag_s: float = 1.0) -> None:
        """A meter reports."""
        now = self.clock.now()
        assert self.listener is not None
        self.listener(register_read(meter, now, now - timedelta(seconds=lag_s), wh))


@dataclass
class Desk:
    """Whether on-demand reads are under way."""

    waiting: bool = False

    def busy(self, driver: str) -> bool:
        """On every driver alike."""
        return self.waiting


@dataclass
class Place:
    """A gateway's reporting and what it rests on."""

    reporting: Reporting
    bus: NotebookBus
    voices: Voices
    desk: Desk
    driver: DictionaryDriver
    meters: dict[MeterNumber, Assignment]
    journal: SqlJournal
    database: Database

    def told(self) -> list[RegistersReported]:
        return self.bus.told(RegistersReported)


async def place(folder: Path, **told: object) -> Place:
    clock = VirtualClock()
    database = Database.open(f"sqlite:///{folder}/journal.db")
    journal = await SqlJournal.opened(database, "journal-1")
    bus, voices, desk, meters = NotebookBus(up=True), Voices(clock), Desk(), assignments(METER, OTHER)
    driver = DictionaryDriver(clock, up=True, reporting=voices)
    reporting = Reporting(
        SqlCollectionJournal(database),
        {"desk": driver, "line": DictionaryDriver(clock, up=True)},
        meters,
        Reports(journal, bus, clock, GatewaySettings(id=GATEWAY, database="", assignments=Path())),
        desk,
        clock,
        ReportingSettings(**{"every_s": EVERY_S, **told}),  # type: ignore[arg-type]  # keys by name
        TOLERANCE_S,
    )
    return Place(reporting, bus, voices, desk, driver, meters, journal, database)


def living(folder: Path, scenario: Callable[[Place], object], **told: object) -> None:
    """Run a scenario while a gateway's reporting lives."""

    async def main() -> None:
        here = await place(folder, **told)
        life = asyncio.create_task(here.reporting.run())
        await asyncio.sleep(1)
        done = scenario(here)
        assert asyncio.iscoroutine(done)
        await done
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        await here.database.close()

    run(main())


def test_every_meter_is_asked_once_and_again_when_it_came_back(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        assert [(meter, every_s) for _, meter, every_s in here.voices.asked] == [(METER, EVERY_S), (OTHER, EVERY_S)]
        await asyncio.sleep(600)
        assert len(here.voices.asked) == 2
        here.voices.agreeing.discard(OTHER)
        await asyncio.sleep(60)
        assert [meter for _, meter, _ in here.voices.asked[2:]] == [OTHER]

    living(tmp_path, scenario)


def test_a_meter_that_fell_silent_is_asked_again_and_one_that_reports_is_not(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        for _ in range(5):
            await asyncio.sleep(EVERY_S)
            here.voices.say(METER)
        assert [meter for _, meter, _ in here.voices.asked[2:]] == [OTHER]

    living(tmp_path, scenario, silent_after=4)


@pytest.mark.parametrize("fault", [Unreachable("no answer"), Unsupported("no reports")])
def test_a_meter_that_does_not_agree_is_let_alone_for_a_pause_that_doubles(tmp_path: Path, fault: Fault) -> None:
    async def scenario(here: Place) -> None:
        here.voices.trouble[OTHER] = fault
        here.voices.agreeing.discard(OTHER)
        await asyncio.sleep(9_000)
        at = [at_s for at_s, meter, _ in here.voices.asked if meter == OTHER][1:]
        pauses = [later - earlier for earlier, later in pairwise(at)]
        assert [round(pause, -2) for pause in pauses] == [300, 600, 1200, 2400, 2400]
        assert sum(meter == METER for _, meter, _ in here.voices.asked) <= 3

    living(tmp_path, scenario, retry_last_s=2400.0)


def test_a_mistake_of_the_driver_s_own_about_one_meter_spares_the_others(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        here.voices.trouble[METER] = ZeroDivisionError("a driver's own mistake")  # type: ignore[assignment]
        here.voices.agreeing.clear()
        await asyncio.sleep(60)
        assert here.voices.agreeing == {OTHER}

    living(tmp_path, scenario)


def test_meters_are_asked_when_no_read_wants_the_driver_and_only_while_that_is_up(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        here.desk.waiting = True
        here.voices.agreeing.clear()
        await asyncio.sleep(120)
        assert len(here.voices.asked) == 2
        here.desk.waiting = False
        await asyncio.sleep(1)
        assert len(here.voices.asked) == 4
        here.driver.up = False
        here.voices.agreeing.clear()
        await asyncio.sleep(120)
        assert len(here.voices.asked) == 4

    living(tmp_path, scenario)


def test_a_report_is_told_and_kept_until_it_is_receipted(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        here.bus.deaf = True
        here.voices.say(METER, 5000)
        here.voices.say(OTHER, 6000)
        await asyncio.sleep(1)
        assert here.told() == []
        waiting = await here.journal.unreceipted(9)
        assert [(each.mark.seq, each.read.delivered_wh) for each in waiting if isinstance(each, RegistersReported)] == [
            (1, 5000),
            (2, 6000),
        ]
        here.bus.deaf = False
        await asyncio.sleep(EVERY_S)
        here.voices.say(METER, 7000)
        await asyncio.sleep(1)
        assert [(each.mark.seq, each.read.delivered_wh) for each in here.told()] == [(3, 7000)]
        await here.journal.receipt(here.told()[0].mark)
        assert await here.journal.unreceipted(9) == []

    living(tmp_path, scenario)


def test_what_comes_too_often_is_old_or_of_nobody_s_meter_is_dropped(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        here.voices.say(METER)
        await asyncio.sleep(EVERY_S / 3)
        here.voices.say(METER)
        here.voices.say(OTHER, lag_s=EVERY_S + TOLERANCE_S + 1)
        del here.meters[OTHER]
        await asyncio.sleep(EVERY_S)
        here.voices.say(OTHER)
        await asyncio.sleep(1)
        assert ([each.read.meter for each in here.told()], here.reporting.dropped) == ([METER], 3)

    living(tmp_path, scenario)


def test_what_waits_for_the_journal_is_bounded_and_the_oldest_gives_way(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        await asyncio.sleep(EVERY_S)
        here.meters |= assignments(MeterNumber("900000118"))
        for meter in (METER, OTHER, MeterNumber("900000118")):
            here.voices.say(meter)
        await asyncio.sleep(1)
        assert [each.read.meter for each in here.told()] == [OTHER, MeterNumber("900000118")]
        assert here.reporting.dropped == 1

    living(tmp_path, scenario, waiting=2)


def test_by_default_no_meter_is_asked_and_nobody_listens(tmp_path: Path) -> None:
    async def scenario(here: Place) -> None:
        await asyncio.sleep(10_000)
        assert (here.voices.asked, here.voices.listener) == ([], None)

    assert ReportingSettings().every_s == 0
    living(tmp_path, scenario, every_s=0)


NEW = Standing()
LIVE = Standing(live_s=1000.0, heard_s=1000.0)


@pytest.mark.parametrize(
    ("standing", "agreed", "now_s", "due"),
    [
        (NEW, False, 0.0, True),
        (NEW, True, 0.0, True),
        (LIVE, True, 1000.0 + 4 * EVERY_S, False),
        (LIVE, True, 1001.0 + 4 * EVERY_S, True),
        (LIVE, False, 1001.0, True),
        (replace(LIVE, not_before_s=1300.0), False, 1299.0, False),
        (replace(LIVE, not_before_s=1300.0), False, 1300.0, True),
    ],
)
def test_a_meter_is_due_by_what_is_known_of_it(standing: Standing, agreed: bool, now_s: float, due: bool) -> None:
    assert is_due(standing, agreed, now_s, EVERY_S, 4) is due


def test_a_report_is_early_before_half_of_its_interval() -> None:
    assert [is_early(LIVE, 1000.0 + span_s, EVERY_S) for span_s in (1, 449, 450, 900)] == [True, True, False, False]
    assert not is_early(NEW, 0.0, EVERY_S)


def test_pauses_double_up_to_the_last_and_no_further() -> None:
    assert [pause_s(failures, 300.0, 1000.0) for failures in (1, 2, 3, 99)] == [300, 600, 1000, 1000]


def test_a_report_counts_by_the_rules_of_a_read() -> None:
    fresh = register_read(METER, START, START - timedelta(seconds=EVERY_S))
    assert no_read(fresh, EVERY_S, TOLERANCE_S) is None
    assert no_read(replace(fresh, latched_at=None), EVERY_S, TOLERANCE_S) is None
    old = replace(fresh, latched_at=START - timedelta(seconds=EVERY_S + 6))
    assert no_read(old, EVERY_S, TOLERANCE_S) == "its values were latched 906 s before"
    assert no_read(replace(fresh, delivered_wh=None), EVERY_S, TOLERANCE_S) == "it marks its registers as invalid"
