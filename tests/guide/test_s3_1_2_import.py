"""Guide 3.1.2 and 8.1.2, Search for Meters by Importing a File, under My Account and under Usage; appendix A."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from portal.orders.tables import meter_lists, report_order_meters, report_orders
from tests.clock import HandClock
from tests.portal.pages.desk import number_of, signed_in
from tests.portal.pages.house import Browser, House, faults_of, open_house
from tests.portal.pages.test_export_pages import DAILY
from tests.portal.pages.test_order_pages import switch
from tests.portal.world import LONE_STAR, WORLD, esi, meter, premise, since

ACCOUNT, USAGE = "/account/meters", "/usage/meters"
BOTH = pytest.mark.parametrize("at", [ACCOUNT, USAGE])
MARK = re.compile(r'<input type="checkbox" id="list" name="list" value="([^"]+)"><label for="list">([^<]+)</label>')
FAULT_ROW = re.compile(r'<tr><td class="n">([0-9,]+)</td><td class="n">([0-9]+)</td><td class="wrap">([^<]+)</td></tr>')


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house


async def imported(
    browser: Browser, at: str, text: str | bytes, by: str = "esi_id", name: str = "meters.csv"
) -> httpx.Response:
    """What comes of importing a file."""
    form = await browser.get(f"{at}/import")
    data = text if isinstance(text, bytes) else text.encode()
    return await browser.send(form, f"{at}/import", {"by": by}, {"file": (name, data, "text/csv")})


def fault_rows(page: httpx.Response) -> list[tuple[str, str, str]]:
    """Row, column and words of each fault that a page lists."""
    return [(row, column, html.unescape(what)) for row, column, what in FAULT_ROW.findall(page.text)]


@BOTH
async def test_imp_01_the_file_is_csv_by_name_and_by_content(house: House, at: str) -> None:
    """IMP-01: "The import file must be in a CSV (comma separated values) format and have a file type of CSV."."""
    browser = await signed_in(house)
    good = f"{esi(1)}\n{esi(2)}\n"
    for name, data, words in (
        ("meters.txt", good.encode(), "the file's name does not end with .csv"),
        ("meters.csv", b"PK\x03\x04" + b"\0" * 60, "the file is a workbook or an archive, not CSV"),
        ("meters.csv", good.encode("utf-16"), "the file is not plain text in UTF-8"),
    ):
        page = await imported(browser, at, data, name=name)
        assert page.status_code == 422, name
        assert words in faults_of(page)["file"], name
    page = await imported(browser, at, good, name="METERS.CSV")
    assert page.url.path.startswith(f"{at}/import/")


@BOTH
async def test_imp_02_one_value_a_row_and_all_of_the_kind_that_was_chosen(house: House, at: str) -> None:
    """IMP-02: "Each row will have only one value that identifies the Smart Meter - either the ESI ID or the Meter
    Number. ESI IDs and Meter Numbers cannot be mixed in the same file."."""
    browser = await signed_in(house)
    page = await imported(browser, at, f"{esi(1)}\nM00002\n{esi(1)},{esi(2)}\n")
    assert [(row, column) for row, column, _ in fault_rows(page)] == [("2", "1"), ("3", "2")]
    assert "a list holds ESI IDs or meter numbers, not both" in fault_rows(page)[0][2]
    page = await imported(browser, at, f"M00001\n{esi(2)}\n", by="meter_number")
    assert fault_rows(page) == [("2", "1", f"'{esi(2)}' is an ESI ID; a list holds ESI IDs or meter numbers, not both")]
    assert re.search(r'value="meter_number" type="radio" checked', page.text), "the choice is kept"
    page = await imported(browser, at, "M00001\nM00002\n", by="meter_number")
    assert "2 values · 2 found" in page.text


@BOTH
async def test_imp_03_a_comma_at_the_end_of_rows_is_refused(house: House, at: str) -> None:
    """IMP-03: "SMT will reject files that contain trailing commas at the end of each row."."""
    page = await imported(await signed_in(house), at, f"{esi(1)},\n{esi(2)},\n")
    assert fault_rows(page) == [(row, "2", "a comma at the end of the row: take it away") for row in ("1", "2")]


@BOTH
async def test_imp_04_a_header_and_other_text_are_refused(house: House, at: str) -> None:
    """IMP-04: "Do not include any headers, text, or other information in the file."."""
    page = await imported(await signed_in(house), at, f"ESI ID\n{esi(1)}\nsee above\n")
    assert fault_rows(page) == [
        ("1", "1", "'ESI ID' is a header, and the list has none"),
        ("3", "1", "'see above' is text and no meter"),
    ]


async def test_of_many_faults_fifty_are_told_and_the_others_counted(house: House) -> None:
    page = await imported(await signed_in(house), USAGE, "\n".join(["1.04437E+16"] * 120))
    assert len(fault_rows(page)) == 50
    assert "50 faults, and 70 more. Nothing was imported" in page.text
    assert "is a number that Excel has rounded, and its last digits are lost" in fault_rows(page)[0][2]


