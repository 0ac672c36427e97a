"""A day's LSE files: what the store holds of the meters that are the REP's, each file whole, once, and in time."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import CENTRAL, central_midnight, intervals_in
from gateway.database import Database, Job
from gateway.identifiers import EsiId
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.files.lse_dropper import REST_S, LseDropper
from portal.files.lse_drops import due_days, forget_drops
from portal.files.settings import FilesSettings
from portal.files.tables import lse_drops
from portal.market.tables import rep_spans
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.lse_file import parse
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import SourceFile, StoredBlock
from tests.clock import HandClock
from tests.portal.world import BLUEBONNET, LONE_STAR, WIRES, esi

PLAIN, SPRING, FALL = date(2026, 6, 30), date(2026, 3, 8), date(2025, 11, 2)
NAME = re.compile(r"(\d{9})IntervalData(\d{14})(\d{3})\.lse")


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True)
class Site:
    """A dropper with what is around it."""

    database: Database
    store: SqlIntervalStore
    clock: HandClock
    settings: FilesSettings

    def dropper(self, database: Any = None, store: Any = None) -> LseDropper:
        """Another process."""
        return LseDropper(database or self.database, store or self.store, self.clock, self.settings)

    async def report(self, *days: MeterDay) -> None:
        """Let a TDSP report meter-days."""
        source = SourceFile(
            name="x", sha256=sha256(repr(days).encode()).hexdigest(), received_at=datetime(2026, 6, 1, tzinfo=UTC)
        )
        await self.store.load(source, lambda: iter(days))

    async def files(self, company: str) -> dict[str, list[MeterDay]]:
        """A company's LSE files, read back by the strict parser."""
        async with self.database.reading() as connection:
            company_id = await connection.scalar(select(companies.c.id).where(companies.c.name == company))
        folder = self.settings.folder / str(company_id) / "lse"
        known = KnownMeters(map(esi, range(10)))
        today = date(2026, 12, 31)
        return {
            path.name: list(parse([path.read_bytes()], known, today))
            for path in (folder.glob("*.lse") if folder.is_dir() else ())
            if not path.name.startswith(".")
        }


@pytest.fixture
async def site(database: Database, clock: HandClock, tmp_path: Path) -> Site:
    store = await SqlIntervalStore.opened(database)
    return Site(
        database, store, clock, FilesSettings(folder=tmp_path / "files", lse_at=time(12), lse_wait_h=0, lse_days=7)
    )


def noon_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(12), CENTRAL)


def meter_day(number: int, day: date, channel: Channel = Channel.CONSUMPTION) -> MeterDay:
    """A day in which every seventh interval is missing and every fifth estimated."""
    count = intervals_in(day)
    values = tuple(None if place % 7 == 3 else 100 * number + place for place in range(count))
    estimated = tuple(value is not None and place % 5 == 0 for place, value in enumerate(values))
    return MeterDay(esi_id=esi(number), day=day, channel=channel, revised_at=None, values=values, estimated=estimated)


def by_meter(days: Iterable[MeterDay]) -> list[MeterDay]:
    return sorted(days, key=lambda day: (day.esi_id, day.channel))


@pytest.mark.parametrize(("day", "count"), [(PLAIN, 96), (SPRING, 92), (FALL, 100)])
async def test_a_reps_files_hold_what_the_store_holds_of_its_meters(site: Site, day: date, count: int) -> None:
    site.clock.set(noon_after(day))
    days = [meter_day(number, day) for number in (1, 2, 3, 6)]
    surplus = meter_day(1, day, Channel.GENERATION)
    await site.report(*days, surplus, meter_day(1, day - timedelta(days=1)))
    assert await site.dropper().drop(day) == 3
    (lone_star,) = (await site.files("Lone Star Power")).values()
    bluebonnet = await site.files("Bluebonnet Energy")
    assert by_meter(lone_star) == by_meter([days[0], surplus, days[1]])
    by_tdsp = {str(NAME.fullmatch(name)[1]): held for name, held in bluebonnet.items()}  # type: ignore[index]  # it is one
    assert by_tdsp["555555555"] == [days[3]]
    assert days[2] in by_tdsp[WIRES]
    assert {len(each.values) for each in lone_star} == {count}
    assert lone_star[0].values[3] is None, "missing is empty, never zero"


async def test_a_revised_day_is_dropped_in_its_newest_version(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    first = meter_day(1, PLAIN)
    newest = MeterDay(
        esi_id=first.esi_id,
        day=PLAIN,
        channel=first.channel,
        revised_at=None,
        values=(7,) * 96,
        estimated=(False,) * 96,
    )
    await site.report(first)
    await site.report(newest)
    await site.dropper().drop(PLAIN)
    (held,) = (await site.files("Lone Star Power")).values()
    assert held == [newest]


async def test_a_day_is_dropped_once_whoever_asks_how_often(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 3, 6)))
    one = site.dropper()
    assert [await one.drop(PLAIN), await one.drop(PLAIN), await site.dropper().drop(PLAIN)] == [3, 0, 0]
    before = await site.files("Lone Star Power")
    await site.report(meter_day(2, PLAIN))
    assert await site.dropper().drop(PLAIN) == 0
    assert await site.files("Lone Star Power") == before


