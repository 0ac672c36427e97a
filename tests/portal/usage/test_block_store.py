"""The block store against a naive model of it, and what it promises: seeks, bounded memory, nothing half done."""

import asyncio
import random
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import insert, text

from gateway.clock import SystemClock, intervals_in
from gateway.database import Database
from gateway.errors import BadInput
from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS, NO_REVISION, Batch, batch_of
from portal.usage.block_reader import BLOCKS
from portal.usage.day_block import pack, unpack
from portal.usage.intervals import Channel, MeterDay
from portal.usage.row_keys import EPOCH, month_number
from portal.usage.sealing import seal
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import DayTotal, SourceFile
from portal.usage.tables import open_blocks, sealed_blocks
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, SPRING, meter_day
from tests.portal.usage.test_sql_store import ALL_TIME, NOW, load

CLOCK = SystemClock()
SEEDS = (1, 2, 3)
METERS = [EsiId(f"1044372000000{number:04}") for number in range(7)] + [OTHER]
DAYS = [SPRING, FALL, PLAIN, date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31), date(2025, 12, 31)]
UNKNOWN = EsiId("10443720000000999")
MONTHS = sorted({month_number(day) for day in DAYS})
Key = tuple[EsiId, date, Channel]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    await SqlIntervalStore.opened(opened)
    yield opened
    await opened.close()


def drawn_day(dice: random.Random) -> MeterDay:
    """Any meter-day: of 92, 96 or 100 quarter hours, with gaps and estimates, of few values so that some come again."""
    day = dice.choice(DAYS)
    count = intervals_in(day)
    values: list[int | None] = [dice.choice((0, 212, 5000))] * count
    flags = [False] * count
    match dice.randrange(5):
        case 0:
            values[dice.randrange(count)] = None
        case 1:
            flags[dice.randrange(count)] = True
        case 2:
            values[0] = dice.choice((-(2**31), 2**31 - 1))
        case 3:
            values = [None] * count
    revised = dice.choice((None, datetime(2026, 5, 7, 12, tzinfo=UTC)))
    return MeterDay(
        esi_id=dice.choice(METERS),
        day=day,
        channel=dice.choice(CHANNELS),
        revised_at=revised,
        values=tuple(values),
        estimated=tuple(flags),
    )


class Model:
    """All that was loaded, as lists of versions."""

    def __init__(self) -> None:
        self.kept: dict[Key, list[tuple[int, MeterDay]]] = {}

    def load(self, version: int, days: Sequence[MeterDay]) -> tuple[int, int, int]:
        """Keep what is new or revised; how many were new, revised, identical."""
        counts = [0, 0, 0]
        for each in days:
            versions = self.kept.setdefault((each.esi_id, each.day, each.channel), [])
            kind = 0 if not versions else 2 if versions[-1][1] == each else 1
            counts[kind] += 1
            if kind < 2:
                versions.append((version, each))
        return counts[0], counts[1], counts[2]

    def of(self, meter: EsiId, first: date, last: date) -> list[list[tuple[int, MeterDay]]]:
        """A meter's days with their versions."""
        return [self.kept[key] for key in sorted(self.kept) if key[0] == meter and first <= key[1] <= last]

    def totals(self, first: date, last: date) -> list[DayTotal]:
        """Every meter's totals."""
        return [
            DayTotal(esi_id=key[0], day=key[1], channel=key[2], total_wh=d.total_wh, missing=d.values.count(None))
            for key, [*_, (_, d)] in sorted(self.kept.items())
            if first <= key[1] <= last
        ]


