"""Guide 3.1 and 8.1, the Customer Meter List under My Account and under Usage."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clock import HandClock
from tests.portal.pages.house import Browser, House, open_house
from tests.portal.world import LONE_STAR, WORLD, esi, meter, person, premise, since

COLUMN = re.compile(r"<th scope=\"col\"[^>]*><a href=\"([^\"]+)\">([^<]+?) ?<")
ROW = re.compile(r'href="/usage/meters/([0-9]+)"')
Opened = Callable[[int], AbstractAsyncContextManager[House]]


@pytest.fixture
def with_meters(tmp_path: Path) -> Opened:
    """A house whose rep.admin is the REP of record of so many meters, each at its own number on Elm St."""

    @asynccontextmanager
    async def opened(count: int) -> AsyncIterator[House]:
        numbers = range(100, 100 + count)
        world = replace(
            WORLD,
            accounts=(*WORLD.accounts, person("lone.customer")),
            premises=[premise(number, since(LONE_STAR)) for number in numbers],
            meters=[meter(number) for number in numbers],
        )
        async with open_house(tmp_path, HandClock(), world) as house:
            yield house

    return opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, HandClock()) as house:
        yield house


async def signed_in(house: House, user_id: str = "rep.admin") -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


def columns(page: str) -> list[str]:
    return [words for _, words in COLUMN.findall(page)]


async def test_mtr_01_the_list_is_exactly_the_meters_of_the_accounts_duns_numbers(house: House) -> None:
    """MTR-01: "all of the Smart Meters that are associated with your Account ... your Company must be the REP of
    Record (ROR) as reported by the TDSPs"."""
    for user, numbers in (("rep.admin", [1, 2, 5]), ("rep.user", [1, 5]), ("blue.admin", [3, 4, 6])):
        page = (await (await signed_in(house, user)).get("/account/meters")).text
        assert ROW.findall(page) == [esi(number) for number in numbers], user


async def test_mtr_02_my_account_has_the_guides_seven_columns_all_sortable(house: House) -> None:
    """MTR-02: Customer, Email, Service Address, City, State, ESI ID, Meter Number (figure 7)."""
    browser = await signed_in(house)
    page = (await browser.get("/account/meters")).text
    assert columns(page) == ["Customer", "Email", "Service Address", "City", "State", "ESI ID", "Meter Number"]
    for href, words in COLUMN.findall(page):
        place = "/account/meters" + href.replace("&amp;", "&")
        if words != "ESI ID":
            assert 'aria-sort="ascending"' in (await browser.get(place)).text
        backwards = (await browser.get(place.replace("order=asc", "order=desc"))).text
        assert 'aria-sort="descending"' in backwards


async def test_mtr_03_customer_and_email_come_from_the_customers_account_or_are_blank(house: House) -> None:
    """MTR-03: "If the Customer Name and Email are blank, then the Customer has not registered for an SMT account."."""
    page = (await (await signed_in(house)).get("/account/meters")).text
    rows = page[page.index("<tbody>") :].split("<tr>")[1:]
    assert "<td>Maria Doe</td>" in rows[0]
    assert "<td>maria.customer@example.com</td>" in rows[0]
    assert "<td></td>" in rows[1]


async def test_mtr_04_usage_shows_no_customer(house: House) -> None:
    """MTR-04: Service Address, City, State, ESI ID, Meter Number (figure 33)."""
    page = (await (await signed_in(house)).get("/usage/meters")).text
    assert columns(page) == ["Service Address", "City", "State", "ESI ID", "Meter Number"]
    assert "Maria" not in page


async def test_mtr_05_25_meters_are_listed_and_26_are_searched(with_meters: Opened) -> None:
    """MTR-05: "If you have 25 or fewer Smart Meters ... your Meter List will automatically display. If you have more
    than 25 Smart Meters, you will need to search"."""
    async with with_meters(25) as house:
        for place in ("/account/meters", "/usage/meters"):
            page = (await (await signed_in(house)).get(place)).text
            assert len(ROW.findall(page)) == 25
            assert "<legend>Search by</legend>" not in page


async def test_mtr_05_with_26_meters_there_is_a_search_screen(with_meters: Opened) -> None:
    """MTR-05 and MTR-06: "You may also click the link 'Show All' to display all the Smart Meters"."""
    async with with_meters(26) as house:
        browser = await signed_in(house)
        page = (await browser.get("/usage/meters")).text
        assert ROW.findall(page) == []
        assert "<legend>Search by</legend>" in page
        assert '<a href="/usage/meters?all=1">Show All</a>' in page
        assert len(ROW.findall((await browser.get("/usage/meters?all=1")).text)) == 26


