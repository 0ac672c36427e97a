"""Guide 8.2 and 8.3: the usage reports of one meter as pages. Each test quotes the sentence that it is about."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from lxml import etree

from portal.usage import lse_file
from portal.usage.esi_ids import KnownMeters
from portal.usage.intervals import Channel, MeterDay
from portal.usage.register_files import DailyRead, MonthlyUsage
from portal.usage.store import SourceFile
from tests.clock import HandClock
from tests.portal.pages.desk import signed_in
from tests.portal.pages.house import House, faults_of, open_house
from tests.portal.usage.reports import Feed, known_of, known_of_json
from tests.portal.usage.test_green_button import SCHEMA
from tests.portal.world import esi

HERE = f"/usage/meters/{esi(1)}/report"
DAY, SPRING, FALL = date(2026, 6, 10), date(2026, 3, 8), date(2025, 11, 2)
CELL = re.compile(r"<td[^>]*>([^<]*)</td>")


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The portal's pages over the small world."""
    async with open_house(tmp_path, clock) as opened:
        yield opened


def at(report: str, start: date, end: date, view: str = "current", **more: object) -> str:
    """The address of a report."""
    fields = {"report": report, "view": view, "start": start, "end": end, **more}
    return f"{HERE}?" + "&".join(f"{name}={value}" for name, value in fields.items())


def usage(day: date, count: int, first: int = 0, channel: Channel = Channel.CONSUMPTION) -> MeterDay:
    """A day whose second interval is missing and whose third is estimated."""
    values = [first + place for place in range(count)]
    return MeterDay(
        esi_id=esi(1),
        day=day,
        channel=channel,
        revised_at=datetime(2026, 6, 12, 12, tzinfo=UTC),
        values=tuple(None if place == 1 else value for place, value in enumerate(values)),
        estimated=tuple(place == 2 for place in range(count)),
    )


async def keep_reads(house: House) -> None:
    """Daily reads of three days, one of them without an end, and two months."""
    reads = [
        DailyRead(
            esi_id=esi(1),
            read_date=DAY + timedelta(days=number),
            revised_at=None,
            start_wh=24_000_000 + 31_000 * number,
            end_wh=None if number == 1 else 24_031_000 + 31_000 * number,
            usage_wh=None if number == 1 else 31_000,
        )
        for number in range(3)
    ]
    months = [
        MonthlyUsage(
            esi_id=esi(1),
            start_date=date(2026, number, 1),
            end_date=date(2026, number, 28),
            revised_at=None,
            actual_wh=None if number == 5 else 290_000,
            metered_w=3_000,
            billed_w=None,
            metered_va=None,
            billed_va=None,
        )
        for number in (4, 5)
    ]
    now = house.clock.now()
    source = SourceFile(name="reads", sha256="a" * 64, received_at=now)
    await house.registers.load(source, DailyRead, lambda: iter(reads))
    await house.registers.load(replace(source, sha256="b" * 64), MonthlyUsage, lambda: iter(months))


def rows_of(page: httpx.Response, table: str) -> list[list[str]]:
    """The cells of the rows of a table that holds a text."""
    start = page.text.index(table)
    body = page.text[page.text.index("<tbody>", start) : page.text.index("</tbody>", start)]
    return [CELL.findall(re.sub(r"</?a\b[^>]*>", "", row)) for row in body.split("</tr>") if "<td" in row]


async def test_rpt_03_of_several_meters_one_is_chosen_and_view_report_opens_daily_usage(house: House) -> None:
    """RPT-03: "You may view reports for only one (1) Smart Meter at a time."."""
    await house.report(usage(DAY, 96))
    browser = await signed_in(house)
    page = await browser.get(f"/usage/meters/view?what=report&chosen={esi(1)}")
    assert page.url.path == HERE
    assert "Daily Usage" in page.text
    assert "Wed, 06/10/2026" in page.text
    none = await browser.get("/usage/meters/view?what=report")
    assert "Select at least one meter" in none.text