async def check(store: SqlIntervalStore, model: Model, first: date, last: date) -> None:
    """The store says what the model says, by every question."""
    newest = await store.newest_reads(METERS)
    for meter in METERS:
        days = model.of(meter, first, last)
        flat = [each for versions in days for each in versions]
        assert [(d.version, d.data) for d in await store.versions(meter, first, last)] == flat
        current = [versions[-1] for versions in days]
        assert [(d.version, d.data) for d in await store.current(meter, first, last)] == current
        for every_version, expected in ((True, flat), (False, current)):
            pieces = store.rows(meter, first, last, every_version=every_version)
            rows = [row async for piece in pieces for row in piece]
            assert [(row.version, row.day, unpack(row.data)) for row in rows] == [
                (version, day.day.toordinal(), (day.values, day.estimated)) for version, day in expected
            ]
        ever = model.of(meter, *ALL_TIME)
        last_day = max((versions[0][1].day for versions in ever), default=None)
        assert await store.newest_day(meter) == last_day
        on_it = [versions[-1] for versions in ever if versions[0][1].day == last_day]
        assert [(row.version, unpack(row.data)[0]) for row in newest if row.esi_id == meter] == [
            (version, day.values) for version, day in on_it
        ]
    columns = await store.newest_by_columns([*METERS, UNKNOWN])
    names, *rest = (
        map(METERS.__getitem__, columns.meters),
        columns.days,
        columns.channels,
        columns.totals,
        columns.missing,
    )
    assert sorted(zip(names, *rest, strict=True)) == [
        (row.esi_id, row.day, row.channel, row.total_wh, row.missing) for row in newest
    ]
    assert await store.totals(METERS, first, last) == model.totals(first, last)
    asked = [*reversed(METERS), METERS[0], UNKNOWN]
    for every_version in (True, False):
        items = [item async for item in store.many(asked, first, last, every_version=every_version)]
        ways = [store.rows(each, first, last, every_version=every_version) for each in asked]
        alone = [[row async for rows in way for row in rows] for way in ways]
        assert items == alone


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_history_of_loads_and_seals_reads_as_the_model_says(database: Database, seed: int) -> None:
    dice, model, store = random.Random(seed), Model(), SqlIntervalStore(database)
    for step in range(14):
        if dice.random() < 0.25:
            await seal(database, dice.choice(MONTHS), CLOCK)
            continue
        drawn = {(d.esi_id, d.day, d.channel): d for d in (drawn_day(dice) for _ in range(dice.randrange(40)))}
        loaded = await load(store, f"file {step}", *drawn.values())
        counted = (loaded.new, loaded.revised, loaded.identical)
        assert counted == model.load(loaded.version, list(drawn.values())), f"seed {seed}, step {step}"
        if dice.random() < 0.3:
            store = SqlIntervalStore(database)  # one that remembers no meters
    await check(store, model, *ALL_TIME)
    await check(store, model, date(2026, 4, 1), PLAIN)
    await check(store, model, date(1, 1, 1), date(9999, 12, 31))
    await check(store, model, PLAIN, date(2026, 1, 1))


def flat_batch(first: int, count: int, day: date, wh: int = 1) -> Batch:
    """Meter-days of so many meters, all alike."""
    block = pack([wh] * 96, [False] * 96)
    return Batch(
        esi_ids=np.char.mod("1044372%010d", np.arange(first, first + count)).astype("S22"),
        days=np.full(count, day.toordinal(), dtype=np.int32),
        channels=np.zeros(count, dtype=np.uint8),
        revised=np.full(count, NO_REVISION, dtype=np.int64),
        totals=np.full(count, 96 * wh, dtype=np.int64),
        missing=np.zeros(count, dtype=np.uint8),
        blocks=[block] * count,
    )


def source(name: str) -> SourceFile:
    return SourceFile(name=name, sha256=name, received_at=NOW)


async def test_many_meters_that_stand_close_are_read_by_ranges_as_well(database: Database) -> None:
    store, later = SqlIntervalStore(database), PLAIN + timedelta(days=1)
    days = (date(2026, 4, 7), PLAIN, later)
    await store.load_batches(source("one"), lambda: iter([flat_batch(0, 300, day, 1) for day in days]))
    again = await store.load_batches(source("two"), lambda: iter([flat_batch(100, 100, PLAIN, 2)]))
    assert (again.new, again.revised) == (0, 100)
    await load(store, "three", meter_day(day=later + timedelta(days=9)))
    asked = [EsiId(f"1044372{number:010}") for number in range(0, 300, 3)]
    for _ in range(2):
        totals = await store.totals(asked, PLAIN, later)
        assert [(each.esi_id, each.day) for each in totals] == [(e, day) for e in asked for day in (PLAIN, later)]
        assert sum(each.total_wh for each in totals) == 200 * 96 + 33 * 96
        newest = await store.newest_reads([*asked, METER])
        assert [row.esi_id for row in newest] == sorted([*asked, METER])
        assert {row.day for row in newest if row.esi_id != METER} == {later.toordinal()}
        columns = await store.newest_by_columns(asked)
        assert columns.meters.tolist() == list(range(len(asked)))
        assert columns.totals.tolist() == [row.total_wh for row in newest if row.esi_id != METER]
        await seal(database, month_number(PLAIN), CLOCK)


async def test_many_meters_come_in_the_order_asked_from_a_few_thousand_blocks_at_a_time(database: Database) -> None:
    store = SqlIntervalStore(database)
    days = [PLAIN + timedelta(days=number) for number in range(20)]
    await store.load_batches(source("one"), lambda: iter([flat_batch(0, 1000, day) for day in days]))
    asked = [EsiId(f"1044372{number:010}") for number in range(1000, -1, -1)]

    async def read(esi_ids: Sequence[EsiId]) -> tuple[list[int], int]:
        found: list[int] = []
        tracemalloc.start()
        async for item in store.many(esi_ids, days[0], days[-1], every_version=False):
            assert {block.esi_id for block in item} <= {esi_ids[len(found)]}
            found.append(len(item))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found, most

    (half, of_half), (found, of_all) = await read(asked[:501]), await read(asked)
    assert half == [0] + [20] * 500
    assert found == [0] + [20] * 1000
    assert of_all < 1.2 * of_half + 100_000


