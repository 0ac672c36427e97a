"""Batches of reads and booked reads as pages: every fault at its field, nothing typed is lost, values as they come."""

import csv
import io
import re
from datetime import timedelta

import pytest

from portal.context import Portal
from portal.pages.batch_view import typed_values
from portal.pages.booking_card import BOOK_FORM, SKIPPED, instant_of
from portal.pages.forms import Form
from portal.wishes.asker import Asker
from tests.clock import HandClock
from tests.portal.pages.desk import signed_in
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.world import esi

HERE = "/reads/batches"
METER = f"/usage/meters/{esi(1)}"
BOOK = f"{METER}/booked-reads"


def asker_of(house: House) -> Asker:
    """The house's asker, which the test sets to work."""
    portal: Portal = house.app.state.portal
    return portal.asker


async def answer_all(house: House, count: int) -> None:
    """Let meters answer that many requests."""
    for _ in range(count):
        request = await house.bus.request()
        await house.desk.handle([house.answers().done(request)])


def test_numbers_are_taken_whatever_stands_between_them() -> None:
    assert typed_values(" 1, 2;3\t4\n\n5 \r\n") == ["1", "2", "3", "4", "5"]


async def test_a_batch_of_pasted_numbers_shows_what_comes_while_the_rest_waits(house: House) -> None:
    browser = await signed_in(house)
    page = await browser.get(HERE)
    assert "You have asked for no batch of reads yet." in page.text
    pasted = f"{esi(1)}, {esi(2)}\n{esi(3)} {esi(5)}"
    batch = await browser.send(page, HERE, {"by": "esi_id", "meters": pasted})
    assert re.fullmatch(rf"{HERE}/[0-9a-f-]{{36}}", batch.url.path)
    assert "1 of 4 meters: 3 waiting, 1 refused." in batch.text
    assert "No meter of yours has this number." in batch.text
    assert 'data-follow="yes"' in batch.text
    assert await asker_of(house).step() == 3
    await answer_all(house, 1)
    half = await browser.get(batch.url.path)
    assert "3 of 4 meters: 1 reading, 1 complete, 2 refused." in half.text
    assert "No gateway reaches this meter" in half.text
    await answer_all(house, 1)
    whole = await browser.get(batch.url.path)
    assert "All 4 meters: 2 complete, 2 refused." in whole.text
    assert "data-follow" not in whole.text
    listed = await browser.get(HERE)
    assert "All 4 meters" in listed.text
    file = await browser.get(f"{batch.url.path}/results.csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["STATUS"] for row in rows] == ["done", "done", "refused", "refused"]
    assert [row["REASON"] for row in rows] == ["", "", "not_found", "no_gateway"]
    assert all(re.fullmatch(r"[0-9]+[.][0-9]{3}", row["DELIVERED_KWH"]) for row in rows[:2])
    assert rows[2]["DELIVERED_KWH"] == rows[2]["ESIID"] == ""
    again = await browser.send(listed, HERE, {"by": "esi_id", "meters": esi(1)})
    await asker_of(house).step()
    assert "The next read is allowed on" in (await browser.get(again.url.path)).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"by": "esi_id", "meters": ""}, "meters"),
        ({"by": "", "meters": esi(1)}, "by"),
        ({"by": "esi_id", "meters": "hello 1"}, "meters"),
        ({"by": "esi_id", "meters": esi(3)}, "meters"),
        ({"by": "esi_id", "meters": "\n".join(esi(number) for number in range(1, 502))}, "meters"),
    ],
)
async def test_what_is_wrong_with_a_batch_is_said_at_its_field(
    house: House, fields: dict[str, str], field: str
) -> None:
    browser = await signed_in(house)
    page = await browser.send(await browser.get(HERE), HERE, fields)
    assert (page.status_code, list(faults_of(page))) in ((422, [field]), (400, [field]))
    assert fields["meters"] in page.text


async def test_ticked_meters_and_imported_lists_are_read_together(house: House) -> None:
    browser = await signed_in(house)
    ticked = await browser.push("/usage/meters", f"{HERE}/chosen", [int(esi(1)), int(esi(2))])
    assert "0 of 2 meters: 2 waiting." in ticked.text
    form = await browser.get("/usage/meters/import")
    csv_file = {"file": ("meters.csv", f"{esi(1)}\n{esi(99)}\n".encode(), "text/csv")}
    found = await browser.send(form, "/usage/meters/import", {"by": "esi_id"}, csv_file)
    imported = await browser.send(found, f"{HERE}/chosen", {})
    assert "1 of 2 meters: 1 waiting, 1 refused." in imported.text
    nothing = await browser.push("/usage/meters", f"{HERE}/chosen", [])
    assert list(faults_of(nothing)) == ["meters"]