async def test_mtr_06_above_500_there_is_no_show_all(with_meters: Opened) -> None:
    """MTR-06: "If you have more than 500 Smart Meters ... the 'Show All' link will not appear."."""
    async with with_meters(501) as house:
        browser = await signed_in(house)
        assert "Show All</a>" not in (await browser.get("/usage/meters")).text
        assert ROW.findall((await browser.get("/usage/meters?all=1")).text) == []


async def test_mtr_07_search_is_by_esi_id_or_by_meter_number(with_meters: Opened) -> None:
    """MTR-07: "Select to search by either ESI ID or Meter Number"."""
    async with with_meters(26) as house:
        browser = await signed_in(house)
        for query in (
            f"by=esi_id&value=%20{esi(103)}%20",
            "by=number&value=M00103",
            "sort=city&by=number&value=M00103",
        ):
            assert ROW.findall((await browser.get(f"/usage/meters?{query}")).text) == [esi(103)], query
        wrong = await browser.get("/usage/meters?by=esi_id&value=M00103")
        assert wrong.status_code == 400
        assert "This is not an ESI ID: 17 or 22 digits." in wrong.text
        assert 'value="M00103"' in wrong.text
        assert (await browser.get("/usage/meters?find=M00103")).url.path == f"/usage/meters/{esi(103)}"
        assert (await browser.get(f"/usage/meters?find={esi(104)}")).url.path == f"/usage/meters/{esi(104)}"


async def test_mtr_08_up_to_100_values_are_searched_at_once(with_meters: Opened) -> None:
    """MTR-08: "You may search for up to 100 Smart Meters"; beyond, an imported file does it."""
    async with with_meters(101) as house:
        browser = await signed_in(house)
        values = [f"M{number:05}" for number in range(101, 202)]
        found = await browser.get(f"/usage/meters?by=number&value={', '.join(values[:99])},M77777")
        assert len(ROW.findall(found.text)) == 99
        assert 'Not found among your meters: <span class="id">M77777</span>.' in found.text
        refused = await browser.get(f"/usage/meters?by=number&value={','.join(values)}")
        assert refused.status_code == 400
        assert "Search takes at most 100 values, and these are 101." in refused.text
        assert "import a file of them" in refused.text
        wrong = await browser.get(f"/usage/meters?by=esi_id&value={esi(103)},M00104")
        assert "Value 2, &#39;M00104&#39;, is not an ESI ID" in wrong.text


async def test_mtr_09_one_asterisk_stands_at_the_start_in_the_middle_or_at_the_end(with_meters: Opened) -> None:
    """MTR-09: a wildcard search has at least 2 characters and one asterisk, and no other value beside it."""
    async with with_meters(30) as house:
        browser = await signed_in(house)
        for pattern, expected in (("M0010*", 10), ("*05", 1), ("M*5", 3), ("m0010*", 10), ("M0*77", 0)):
            page = (await browser.get(f"/usage/meters?by=number&value={pattern}")).text
            assert len(ROW.findall(page)) == expected, pattern
        for wrong, words in (
            ("M*", "at least two characters"),
            ("M0*1*", "one asterisk"),
            ("M0*,M00101", "stands alone"),
        ):
            refused = await browser.get(f"/usage/meters?by=number&value={wrong}")
            assert (refused.status_code, words in refused.text) == (400, True), wrong


async def test_mtr_10_and_mtr_11_somebody_elses_meter_is_not_found_and_only_its_tdsp_can_tell(house: House) -> None:
    """MTR-10: "among the Smart Meters that are associated with your Account". MTR-11: "Only the TDSP can tell you the
    status of the Customer's Meter."."""
    browser = await signed_in(house)
    others, nobodys = [
        (await browser.get(f"/usage/meters?by=number&value={number}")).text for number in ("M00003", "M77777")
    ]
    assert "Only the TDSP can tell the status of a meter that is not in the system; please contact the TDSP." in others
    assert others.replace("M00003", "") == nobodys.replace("M77777", "")


async def test_rpt_02_a_single_meter_is_shown_at_once_under_usage(house: House) -> None:
    """RPT-02: "If you only have one (1) Smart Meter ... the Daily Usage ... will automatically display upon selecting
    the Usage tab."."""
    page = await (await signed_in(house, "maria.customer")).get("/usage/meters")
    assert page.url.path == f"/usage/meters/{esi(1)}"


async def test_an_empty_list_says_why_and_what_next(with_meters: Opened) -> None:
    async with with_meters(1) as house:
        for user, words in (
            ("blue.admin", "as soon as their TDSP reports one of your DUNS numbers"),
            ("lone.customer", "No meter is attached to your account."),
        ):
            page = (await (await signed_in(house, user)).get("/usage/meters")).text
            assert words in page
