"""Guide 8.4.1, Retrieving Exported Reports: the Report Request Status screen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.companies.tables import companies
from portal.mail.tables import letters
from portal.orders.settings import OrderSettings
from portal.orders.tables import report_orders
from tests.clock import HandClock
from tests.portal.pages.desk import DAY, GREEN_BUTTON, READS, USAGE, placed, signed_in, worker_of
from tests.portal.pages.house import House, open_house
from tests.portal.usage.files import meter_day
from tests.portal.world import esi

LIST = "/usage/orders"


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house


async def test_rpt_19_green_button_goes_by_mail_and_adhoc_reports_into_the_folder(house: House) -> None:
    """RPT-19: "Green Button type reports will be sent via email to the Email Address in your Account Profile and Adhoc
    type reports will be sent to your FTP folder."."""
    await house.report(meter_day([250] * 96, DAY, esi(1)))
    worker = worker_of(house)
    for seed, report in enumerate((GREEN_BUTTON, USAGE, READS)):
        await placed(house, esi_ids=[esi(1)], reports=[report], seed=seed)
        assert await worker.work()
    async with house.database.reading() as connection:
        sent = (await connection.execute(select(letters).order_by(letters.c.id))).all()
        company = await connection.scalar(select(companies.c.id).where(companies.c.name == "Lone Star Power"))
    assert [each.recipient for each in sent] == ["rep.admin@example.com"] * 3
    assert [each.attachments[0]["name"].rpartition(".")[2] for each in sent] == ["xml", "CSV", "CSV"]
    folder = house.files / f"{company}" / "adhocusage"
    assert sorted(each.name[:5] for each in folder.iterdir()) == ["Daily", "Inter"]
    assert all(each.suffix == ".CSV" for each in folder.iterdir())


async def test_rpt_20_and_rpt_23_the_screen_tells_the_guides_three_statuses_and_what_to_do(
    house: House, clock: HandClock
) -> None:
    """RPT-20: "Processing Your request is still in process." RPT-23: "Unsuccessful Your request could not be processed.
    This is likely due to a temporary system or internet problem. Submit your request again. If you continue to receive
    this status, then refer to Section 11"; "Complete Your request is complete and the results are ready for
    download."."""
    browser = await signed_in(house)
    assert f'<a href="{LIST}">Report Request Status</a>' in (await browser.get("/usage/meters")).text
    number = (await placed(house, esi_ids=[esi(1)])).number
    assert "Processing</span>" in (await browser.get(LIST)).text
    (house.files / "orders").parent.mkdir(parents=True, exist_ok=True)
    (house.files / "orders").write_text("a disk on which no folder can be made")
    worker = worker_of(house)
    for _ in range(OrderSettings().attempts):
        assert await worker.work()
        await clock.advance(3_600)
    browser = await signed_in(house)  # hours have passed
    page = (await browser.get(f"{LIST}/{number}")).text
    assert "Unsuccessful</span>" in page
    assert "Retry submits it again. If it is Unsuccessful once more, ask the help desk, " in page
    assert "help@example.com" in page
    assert "Unsuccessful</span>" in (await browser.get(LIST)).text
    (house.files / "orders").unlink()
    await browser.press(f"{LIST}/{number}", f"{LIST}/{number}/retry")
    assert await worker.work()
    page = (await browser.get(f"{LIST}/{number}")).text
    assert ("Complete</span>" in page, "ready for download" in page) == (True, True)
    async with house.database.reading() as connection:
        assert await connection.scalar(select(report_orders.c.number)) == number


async def test_rpt_21_the_details_say_when_no_data_matched(house: House) -> None:
    """RPT-21: "The Details section of the Report Request Status screen will display a message if no data was found that
    matched the Report Options in your Report Request."."""
    number = (await placed(house, esi_ids=[esi(1)])).number
    assert await worker_of(house).work()
    browser = await signed_in(house)
    for path in (LIST, f"{LIST}/{number}"):
        assert "No data was found that matched the options." in (await browser.get(path)).text