async def test_rpt_12_daily_usage_shows_a_day_a_page_with_previous_and_next_day(house: House) -> None:
    """RPT-12: "The report view displays 96 intervals ... of usage data for one day at a time."."""
    await house.report(*(usage(DAY + timedelta(days=number), 96, 100) for number in range(3)))
    browser = await signed_in(house)
    page = await browser.get(at("daily_usage", DAY, DAY + timedelta(days=2), page=DAY + timedelta(days=1)))
    assert "Thu, 06/11/2026" in page.text
    assert "Previous Day" in page.text
    assert "Next Day" in page.text
    rows = rows_of(page, "Usage as a table")
    assert len(rows) == 96
    assert rows[:3] == [
        ["00:00 to 00:15", "0.100", "actual"],
        ["00:15 to 00:30", "N/A", "not available"],
        ["00:30 to 00:45", "0.102", "estimated"],
    ]
    first = await browser.get(at("daily_usage", DAY, DAY + timedelta(days=2), page=DAY))
    assert "Previous Day" not in first.text
    last = await browser.get(at("daily_usage", DAY, DAY + timedelta(days=2)))
    assert "Fri, 06/12/2026" in last.text, "the newest day comes first"
    assert "Next Day" not in last.text
    nothing = await browser.get(at("daily_usage", DAY - timedelta(days=1), DAY, page=DAY - timedelta(days=1)))
    assert "No interval of 06/09/2026 is stored." in nothing.text


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (FALL, 100)])
async def test_rpt_12_a_day_on_which_clocks_change_has_the_intervals_that_it_had(
    house: House, day: date, count: int
) -> None:
    """RPT-12: "96 intervals" are 92 or 100 on these days (AMB-10); what is downloaded there is what the store holds."""
    both = (usage(day, count), usage(day, count, 500, Channel.GENERATION))
    await house.report(*both)
    browser = await signed_in(house)
    page = await browser.get(at("daily_usage", day, day))
    assert f"of {count}, for clocks were changed on this day" in page.text
    assert len(rows_of(page, "Usage as a table")) == count
    assert len(rows_of(page, "Surplus generation as a table")) == count
    (href,) = re.findall(r'<a href="([^"]+)" download>CSV</a>', page.text)
    file = await browser.get(href.replace("&amp;", "&"))
    told = [
        (row["CONSUMPTION_SURPLUSGENERATION"], row["USAGE_KWH"], row["ESTIMATED_ACTUAL"])
        for row in csv.DictReader(io.StringIO(file.text))
    ]
    held = [
        (words, "" if wh is None else f"{wh / 1000:.3f}", "" if wh is None else "EA"[not estimated])
        for one, words in zip(both, ("Consumption", "Surplus Generation"), strict=True)
        for wh, estimated in zip(one.values, one.estimated, strict=True)
    ]
    assert [row for row in told if row[1]] == [row for row in held if row[1]]


@pytest.mark.parametrize(("day", "count"), [(SPRING, 92), (FALL, 100)])
async def test_rpt_16_what_is_downloaded_is_what_the_store_holds(house: House, day: date, count: int) -> None:
    """RPT-16: "Export will download your report"; with a gap, an estimate, a revision and generation."""
    await house.report(usage(day, count, 900), usage(day, count, 300, Channel.GENERATION))
    both = [usage(day, count), usage(day, count, 500, Channel.GENERATION)]
    source = SourceFile(name="again", sha256="d" * 64, received_at=house.clock.now())
    await house.intervals.load(source, lambda: iter(both))
    browser = await signed_in(house)
    page = await browser.get(at("daily_usage", day, day))
    found = re.findall(r'<a href="([^"]+)" download>([^<]+)</a>', page.text)
    text = {words: (await browser.get(href.replace("&amp;", "&"))).text for href, words in found if words != "Excel"}
    held = known_of(both)
    assert len(held) == 2 * (count - 1)
    assert known_of_json(text["JSON"]) == held
    feed = Feed(text["Green Button"])
    assert set(feed.known()) == held
    if SCHEMA.exists():
        schema = etree.XMLSchema(etree.parse(SCHEMA))
        for entry in feed.entries:
            assert schema.validate(etree.fromstring(etree.tostring(feed.content(entry)))), schema.error_log
    lines = [text["LSE"].encode()]
    assert known_of(list(lse_file.parse(lines, KnownMeters([str(esi(1))]), house.clock.now().date()))) == held