async def test_days_made_up_in_one_second_have_names_of_their_own(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    days = [PLAIN - timedelta(days=back) for back in range(3)]
    await site.report(*(meter_day(1, day) for day in days))
    for day in days:
        await site.dropper().drop(day)
    names = sorted(await site.files("Lone Star Power"))
    assert names == [f"444444444IntervalData20260701120000{counter:03}.lse" for counter in range(3)]


async def switch(database: Database, number: int, at: datetime) -> None:
    """A meter goes from whoever has it to Bluebonnet."""

    async def job(connection: AsyncConnection) -> None:
        its = rep_spans.c.esi_id == esi(number)
        await connection.execute(delete(rep_spans).where(its))
        row = {"esi_id": esi(number), "duns": BLUEBONNET, "from_at": at}
        await connection.execute(rep_spans.insert().values(row))

    await database.write(job)


async def test_a_meter_that_went_to_another_rep_is_in_that_ones_file_alone(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 2)))
    await switch(site.database, 1, central_midnight(PLAIN + timedelta(days=1)))
    await site.dropper().drop(PLAIN)
    held = {
        company: [day.esi_id for days in (await site.files(company)).values() for day in days]
        for company in ("Lone Star Power", "Bluebonnet Energy")
    }
    assert held == {"Lone Star Power": [esi(2)], "Bluebonnet Energy": [esi(1)]}


class Interrupted:
    """The store, on which something happens before a meter's blocks are given."""

    def __init__(self, store: SqlIntervalStore, number: int, what: Callable[[], Any]) -> None:
        self._store, self._number, self._what = store, number, what

    async def many(
        self, esi_ids: Sequence[EsiId], first: date, last: date, *, every_version: bool
    ) -> AsyncIterator[Sequence[StoredBlock]]:
        asked = iter(esi_ids)
        async for blocks in self._store.many(esi_ids, first, last, every_version=every_version):
            if next(asked) == esi(self._number):
                await self._what()
            yield blocks


async def test_a_meter_that_goes_while_its_file_is_made_is_not_in_it(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 2)))
    went = partial(switch, site.database, 1, site.clock.now())  # after its own rows were written
    dropper = site.dropper(store=Interrupted(site.store, 2, went))
    await dropper.drop(PLAIN)
    assert await site.files("Lone Star Power") == {}
    await site.dropper().drop(PLAIN)
    (held,) = (await site.files("Lone Star Power")).values()
    assert [day.esi_id for day in held] == [esi(2)]


async def test_a_process_that_dies_halfway_leaves_nothing_to_be_seen_and_another_makes_the_file(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 2)))

    async def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        await site.dropper(store=Interrupted(site.store, 2, die)).drop(PLAIN)
    assert await site.files("Lone Star Power") == {}
    assert await site.dropper().drop(PLAIN) == 0, "the dead one's lease has not ended"
    site.clock.set(site.clock.now() + timedelta(seconds=site.settings.lse_lease_s))
    assert await site.dropper().drop(PLAIN) == 1
    ((name, held),) = (await site.files("Lone Star Power")).items()
    assert name == "444444444IntervalData20260701120000000.lse", "under the name that was decided first"
    assert len(held) == 2