@pytest.mark.parametrize("apart", [False, True])
async def test_a_day_that_comes_twice_in_one_file_is_refused(database: Database, apart: bool) -> None:
    store = SqlIntervalStore(database)
    batches = [batch_of([meter_day()]), batch_of([meter_day()])] if apart else [batch_of([meter_day(), meter_day()])]
    with pytest.raises(BadInput, match="comes twice"):
        await store.load_batches(source("one"), lambda: iter(batches))
    assert await store.newest_day(METER) is None


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2090, 1, 1)])
async def test_a_day_that_has_no_number_is_refused(database: Database, day: date) -> None:
    with pytest.raises(BadInput, match="before 2000 or after 2089"):
        await load(SqlIntervalStore(database), "one", meter_day(day=day))


async def test_loads_at_once_number_each_meter_once(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    stores = [SqlIntervalStore(each) for each in (database, other)]
    days = [PLAIN + timedelta(days=number) for number in range(4)]

    def batches(day: date) -> Iterator[Batch]:
        yield from (flat_batch(first, 200, day) for first in (0, 100, 300))

    async def loaded(number: int, day: date) -> int:
        whole = [flat_batch(0, 100, day), flat_batch(100, 200, day), flat_batch(300, 200, day)]
        return (await stores[number % 2].load_batches(source(str(number)), lambda: iter(whole))).new

    assert await asyncio.gather(*(loaded(number, day) for number, day in enumerate(days))) == [500] * 4
    esi_ids = [EsiId(f"1044372{number:010}") for number in range(500)]
    assert len(await stores[0].totals(esi_ids, days[0], days[-1])) == 2000
    with pytest.raises(BadInput, match="comes twice"):
        await stores[1].load_batches(source("overlap"), lambda: batches(PLAIN + timedelta(days=9)))
    await other.close()


async def test_a_load_needs_no_more_memory_for_a_longer_file(database: Database) -> None:
    async def peak(name: str, first: int, batches: int) -> int:
        store = SqlIntervalStore(database)
        tracemalloc.start()
        days = [PLAIN + timedelta(days=first + number) for number in range(batches)]
        await store.load_batches(source(name), lambda: (flat_batch(0, 2000, day) for day in days))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    await peak("warm", 0, 1)
    short, long = await peak("short", 10, 2), await peak("long", 20, 10)
    assert long < 1.3 * short + 1_000_000


async def plan(database: Database, sealed: bool, *asked: object) -> str:
    """How the database finds some meters' rows, once it has met a table of some size."""
    words = "explain query plan" if database.dialect == "sqlite" else "explain"
    async with database.reading() as connection:
        found = await connection.exec_driver_sql(f"{words} {BLOCKS[database.dialect, sealed]}", asked)
        return "\n".join(str(row) for row in found)


async def test_meters_months_are_seeks_and_never_scans(database: Database) -> None:
    row = {"channel": 0, "version": 1, "revised_s": 0, "total_wh": 1, "missing": 0, "data": b"x" * 130}
    month = month_number(PLAIN)
    day = PLAIN.toordinal() - EPOCH
    await seal(database, month, CLOCK)

    async def fill(connection: object) -> None:
        assert hasattr(connection, "execute")
        rows = [{**row, "meter": meter, "day": day + place} for meter in range(1500) for place in range(6)]
        await connection.execute(insert(open_blocks), rows)
        await connection.execute(insert(sealed_blocks), [{**each, "month": month} for each in rows])

    await database.write(fill)
    async with database.reading() as connection:
        await connection.exec_driver_sql("analyze")
    if database.dialect == "sqlite":
        opened = await plan(database, False, f"[{day}, {day + 2}]", "[7, 9]")
        sealed = await plan(database, True, f"[{month}]", "[7, 9]", day, day + 3)
        assert "SEARCH b USING PRIMARY KEY (day=? AND meter=?)" in opened
        assert "SEARCH b USING PRIMARY KEY (month=? AND meter=? AND day>? AND day<?)" in sealed
    else:
        opened = await plan(database, False, [day, day + 2], [7, 9])
        sealed = await plan(database, True, [month], [7, 9], day, day + 3)
        assert "meter = ANY" in opened
        assert "meter = ANY" in sealed
        assert "Seq Scan" not in opened + sealed


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite plans each statement anew
async def test_a_load_of_new_meters_never_reads_the_table_of_meters_whole(database: Database) -> None:
    first, meters, at_once = 10443720000500000, 10_000, 500

    def batches() -> Iterator[Batch]:
        for start in range(0, meters, at_once):
            numbers = range(first + start, first + start + at_once)
            yield batch_of(meter_day(meter=EsiId(str(number))) for number in numbers)

    await SqlIntervalStore(database).load_batches(SourceFile(name="one", sha256="one", received_at=NOW), batches)
    async with database.reading() as connection:
        read = text("select seq_tup_read from pg_stat_user_tables where relname = 'usage_meters'")
        assert (await connection.scalar(read) or 0) < meters