async def test_rpt_13_daily_reads_are_30_days_a_page_with_na_for_what_is_missing(house: House) -> None:
    """RPT-13: "N/A is displayed if the Start and/or End read values for a day are not available."."""
    await keep_reads(house)
    browser = await signed_in(house)
    start = DAY - timedelta(days=1)
    page = await browser.get(at("daily_reads", start, start + timedelta(days=40 - 21)))
    rows = rows_of(page, "</thead>")
    assert len(rows) == 20
    assert rows[0] == ["06/09/2026", *["N/A"] * 5]
    assert rows[1][:5] == ["06/10/2026", "24,000.000", "24,031.000", "31.000", "N/A"]
    assert rows[2][:5] == ["06/11/2026", "24,031.000", "N/A", "N/A", "N/A"]
    long = await browser.get(at("daily_reads", start - timedelta(days=40), start + timedelta(days=5)))
    assert len(rows_of(long, "</thead>")) == 30
    assert ">Next</a>" in long.text
    (onward,) = re.findall(r'href="([^"]+)#report">Next</a>', long.text)
    rest = await browser.get(onward.replace("&amp;", "&"))
    assert len(rows_of(rest, "</thead>")) == 16
    assert ">Previous</a>" in rest.text


async def test_rpt_14_monthly_usage_is_what_the_tdsp_reported(house: House) -> None:
    """RPT-14: "N/A is displayed if the kWh value for a month is not available."."""
    await keep_reads(house)
    browser = await signed_in(house)
    page = await browser.get(at("monthly_usage", date(2026, 4, 1), date(2026, 6, 1)))
    rows = rows_of(page, "</thead>")
    assert [row[:5] for row in rows] == [
        ["04/01/2026", "04/28/2026", "290.000", "3.000", "N/A"],
        ["05/01/2026", "05/28/2026", "N/A", "3.000", "N/A"],
    ]
    early = await browser.get(at("monthly_usage", date(2024, 1, 1), date(2026, 6, 1)))
    assert (early.status_code, list(faults_of(early))) == (422, ["start"])


async def test_rpt_15_print_has_the_full_report_and_not_the_page_alone(house: House) -> None:
    """RPT-15: "The full report ... will print even though your view may only be displaying a specific page."."""
    await house.report(*(usage(DAY + timedelta(days=number), 96) for number in range(3)))
    browser = await signed_in(house)
    page = await browser.get(at("daily_usage", DAY, DAY + timedelta(days=2)))
    (href,) = re.findall(r'href="([^"]+)">Print the full report</a>', page.text)
    printed = await browser.get(href.replace("&amp;", "&"))
    for words in ("Wednesday, 06/10/2026", "Thursday, 06/11/2026", "Friday, 06/12/2026"):
        assert words in printed.text
    assert printed.text.count("00:15 to 00:30") >= 3
    assert printed.text.count("<details open>") == 3


