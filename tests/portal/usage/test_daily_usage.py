"""The Daily Usage report: every format says the same Wh at the same instants, and none holds much of it at once."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import central_date, intervals_in
from gateway.errors import BadInput
from gateway.identifiers import EsiId
from portal.reports.asked import Asked, file_name
from portal.reports.forms import AS_FILES, Format
from portal.usage.daily_csv import csv_of, csv_of_many
from portal.usage.daily_usage import report
from portal.usage.intervals import Channel, MeterDay
from portal.usage.report_days import BLOCKS_AT_ONCE, Span
from portal.usage.smt_file import HEADER
from portal.usage.smt_write import FIRST_LINE, UTC_FIRST_LINE
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import StoredBlock
from tests.portal.usage.files import FALL, METER, OTHER, PLAIN, SPRING, TODAY, meter_day, read
from tests.portal.usage.lse_files import read_lse
from tests.portal.usage.meter_days import meter_days
from tests.portal.usage.reports import NOW, SEEN, Feed, keep, known_of, known_of_json, span_of, store_at, text_of

TEXTS = [each for each in Format if each not in AS_FILES]
NOBODY = EsiId("10443720000000999")
FILE = st.lists(
    meter_days().map(lambda day: replace(day, esi_id=METER)),
    min_size=1,
    max_size=3,
    unique_by=lambda day: (day.day, day.channel),
)
FILES = st.lists(FILE, min_size=1, max_size=3)


@st.composite
def files(draw: st.DrawFn) -> list[list[MeterDay]]:
    """Files of one meter; what a later one revises has some days in common with the first."""
    found = draw(FILES)
    again = [replace(day, values=tuple(None if wh is None else wh // 2 for wh in day.values)) for day in found[0]]
    return [*found, again]


@given(files())
@settings(max_examples=30, deadline=None)
async def test_every_format_says_the_same_energy_at_the_same_instants(files: list[list[MeterDay]]) -> None:
    span = span_of([day.day for file in files for day in file])
    with TemporaryDirectory() as folder:
        async with store_at(Path(folder) / "usage.db") as store:
            await keep(store, files)
            days = [stored.data for stored in await store.current(METER, span.first, span.last)]
            texts = {each: await text_of(store, each, span) for each in TEXTS}
    known = known_of(days)
    assert read(texts[Format.CSV].encode()) == days
    assert read_lse(texts[Format.LSE].encode()) == days
    assert known_of_json(texts[Format.JSON]) == known
    readings = Feed(texts[Format.GREEN_BUTTON]).known()
    assert (len(readings), set(readings)) == (len(known), known)


@given(files())
@settings(max_examples=15, deadline=None)
async def test_every_version_is_told_the_newest_first(files: list[list[MeterDay]]) -> None:
    span = span_of([day.day for file in files for day in file], every_version=True)
    with TemporaryDirectory() as folder:
        async with store_at(Path(folder) / "usage.db") as store:
            await keep(store, files)
            stored = await store.versions(METER, span.first, span.last)
            csv, text = await text_of(store, Format.CSV, span), await text_of(store, Format.JSON, span)
    stored = sorted(stored, key=lambda each: (each.data.day, each.data.channel, -each.version))
    lines = csv.splitlines(keepends=True)
    assert lines.pop(0) == FIRST_LINE
    for each in stored:
        rows, lines = lines[: len(each.data.values)], lines[len(each.data.values) :]
        assert read("".join((FIRST_LINE, *rows)).encode()) == [each.data]
    assert lines == []
    assert known_of_json(text) == known_of([each.data for each in stored])
    days = [each for each in stored for _ in each.data.values]
    for told, each in zip(json_intervals(text), days, strict=True):
        revised = told["revised_at"] and datetime.fromisoformat(str(told["revised_at"]))
        assert (told["version"], revised) == (each.version, each.data.revised_at)
        assert datetime.fromisoformat(str(told["received_at"])) == each.received_at


def json_intervals(text: str) -> list[dict[str, object]]:
    """The intervals of a JSON report, as they stand there."""
    found: list[dict[str, object]] = json.loads(text)["intervals"]
    return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlIntervalStore]:
    async with store_at(tmp_path / "usage.db") as store:
        yield store


async def test_a_missing_value_is_empty_in_a_csv_and_null_in_json(store: SqlIntervalStore) -> None:
    await keep(store, [[meter_day([859, None, *[0] * 94], estimated=[True] + [False] * 95)]])
    csv = (await text_of(store, Format.CSV, span_of([PLAIN]))).splitlines()
    assert csv[0] == HEADER
    assert csv[1] == f"'{METER},05/06/2026,, 00:00, 00:15,0.859,E,Consumption"
    assert csv[2] == f"'{METER},05/06/2026,, 00:15, 00:30,,,Consumption"
    first, second, *_ = json_intervals(await text_of(store, Format.JSON, span_of([PLAIN])))
    assert first == {
        "start": "2026-05-06T05:00:00Z",
        "offset": "-05:00",
        "channel": "consumption",
        "wh": 859,
        "estimated": True,
        "version": 1,
        "revised_at": None,
        "received_at": "2026-07-01T15:00:00Z",
    }
    assert (second["wh"], second["estimated"]) == (None, False)


@pytest.mark.parametrize("day", [SPRING, FALL, PLAIN])
async def test_a_csv_may_tell_utc_and_offset_of_every_row(store: SqlIntervalStore, day: date) -> None:
    await keep(store, [[meter_day([1] * intervals_in(day), day)]])
    plain = (await text_of(store, Format.CSV, span_of([day]))).splitlines()
    header, *rows = (await text_of(store, Format.CSV, span_of([day]), utc=True)).splitlines()
    assert f"{header}\n" == UTC_FIRST_LINE
    assert [row.rsplit(",", 2)[0] for row in rows] == plain[1:]
    starts = []
    for row in rows:
        wall, _, utc, offset = row.split(",")[3], *row.rsplit(",", 2)
        at = datetime.strptime(utc, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        hours = int(offset.partition(":")[0])
        assert f"{at + timedelta(hours=hours):%H:%M}" == wall.strip()
        starts.append(at)
    assert {after - before for before, after in pairwise(starts)} == {timedelta(minutes=15)}
    assert len(starts) == intervals_in(day)


@pytest.mark.parametrize("written_as", TEXTS)
async def test_a_meter_without_data_has_a_whole_report_without_intervals(
    store: SqlIntervalStore, written_as: Format
) -> None:
    text = await text_of(store, written_as, span_of([PLAIN]))
    match written_as:
        case Format.CSV:
            assert text == FIRST_LINE
        case Format.LSE:
            assert text == ""
        case Format.JSON:
            assert known_of_json(text) == set()
        case Format.GREEN_BUTTON:
            assert Feed(text).kinds() == ["UsagePoint", "LocalTimeParameters"]


@given(files())
@settings(max_examples=10, deadline=None)
async def test_a_csv_of_many_meters_has_each_meter_s_rows_in_the_order_asked(files: list[list[MeterDay]]) -> None:
    twice = [[*file, *(replace(day, esi_id=OTHER) for day in file[:1])] for file in files]
    meters = [replace(SEEN, esi_id=OTHER), replace(SEEN, esi_id=NOBODY), SEEN]
    for every_version in (False, True):
        span = span_of([day.day for file in files for day in file], every_version=every_version)
        with TemporaryDirectory() as folder:
            async with store_at(Path(folder) / "usage.db") as store:
                await keep(store, twice)
                text = b"".join([piece async for piece in csv_of_many(store, meters, span)])
                alone = [b"".join([piece async for piece in csv_of(store, meter, span)]) for meter in meters]
        head = FIRST_LINE.encode()
        assert text == head + b"".join(each.removeprefix(head) for each in alone)


async def test_dates_beyond_the_kernel_s_calendar_are_written_too(store: SqlIntervalStore) -> None:
    await keep(store, [[replace(meter_day(), revised_at=datetime(2009, 12, 31, 18, tzinfo=UTC))]])
    text = await text_of(store, Format.CSV, span_of([PLAIN]))
    assert text.splitlines()[1].startswith(f"'{METER},05/06/2026,12/31/2009 12:00:00, 00:00, 00:15,")


async def test_a_value_that_no_file_can_hold_is_refused(store: SqlIntervalStore) -> None:
    await keep(store, [[meter_day([-1] * 96)]])
    with pytest.raises(BadInput, match="an interval of -1 Wh cannot be written"):
        await text_of(store, Format.CSV, span_of([PLAIN]))


def test_a_report_is_named_for_meter_days_and_version() -> None:
    span = Span(first=date(2026, 5, 1), last=date(2026, 5, 31))
    names = [file_name(SEEN.esi_id, Asked(span=span, format=each)) for each in Format]
    head = f"daily-usage_{METER}_2026-05-01_2026-05-31_current"
    assert names == [f"{head}.json", f"{head}.csv", f"{head}.lse", f"{head}.xml", f"{head}.xlsx", f"{head}.parquet"]
    every = Asked(span=replace(span, every_version=True), format=Format.CSV)
    assert file_name(SEEN.esi_id, every).endswith("_versions.csv")


class Held(StoredBlock):
    """A block that is counted while somebody holds it."""

    now = 0
    most = 0

    def __del__(self) -> None:
        Held.now -= 1


class WatchedStore(SqlIntervalStore):
    """The real store, which counts the blocks that its asker holds and the versions that it asks for at once."""

    asked = 0

    async def rows(
        self, esi_id: EsiId, first: date, last: date, *, every_version: bool
    ) -> AsyncIterator[Sequence[StoredBlock]]:
        """The real rows, counted."""
        async for rows in super().rows(esi_id, first, last, every_version=every_version):
            Held.now += len(rows)
            Held.most = max(Held.most, Held.now)
            yield [Held(*row) for row in rows]

    async def received(self, versions: Collection[int]) -> dict[int, datetime]:
        """The real instants, counted."""
        self.asked = max(self.asked, len(versions))
        return await super().received(versions)


@pytest.mark.parametrize("written_as", TEXTS)
async def test_six_years_are_written_from_two_at_most_at_a_time(store: SqlIntervalStore, written_as: Format) -> None:
    last = central_date(NOW)
    days = [last - timedelta(days=back) for back in range(2191)]
    assert days[0] < TODAY
    await keep(
        store,
        [[meter_day([7] * intervals_in(day), day, channel=channel) for day in days for channel in Channel]],
    )
    watched = WatchedStore(store._database)
    Held.now = Held.most = pieces = longest = 0
    asked = Asked(span=span_of(days), format=written_as)
    async for piece in report(watched, SEEN, asked):
        pieces, longest = pieces + 1, max(longest, len(piece))
    assert pieces >= 2 * len(days) / (BLOCKS_AT_ONCE if written_as is Format.CSV else 1)
    assert longest < 32_768 * (BLOCKS_AT_ONCE / 2 if written_as is Format.CSV else 1)
    assert Held.most <= 2 * 2 * 2 * 366 + BLOCKS_AT_ONCE  # two years of both channels, twice, and what is written
    assert watched.asked <= BLOCKS_AT_ONCE
