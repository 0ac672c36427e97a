"""Guide 7, Premise and Meter Information: its pages, print and export from view, and export of many."""

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from portal.market.tables import premises
from portal.meters.tables import meters
from portal.pages.information_view import METER_DESCRIPTIONS, PREMISE_DESCRIPTIONS
from portal.reports.information import METER_FIELDS, PREMISE_FIELDS
from tests.clock import HandClock
from tests.portal.pages.desk import number_of, signed_in, worker_of
from tests.portal.pages.house import House, open_house
from tests.portal.pages.test_export_pages import chosen
from tests.portal.world import esi

ACCOUNT = "/account/meters"
FIELD = re.compile(
    r'<th scope="row"><span title="([^"]+)">([^<]+)</span><small>([^<]+)</small></th>\s*<td[^>]*>(.*?)</td>'
)


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house


async def told(house: House) -> None:
    """Let the TDSP tell all that can be known of the first premise and its meter."""
    of_premise = {
        "service_voltage": "240",
        "house_fraction": "1/2",
        "leading_directional": "N",
        "trailing_directional": "SW",
        "unit": "Apt 7",
        "zip_4": "1234",
        "read_cycle": "07",
        "load_profile": "RESLOWR_NCENT_IDR_WS_NOTOU",
        "rate_class": "R-12",
        "ams_profile_from": date(2025, 2, 3),
    }
    of_meter = {
        "utility_number": "U-77",
        "multiplier": Decimal(40),
        "channels": 2,
        "manufacturer": "Landis & Gyr",
        "tested_on": date(2025, 3, 4),
        "meter_class": "200",
        "technology": "ZigBee",
        "instrument_rated": True,
        "ct_ratio": "200:5",
        "pt_ratio": "1:1",
        "esi_firmware": "2.0.5",
        "han_protocol": "ZigBee",
        "smart_energy_profile": "SEP 1.1",
        "interval_minutes": 15,
        "generation_capable": True,
        "generation_channel": "2",
        "remote_disconnect": False,
        "status": "E",
        "phases": 1,
        "model": "FOCUS AX",
        "updated_at": datetime(2026, 5, 6, 17, 30, tzinfo=UTC),
    }

    async def job(connection: Any) -> None:
        for table, values in ((premises, of_premise), (meters, of_meter)):
            await connection.execute(update(table).where(table.c.esi_id == esi(1)).values(values))

    await house.database.write(job)


async def fields(house: House, what: str, number: int = 1) -> list[tuple[str, ...]]:
    """Hover text, name, hint and value of each field of a page."""
    page = (await (await signed_in(house)).get(f"{ACCOUNT}/{esi(number)}/{what}")).text
    return [tuple(html.unescape(re.sub("<[^>]+>", "", part)) for part in row) for row in FIELD.findall(page)]


async def test_pmi_01_and_imp_08_information_is_viewed_for_one_meter_by_two_buttons(house: House) -> None:
    """PMI-01: "You can only view Meter or Premise Information for one (1) meter at a time." IMP-08: "The view
    functionality is not valid with Search by Importing a File."."""
    browser = await signed_in(house)
    page = (await browser.get(ACCOUNT)).text
    for what, words in (("premise", "View Premise Information"), ("meter", "View Meter Information")):
        assert f'formaction="{ACCOUNT}/view" name="what" value="{what}">{words}</button>' in page
        shown = await browser.get(f"{ACCOUNT}/view?chosen={esi(1)}&what={what}")
        assert shown.url.path == f"{ACCOUNT}/{esi(1)}/{what}"
        several = await browser.get(f"{ACCOUNT}/view?chosen={esi(1)}&chosen={esi(2)}&what={what}")
        assert "Select one meter: it is shown by itself" in several.text


@pytest.mark.parametrize(("what", "descriptions"), [("premise", PREMISE_DESCRIPTIONS), ("meter", METER_DESCRIPTIONS)])
async def test_pmi_02_each_field_says_what_it_is(house: House, what: str, descriptions: tuple[str, ...]) -> None:
    """PMI-02: "You can see a brief description by positioning your mouse over the field name."."""
    found = await fields(house, what)
    assert [(hover, hint) for hover, _, hint, _ in found] == [(each, each) for each in descriptions]


