"""Green Button files: right by the schema where it is at hand, and in all that the schema does not ask."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

from gateway.clock import central_midnight, intervals_in
from portal.reports.forms import Format
from portal.usage.green_button import Quality, quality
from portal.usage.intervals import Channel
from portal.usage.sql_store import SqlIntervalStore
from tests.portal.usage.files import FALL, METER, PLAIN, SPRING, meter_day
from tests.portal.usage.reports import ATOM, ESPI, SEEN, Feed, keep, number, span_of, store_at, text_of

SCHEMA = Path(__file__).resolve().parents[4] / "shared" / "data" / "espi.xsd"
MARCH, NOVEMBER = [SPRING, date(2026, 3, 9)], [date(2025, 11, 1), FALL]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlIntervalStore]:
    """Five days of both channels, with a gap, an estimate, a revision, and a day of which nothing is known."""
    async with store_at(tmp_path / "usage.db") as store:
        days = [
            meter_day([place + 1 for place in range(intervals_in(day))], day, channel=channel)
            for day in (*MARCH, *NOVEMBER)
            for channel in Channel
        ]
        plain = meter_day([5, None, 0, *[7] * 93], estimated=[False, False, True, *[False] * 93])
        nothing = meter_day([None] * 96, channel=Channel.GENERATION)
        revised = replace(days[0], values=tuple(1000 + place for place in range(92)))
        await keep(store, [[*days, plain, nothing], [revised]])
        yield store


@pytest.fixture
async def text(store: SqlIntervalStore) -> str:
    return await text_of(store, Format.GREEN_BUTTON, span_of([FALL, date(2025, 11, 1), PLAIN]))


@pytest.fixture
def feed(text: str) -> Feed:
    return Feed(text)


@pytest.mark.skipif(not SCHEMA.exists(), reason="espi.xsd of ESPI 4.0 is not beside the repository")
def test_every_entry_is_valid_by_the_schema_of_espi_4(feed: Feed) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    for entry in feed.entries:
        # A tree of its own, for the schema knows the contents of entries and not the feed around them.
        alone = etree.fromstring(etree.tostring(feed.content(entry)))
        assert schema.validate(alone), schema.error_log
    wrong = etree.fromstring(etree.tostring(feed.content(feed.by_up["/espi/1_1/resource/LocalTimeParameters"][0])))
    wrong.append(wrong[0])
    assert not schema.validate(wrong)


def test_what_describes_stands_before_what_it_describes(feed: Feed) -> None:
    kinds = feed.kinds()
    one = ["ReadingType", "MeterReading", *["IntervalBlock"] * 5]
    assert kinds == ["UsagePoint", "LocalTimeParameters", *one, *one]
    starts = [number(block, "interval/start") for channel, block in feed.blocks() if channel is Channel.CONSUMPTION]
    assert starts == sorted(starts)


def test_every_link_leads_to_an_entry_and_none_is_lacking(feed: Feed) -> None:
    related = {"UsagePoint": ["LocalTimeParameters", "MeterReading"], "MeterReading": ["ReadingType", "IntervalBlock"]}
    assert len(feed.by_self) == len(feed.entries)
    for entry, kind in zip(feed.entries, feed.kinds(), strict=True):
        (own,), (up,) = feed.links(entry, "self"), feed.links(entry, "up")
        assert own.rpartition("/")[0] == up
        refers = feed.links(entry, "related")
        led = [[feed.by_self[name]] if name in feed.by_self else feed.by_up[name] for name in refers]
        names = [{etree.QName(feed.content(each)).localname for each in some} for some in led]
        assert names == [{name} for name in related.get(kind, [])]
        parent = up.rpartition("/")[0]
        if kind in ("MeterReading", "IntervalBlock"):
            assert parent in feed.by_self


def test_ids_differ_from_entry_to_entry_and_stay_from_file_to_file(feed: Feed) -> None:
    ids = [element.text for element in feed.root.iter(f"{ATOM}id")]
    assert len(set(ids)) == len(feed.entries) + 1


async def test_the_same_data_make_the_same_file(store: SqlIntervalStore, text: str) -> None:
    assert await text_of(store, Format.GREEN_BUTTON, span_of([FALL, date(2025, 11, 1), PLAIN])) == text


def test_both_channels_have_their_own_reading_type(feed: Feed) -> None:
    kinds = [feed.content(entry) for entry in feed.entries if feed.content(entry).tag == f"{ESPI}ReadingType"]
    told = [{etree.QName(field).localname: field.text for field in kind} for kind in kinds]
    assert [kind["flowDirection"] for kind in told] == ["1", "19"]
    for kind in told:
        assert (kind["uom"], kind["powerOfTenMultiplier"], kind["intervalLength"]) == ("72", "0", "900")
        assert (kind["accumulationBehaviour"], kind["commodity"]) == ("4", "1")


def test_local_time_is_that_of_chicago_in_the_schemas_order(feed: Feed) -> None:
    told = [(etree.QName(each).localname, each.text) for each in feed.content(feed.entries[1])]
    assert told == [
        ("dstEndRule", "B40E2000"),
        ("dstOffset", "3600"),
        ("dstStartRule", "360E2000"),
        ("tzOffset", "-21600"),
    ]


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (PLAIN, 96), (FALL, 100)])
def test_a_block_is_one_chicago_day_in_utc(feed: Feed, day: date, count: int) -> None:
    start = int(central_midnight(day).timestamp())
    (block,) = [
        block
        for channel, block in feed.blocks()
        if channel is Channel.CONSUMPTION and number(block, "interval/start") == start
    ]
    assert number(block, "interval/duration") == count * 900
    assert datetime.fromtimestamp(start, UTC).hour in (5, 6)
    starts = [number(each, "timePeriod/start") for each in block.findall(f"{ESPI}IntervalReading")]
    assert starts[0] == start
    assert len(starts) == (count if day != PLAIN else 95)
    assert {after - before for before, after in pairwise(starts)} == ({900} if day != PLAIN else {900, 1800})


def test_no_reading_comes_twice_and_a_missing_one_is_absent(feed: Feed) -> None:
    known = feed.known()
    assert len({(channel, start) for channel, start, _ in known}) == len(known)
    lacking = central_midnight(PLAIN).timestamp() + 900
    plain = [start.timestamp() for channel, start, _ in known if channel is Channel.CONSUMPTION]
    assert lacking not in plain
    assert lacking + 900 in plain
    assert not [1 for channel, start, _ in known if channel is Channel.GENERATION and start > central_midnight(PLAIN)]


def test_a_revised_day_stands_there_once_as_it_is_now(feed: Feed) -> None:
    first = [wh for channel, start, wh in feed.known() if start == central_midnight(SPRING)]
    assert sorted(first) == [1, 1000]


def test_an_estimate_is_never_called_valid(feed: Feed) -> None:
    qualities = {
        (number(each, "timePeriod/start"), number(each, "ReadingQuality/quality"))
        for _, block in feed.blocks()
        for each in block.findall(f"{ESPI}IntervalReading")
    }
    estimated = int(central_midnight(PLAIN).timestamp()) + 1800
    assert {at for at, code in qualities if code == 17} == {estimated}
    assert {code for _, code in qualities} == {0, 17}
    assert quality(True, Quality.REFERENCE_DAY) == 8
    assert quality(True, Quality.INTERPOLATED) == 9
    assert quality(False, Quality.INTERPOLATED) == 0


def test_an_address_is_written_as_xml_can_say_it(feed: Feed) -> None:
    assert SEEN.service_address.endswith("\x0b")
    assert feed.entries[0].findtext(f"{ATOM}title") == "1 Elm & Oak <St>\ufffd"
    assert feed.links(feed.entries[0], "self") == [f"/espi/1_1/resource/UsagePoint/{METER}"]