@pytest.fixture
async def estate(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """A house whose rep.admin has 240 meters."""
    numbers = range(100, 340)
    world = replace(
        WORLD,
        premises=[premise(number, since(LONE_STAR)) for number in numbers],
        meters=[meter(number) for number in numbers],
    )
    async with open_house(tmp_path, clock, world) as house:
        yield house


@BOTH
async def test_imp_05_a_file_takes_more_than_100_meters(estate: House, at: str) -> None:
    """IMP-05: "To know how to conduct a search on more than 100 meters read the Section 3.1.2"."""
    browser = await signed_in(estate)
    values = [esi(number) for number in range(100, 340)]
    page = await imported(browser, at, "\r\n".join([*values, *(esi(number) for number in range(900, 960))]))
    assert "300 values · 240 found, 60 not found" in page.text
    assert f'<span class="id">{esi(949)}</span> and 10 more' in page.text
    file = await browser.get(f"{page.url.path}/missing")
    assert file.text.splitlines() == [esi(number) for number in range(900, 960)]
    assert file.headers["content-disposition"] == 'attachment; filename="not-found.csv"'


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (ACCOUNT, "Export Information to use the search results to request Meter and/or Premise Information Reports."),
        (USAGE, "Export Report(s) to use the search results to request Usage Reports."),
    ],
)
async def test_imp_06_imp_08_and_imp_11_the_result_is_one_checkbox_with_the_guides_sentence(
    house: House, at: str, words: str
) -> None:
    """IMP-06, IMP-11: "The information in your import file was used to search your Meter List. Select this Checkbox and
    Click on Export Information to use the search results to request Meter and/or Premise Information Reports." (under
    Usage "Export Report(s) ... to request Usage Reports."). IMP-08: "The view functionality is not valid with Search by
    Importing a File."."""
    browser = await signed_in(house)
    page = await imported(browser, at, f"{esi(1)}\n{esi(2)}\n{esi(3)}\n")
    ((list_id, sentence),) = MARK.findall(page.text)
    said = "The information in your import file was used to search your Meter List. Select this Checkbox and Click on "
    assert html.unescape(sentence) == said + words
    assert "3 values · 2 found, 1 not found" in page.text
    assert ("View " in page.text, esi(1) in page.text, esi(2) in page.text) == (False, False, False)
    unticked = await browser.get(f"{at}/export")
    assert (unticked.status_code, "There is no list of meters here." in unticked.text) == (404, True)
    form = await browser.get(f"{at}/export?list={list_id}")
    assert "2 meters of" in form.text
    assert "1 not found and left out" in form.text


@pytest.mark.parametrize("at", [ACCOUNT, USAGE])
async def test_imp_07_the_order_is_for_all_that_were_found_and_may_still_be_seen(house: House, at: str) -> None:
    """IMP-07: "create reports and export data for all of the Smart Meters that were successfully found"."""
    browser = await signed_in(house)
    page = await imported(browser, at, "M00001\nM00002\nM00005\nM77777\n", by="meter_number")
    form = await browser.get(f"{at}/export?list={MARK.findall(page.text)[0][0]}")
    await switch(house, 2)
    asked: dict[str, str] = {"information": "meter"} if at == ACCOUNT else DAILY
    number_of(await browser.send(form, f"{at}/export", asked))
    async with house.database.reading() as connection:
        (order,) = (await connection.execute(select(report_orders))).all()
        ordered = list(await connection.scalars(select(report_order_meters.c.esi_id)))
    assert (order.meters, order.not_found, sorted(ordered)) == (2, 2, [esi(1), esi(5)])


async def test_imp_09_a_customer_imports_pairs_to_add_meters_and_a_retailer_single_values(house: House) -> None:
    """IMP-09: "If you will be using your Import file to add Smart Meters to your Account, you will need both ESI ID and
    Meter Number ... to create reports for your Smart Meters, then you will need either the ESI IDs or the Meter
    Numbers to be selected, but not both."."""
    customer = await signed_in(house, "maria.customer")
    assert (await customer.get(f"{ACCOUNT}/import")).url.path == f"{ACCOUNT}/add"
    page = await imported(customer, USAGE, f"{esi(1)}\n")
    assert "1 value · 1 found" in page.text


async def test_imp_10_an_esi_id_survives_as_text_with_what_excel_puts_around_it(house: House) -> None:
    """IMP-10: "Because ESI IDs contain 17-digits, any Excel cell where you will type an ESI ID must first be formatted
    as 'Text'."."""
    browser = await signed_in(house)
    page = await imported(browser, USAGE, b"\xef\xbb\xbf'" + f'{esi(1)}\r\n"{esi(2)}"\r\n {esi(5)} \r\n'.encode())
    assert "3 values · 3 found" in page.text
    async with house.database.reading() as connection:
        kept = await connection.scalar(select(meter_lists.c["values"]))
    assert kept == "\n".join([esi(1), esi(2), esi(5)])


async def test_a_result_is_its_importers_alone_and_its_day_ends(house: House, clock: HandClock) -> None:
    page = await imported(await signed_in(house), USAGE, f"{esi(2)}\n{esi(77)}\n")
    stranger = await signed_in(house, "rep.user")
    for path in (page.url.path, f"{page.url.path}/missing"):
        assert (await stranger.get(path)).status_code == 404
    await clock.advance(86_400)
    assert (await (await signed_in(house)).get(page.url.path)).status_code == 404


async def test_an_import_without_a_file_or_a_kind_keeps_what_was_chosen(house: House) -> None:
    browser = await signed_in(house)
    form = await browser.get(f"{USAGE}/import")
    page = await browser.send(form, f"{USAGE}/import", {"by": "meter_number"})
    assert (page.status_code, faults_of(page)) == (422, {"file": "Choose a CSV file"})
    assert re.search(r'value="meter_number" type="radio" checked', page.text)


async def test_nothing_found_says_what_may_be_wrong(house: House) -> None:
    page = await imported(await signed_in(house), USAGE, f"{esi(3)}\n{esi(99)}\n")
    assert "None of the values names a meter of yours." in page.text
    assert "Export Report(s)" not in page.text