async def test_what_waits_is_taken_back(house: House) -> None:
    browser = await signed_in(house)
    batch = await browser.send(await browser.get(HERE), HERE, {"by": "meter_number", "meters": "M00001 M00002"})
    cancelled = await browser.send(batch, f"{batch.url.path}/cancel", {})
    assert "All 2 meters: 2 cancelled." in cancelled.text
    assert await asker_of(house).step() == 0
    other = await signed_in(house, "rep.user")
    assert (await other.get(batch.url.path)).status_code == 404


async def test_those_who_read_no_meters_have_no_batches(house: House) -> None:
    browser = await signed_in(house, "ercot.user")
    assert (await browser.get(HERE)).status_code == 404
    maria = await signed_in(house, "maria.customer")
    assert (await maria.get(HERE)).status_code == 200


async def book(house: House, browser: Browser, day: str, time: str) -> tuple[int, dict[str, str], str]:
    """Book a read; the page's status, faults and text."""
    page = await browser.send(await browser.get(METER), BOOK, {"book_date": day, "book_time": time})
    return page.status_code, faults_of(page), page.text


async def test_a_booked_read_stands_on_the_meters_page_and_then_among_its_reads(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    status, faults, text = await book(house, browser, "2026-07-01", "10:05:30")
    assert (status, faults) == (200, {})
    assert "The read is booked." in text
    assert "07/01/2026 10:05:30" in text
    assert ">booked</span>" in text
    await clock.advance(330)
    assert await asker_of(house).step() == 1
    await answer_all(house, 1)
    after = (await browser.get(METER)).text
    assert ">booked</span>" not in after
    reads = after[after.index("Last on-demand reads") : after.index("Booked reads")]
    assert "07/01/2026 10:05:30" in reads
    assert ">complete</span>" in reads


async def test_a_booking_is_taken_back(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    _, _, text = await book(house, browser, "2026-07-01", "10:20")
    (action,) = re.findall(rf'action="({BOOK}/[^"]+/cancel)"', text)
    cancelled = await browser.send(await browser.get(METER), action, {})
    assert "The booking is cancelled." in cancelled.text
    assert ">cancelled</span>" in cancelled.text
    await clock.advance(1_300)
    assert await asker_of(house).step() == 0


@pytest.mark.parametrize(
    ("day", "time", "field"),
    [
        ("", "10:30", "book_date"),
        ("2026-07-02", "", "book_time"),
        ("2.7.2026", "10:30", "book_date"),
        ("2026-07-02", "half past", "book_time"),
        ("2026-07-02", "10:30Z", "book_time"),
        ("2026-07-01", "09:00", "book_date"),
        ("2026-07-09", "10:30", "book_date"),
        ("0001-01-01", "00:00", "book_date"),
        ("9999-12-31", "23:59", "book_date"),
    ],
)
async def test_what_is_wrong_with_a_booking_is_said_at_its_field(house: House, day: str, time: str, field: str) -> None:
    browser = await signed_in(house)
    status, faults, text = await book(house, browser, day, time)
    assert status in (400, 422)
    assert field in faults
    assert f'value="{time}"' in text or not time


def meant(day: str, time: str) -> object:
    """What a form's date and time mean."""
    return instant_of(BOOK_FORM.filled({"book_date": day, "book_time": time}))


def test_a_time_that_the_clocks_leave_out_is_none_and_of_one_that_comes_twice_the_first_is_meant() -> None:
    spring = meant("2026-03-08", "02:30")
    assert isinstance(spring, Form)
    assert spring.faults == {"book_time": SKIPPED}
    autumn, later = meant("2026-11-01", "01:30"), meant("2026-11-01", "02:30")
    assert not isinstance(autumn, Form)
    assert not isinstance(later, Form)
    assert later - autumn == timedelta(hours=2)  # type: ignore[operator]  # both are instants


async def test_whoever_reads_no_meters_books_none(house: House) -> None:
    browser = await signed_in(house, "ercot.user")
    assert "Booked reads" not in (await browser.get(METER)).text