async def test_pmi_03_a_premise_has_the_guides_20_fields(house: House) -> None:
    """PMI-03: the values of figure 29, "displayed if available"."""
    bare = await fields(house, "premise")
    assert [name for _, name, _, _ in bare] == [name for name, _ in PREMISE_FIELDS]
    assert len(bare) == 20
    assert {name: value for _, name, _, value in bare}["Zip + 4"] == "N/A"
    await told(house)
    assert [value for _, _, _, value in await fields(house, "premise")] == [
        *("Hill Country Wires", esi(1), "240", "A (active)", "America/Chicago", "1", "1/2", "N", "Elm", "St", "SW"),
        *("Apt 7", "Austin", "TX", "78701", "1234", "07", "RESLOWR_NCENT_IDR_WS_NOTOU", "R-12", "02/03/2025"),
    ]


async def test_pmi_04_and_han_04_a_meter_has_the_guides_26_fields(house: House) -> None:
    """PMI-04: the values of figure 30. HAN-04: "ESI Firmware Version The firmware version of the ZigBee communication
    module; HAN Protocol (ZigBee or HomePlug) Type of HAN Protocol enabled"; "Smart Energy Profile"."""
    await told(house)
    found = await fields(house, "meter")
    assert [name for _, name, _, _ in found] == [name for name, _ in METER_FIELDS]
    assert [value for _, _, _, value in found] == [
        *("Hill Country Wires", esi(1), "M00001", "U-77", "40", "2", "Landis & Gyr", "03/04/2025", "200"),
        *("01/01/2025 00:00:00", "01/01/2025 00:00:00", "ZigBee", "Yes", "200:5", "1:1"),
        *("2.0.5", "ZigBee", "SEP 1.1", "15", "Yes", "2", "No", "E (energized)", "1", "FOCUS AX"),
        "05/06/2026 12:30:00",
    ]
    assert len(found) == 26


@pytest.mark.parametrize(("what", "titles"), [("premise", PREMISE_FIELDS), ("meter", METER_FIELDS)])
async def test_pmi_05_export_from_view_is_a_csv_file_at_once(
    house: House, what: str, titles: tuple[tuple[str, str], ...]
) -> None:
    """PMI-05: "Export will cause your displayed report to be immediately downloaded to a CSV file"; "Print will cause
    your displayed report to print."."""
    browser = await signed_in(house)
    page = (await browser.get(f"{ACCOUNT}/{esi(1)}/{what}")).text
    assert 'class="print" hidden>Print</button>' in page
    assert f'href="{ACCOUNT}/{esi(1)}/{what}/export" download>Export</a>' in page
    file = await browser.get(f"{ACCOUNT}/{esi(1)}/{what}/export")
    assert file.headers["content-disposition"] == f'attachment; filename="{what}-information_{esi(1)}.csv"'
    header, row = csv.reader(io.StringIO(file.text))
    assert header == [name for name, _ in titles]
    assert row[1] == f"'{esi(1)}"


async def test_pmi_06_and_pmi_07_many_meters_are_exported_as_an_order_with_a_number_and_mail(house: House) -> None:
    """PMI-06: "You may request either one or both Premise and Meter Information reports." PMI-07: "A new screen will
    display showing an Order Number for your report request. Your request will be run offline."."""
    browser = await signed_in(house)
    form = await chosen(browser, ACCOUNT, esi(1), esi(2))
    page = await browser.send(form, f"{ACCOUNT}/export", {"information": ["premise", "meter"]})
    number = number_of(page)
    assert f"Report order {number}" in page.text
    assert await worker_of(house).work()
    page = await browser.get(f"/usage/orders/{number}")
    for name in re.findall(rf'href="(/orders/{number}/files/[^"]+)"', page.text):
        file = (await browser.get(name)).text
        assert [line.split(",")[1] for line in file.splitlines()[1:]] == [f"'{esi(1)}", f"'{esi(2)}"]
    assert page.text.count(f"/orders/{number}/files/") == 2


async def test_the_information_of_somebody_elses_meter_is_as_if_it_did_not_exist(house: House) -> None:
    browser = await signed_in(house)
    for what in ("premise", "meter", "premise/export", "meter/export"):
        theirs, nobodys = [await browser.get(f"{ACCOUNT}/{esi(number)}/{what}") for number in (3, 99)]
        assert (theirs.status_code, theirs.text.replace(esi(3), "")) == (404, nobodys.text.replace(esi(99), ""))