class DiesAtNote:
    """The database of a process that dies when it would note that a file lies in its place."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reading = database.reading

    async def write(self, job: Job[Any]) -> Any:
        if "note_placed" in repr(job):
            raise Killed
        return await self._database.write(job)


async def test_a_file_that_was_placed_but_not_noted_is_made_again_over_itself(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(meter_day(1, PLAIN))
    with pytest.raises(Killed):
        await site.dropper(database=DiesAtNote(site.database)).drop(PLAIN)
    before = await site.files("Lone Star Power")
    assert len(before) == 1
    site.clock.set(site.clock.now() + timedelta(hours=2))
    assert await site.dropper().drop(PLAIN) == 1
    assert await site.files("Lone Star Power") == before


async def test_one_that_took_longer_than_its_lease_does_not_place_its_file(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 2)))

    async def lose_time() -> None:
        site.clock.set(site.clock.now() + timedelta(seconds=site.settings.lse_lease_s))

    assert await site.dropper(store=Interrupted(site.store, 2, lose_time)).drop(PLAIN) == 0
    assert await site.files("Lone Star Power") == {}


async def test_of_processes_that_look_together_one_makes_each_file(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 3, 6)))
    made = await asyncio.gather(*(site.dropper().drop(PLAIN) for _ in range(4)))
    assert sum(made) == 3
    assert len(await site.files("Bluebonnet Energy")) == 2


async def test_after_an_outage_every_day_of_the_last_ones_is_made_up_and_none_is_early(site: Site) -> None:
    days = [PLAIN - timedelta(days=back) for back in range(10)]
    await site.report(*(meter_day(1, day) for day in days))
    site.clock.set(noon_after(PLAIN) - timedelta(seconds=30))
    running = asyncio.create_task(site.dropper().run())
    await until(site, 6)
    assert PLAIN not in await dropped(site), "its time has not come"
    await until(site, 7, step_s=30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await dropped(site) == sorted(days[:7])


async def dropped(site: Site) -> list[date]:
    return sorted(held[0].day for held in (await site.files("Lone Star Power")).values())


async def until(site: Site, count: int, step_s: float = 0.0) -> None:
    """Until so many days of the first REP are there, the clock moving on in steps."""
    async with asyncio.timeout(30):
        while len(await dropped(site)) < count:
            await site.clock.advance(step_s)


async def test_a_day_without_data_waits_for_it(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    dropper = site.dropper()
    assert await dropper.drop(PLAIN) == 0
    assert await site.files("Lone Star Power") == {}
    await site.report(meter_day(1, PLAIN))
    assert await dropper.drop(PLAIN) == 0, "it rests for a while"
    site.clock.set(site.clock.now() + timedelta(seconds=REST_S))
    assert await dropper.drop(PLAIN) == 1


async def test_a_file_waits_for_a_meter_without_data_but_not_for_ever(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(meter_day(1, PLAIN), meter_day(2, PLAIN))  # nothing of meter 5
    waits = replace(site, settings=replace(site.settings, lse_wait_h=11))
    assert await waits.dropper().drop(PLAIN) == 0
    site.clock.set(noon_after(PLAIN) + timedelta(hours=10, minutes=59))
    assert await waits.dropper().drop(PLAIN) == 0
    site.clock.set(noon_after(PLAIN) + timedelta(hours=11))
    assert await waits.dropper().drop(PLAIN) == 1
    (held,) = (await site.files("Lone Star Power")).values()
    assert [day.esi_id for day in held] == [esi(1), esi(2)]


async def test_a_file_is_made_at_once_when_every_meter_has_data_or_somebody_says_so(site: Site) -> None:
    waits = replace(site, settings=replace(site.settings, lse_wait_h=11))
    site.clock.set(noon_after(PLAIN))
    await site.report(*(meter_day(number, PLAIN) for number in (1, 2, 5, 3)))
    assert await waits.dropper().drop(PLAIN) == 1, "Bluebonnet still waits for meters 4 and 6"
    assert await waits.dropper().drop(PLAIN, at_once=True) == 1


@pytest.mark.parametrize("kind", ["company", "number"])
async def test_who_is_suspended_gets_nothing(site: Site, kind: str) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(meter_day(1, PLAIN), meter_day(2, PLAIN))
    if kind == "company":
        ended: Any = update(companies).where(companies.c.name == "Lone Star Power")
        ended = ended.values(status=CompanyStatus.SUSPENDED)
    else:
        ended = update(duns_numbers).where(duns_numbers.c.duns == LONE_STAR).values(status=DunsStatus.SUSPENDED)
    await site.database.write(lambda connection: connection.execute(ended))
    await site.dropper().drop(PLAIN)
    held = [day.esi_id for days in (await site.files("Lone Star Power")).values() for day in days]
    assert held == ([] if kind == "company" else [esi(2)])


async def test_rows_of_days_that_nobody_looks_at_are_forgotten(site: Site) -> None:
    site.clock.set(noon_after(PLAIN))
    await site.report(meter_day(1, PLAIN))
    await site.dropper().drop(PLAIN)
    for before, left in ((PLAIN, 3), (PLAIN + timedelta(days=1), 0)):
        await site.database.write(partial(forget_drops, before=before))
        async with site.database.reading() as connection:
            assert len((await connection.execute(select(lse_drops))).all()) == left


@given(
    minute=st.integers(0, 4 * 365 * 1440),
    at=st.times(),
    days=st.integers(0, 20),
)
def test_a_day_is_due_on_the_next_day_at_its_time_and_for_so_many_days(minute: int, at: time, days: int) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    found = due_days(now, at, days)
    today = now.astimezone(CENTRAL).date()
    assert found == sorted(found)
    for back in range(1, 25):
        day = today - timedelta(days=back)
        its_time = datetime.combine(day + timedelta(days=1), at, CENTRAL)
        assert (day in found) == (its_time <= now and back <= days)