async def test_rpt_16_export_is_the_full_report_as_a_file_at_once(house: House) -> None:
    """RPT-16: "Export will download your report to a CSV file immediately."."""
    await house.report(*(usage(DAY + timedelta(days=number), 96) for number in range(3)))
    browser = await signed_in(house)
    page = await browser.get(at("daily_usage", DAY, DAY + timedelta(days=2)))
    links = {
        words: href.replace("&amp;", "&")
        for href, words in re.findall(r'<a href="([^"]+)" download>([^<]+)</a>', page.text)
    }
    assert list(links) == ["CSV", "Excel", "JSON", "Parquet", "LSE", "Green Button"]
    for words, begins in (
        ("CSV", b"ESIID,"),
        ("Excel", b"PK"),
        ("JSON", b"{"),
        ("Parquet", b"PAR1"),
        ("Green Button", b"<?xml"),
    ):
        file = await browser.get(links[words])
        assert file.status_code == 200, words
        assert file.content.startswith(begins), words
        assert "attachment" in file.headers["content-disposition"]
    assert (await browser.get(links["CSV"])).text.count("\n") == 1 + 3 * 96


async def test_a_large_report_is_ordered_and_its_order_shown(house: House) -> None:
    await house.report(usage(DAY, 96))
    browser = await signed_in(house)
    address = at("daily_usage", DAY - timedelta(days=60), DAY)
    page = await browser.get(address)
    assert "is made offline" in page.text
    order = await browser.send(page, f"{HERE}/order", {})
    assert re.fullmatch(r"/usage/orders/\d{10}", order.url.path)
    assert "Your order is placed" in order.text
    printed = await browser.get(address.replace(HERE, f"{HERE}/print"))
    assert printed.url.path == HERE, "a large report is not printed from here"


async def test_version_updates_name_the_days_that_changed_and_mark_what_did(house: House) -> None:
    await house.report(usage(DAY, 96))
    await house.report(usage(DAY + timedelta(days=1), 96))
    old = usage(DAY, 96)
    new = MeterDay(
        esi_id=old.esi_id,
        day=old.day,
        channel=old.channel,
        revised_at=datetime(2026, 6, 20, tzinfo=UTC),
        values=(old.values[0], 777, *old.values[2:]),
        estimated=(False,) * 96,
    )
    source = SourceFile(name="again", sha256="f" * 64, received_at=house.clock.now())
    await house.intervals.load(source, lambda: iter([new]))
    browser = await signed_in(house)
    page = await browser.get(at("daily_usage", DAY, DAY + timedelta(days=1), "versions", page=DAY))
    revised = page.text[page.text.index("Days with more than one version") :]
    assert "06/10/2026</a>" in revised
    assert "06/11/2026</a>" not in revised
    assert "<mark>0.777</mark>" in page.text
    changed = rows_of(page, "what changed between 2 versions")
    assert [row[0] for row in changed] == ["00:15 to 00:30", "00:30 to 00:45"]
    assert "Current 3" in page.text
    customer = await signed_in(house, "maria.customer")
    theirs = await customer.get(at("daily_usage", DAY, DAY, "versions"))
    assert (theirs.status_code, list(faults_of(theirs))) == (422, ["view"])


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [("", "2026-06-10", "start"), ("11.5.2026", "2026-06-10", "start"), ("2026-06-11", "2026-06-10", "start"),
     ("2026-06-10", "2027-01-01", "end"), ("2020-01-01", "2026-06-10", "start")],
)  # fmt: skip
async def test_what_is_wrong_with_the_options_is_said_at_its_field(
    house: House, start: str, end: str, field: str
) -> None:
    browser = await signed_in(house)
    page = await browser.get(f"{HERE}?report=daily_usage&view=current&start={start}&end={end}")
    assert (page.status_code, list(faults_of(page))) == (422, [field])
    assert f'value="{end}"' in page.text


@pytest.mark.parametrize("who", ["rep.admin", "maria.customer", "wires.admin"])
async def test_the_help_of_a_report_is_there_for_everybody(house: House, who: str) -> None:
    browser = await signed_in(house, who)
    page = await browser.get(HERE)
    assert "/help#reports" in page.text
    assert 'id="reports"' in (await browser.get("/help")).text


async def test_a_foreign_meters_report_is_as_if_it_were_not_there(house: House) -> None:
    browser = await signed_in(house)
    for path in ("", "/print", "/order"):
        assert (await browser.get(f"/usage/meters/{esi(3)}/report{path}")).status_code == 404
