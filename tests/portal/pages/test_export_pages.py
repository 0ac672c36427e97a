"""Choosing meters on the lists, and the exports that they lead to."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from portal.orders.kept_lists import MOST_LISTS
from portal.orders.tables import meter_lists, report_order_meters, report_orders
from tests.clock import HandClock
from tests.portal.pages.desk import number_of, signed_in
from tests.portal.pages.house import Browser, House, faults_of, open_house
from tests.portal.pages.test_order_pages import switch
from tests.portal.world import LONE_STAR, WORLD, esi, meter, premise, since

ACCOUNT, USAGE = "/account/meters", "/usage/meters"
DAILY = {
    "view": "current",
    "daily_usage": "yes",
    "daily_usage_start": "2026-05-01",
    "daily_usage_end": "05/31/2026",
    "daily_usage_format": "csv",
}


async def chosen(browser: Browser, at: str, *esi_ids: str) -> httpx.Response:
    """Tick some meters of a list and push Export."""
    page = await browser.get(f"{at}?all=1")
    token = re.search(rf'formaction="{at}/selection" name="csrf" value="([^"]+)"', page.text)
    assert token is not None
    ticked = {"chosen": list(esi_ids), "csrf": token[1]}
    return await browser.http.post(f"{at}/selection", data=ticked, follow_redirects=True)


async def orders(house: House) -> list[Any]:
    async with house.database.reading() as connection:
        return list((await connection.execute(select(report_orders).order_by(report_orders.c.id))).all())


async def test_export_information_of_two_meters_becomes_an_order_with_its_number(house: House) -> None:
    browser = await signed_in(house)
    form = await chosen(browser, ACCOUNT, esi(1), esi(2))
    assert "2 meters that you selected" in form.text
    page = await browser.send(form, f"{ACCOUNT}/export", {"information": ["premise", "meter"]})
    number = number_of(page)
    assert f"<h1>Report order {number}</h1>" in page.text
    assert "Your order is placed." in page.text
    (order,) = await orders(house)
    assert (order.number, order.meters) == (number, 2)
    assert [each["report"] for each in order.asked["reports"]] == ["premise", "meter"]


async def test_neither_kind_of_information_is_a_fault_at_its_boxes(house: House) -> None:
    browser = await signed_in(house)
    form = await chosen(browser, ACCOUNT, esi(1))
    page = await browser.send(form, f"{ACCOUNT}/export", {})
    assert page.status_code == 422
    assert faults_of(page) == {"information": "Select Premise Information, Meter Information or both"}
    page = await browser.send(page, f"{ACCOUNT}/export", {"information": "meter"})
    assert number_of(page)


async def test_all_three_reports_are_ordered_each_with_its_own_days_and_format(house: House) -> None:
    browser = await signed_in(house)
    form = await chosen(browser, USAGE, esi(1), esi(5))
    asked = {
        **DAILY,
        "view": "versions",
        "daily_reads": "yes",
        "daily_reads_start": "2026-04-01",
        "daily_reads_end": "2026-04-30",
        "monthly_usage": "yes",
        "monthly_usage_start": "2025-06-01",
        "monthly_usage_end": "2026-06-01",
        "daily_reads_format": "xlsx",
        "monthly_usage_format": "parquet",
    }
    number_of(await browser.send(form, f"{USAGE}/export", asked))
    (order,) = await orders(house)
    assert order.asked["view"] == "versions"
    assert [tuple(each.values()) for each in order.asked["reports"]] == [
        ("daily_usage", "2026-05-01", "2026-05-31", "csv"),
        ("daily_reads", "2026-04-01", "2026-04-30", "xlsx"),
        ("monthly_usage", "2025-06-01", "2026-06-01", "parquet"),
    ]


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ({"daily_usage": ""}, {"daily_usage": "Select at least one report"}),
        (
            {"daily_usage_start": "", "daily_usage_end": "31 May"},
            {
                "daily_usage_start": "Enter the Daily Usage Start Date, or clear the box of the report",
                "daily_usage_end": "Daily Usage End Date: Enter a date as MM/DD/YYYY",
            },
        ),
        (
            {"daily_usage_end": "2026-07-02"},
            {"daily_usage_end": "Daily Usage: the End Date may be 07/01/2026 at the latest"},
        ),
        (
            {"daily_usage_start": "2026-06-01"},
            {
                "daily_usage_start": "Daily Usage: the Start Date is after the End Date; "
                "it may be 05/31/2026 at the latest"
            },
        ),
        (
            {"daily_usage_start": "06/30/2022"},
            {
                "daily_usage_start": "Daily Usage: the Start Date may be 07/01/2022 at the earliest; "
                "the report reaches no further back"
            },
        ),
        (
            {"view": "versions", "daily_usage_format": "green_button"},
            {"daily_usage_format": "Green Button has room for one version only: choose another format"},
        ),
        ({"view": "both"}, {"view": "Choose Current Version or Version Updates"}),
        ({"daily_usage_format": "docx"}, {"daily_usage_format": "Choose the Daily Usage Format"}),
    ],
)
async def test_what_is_wrong_with_a_report_is_told_at_its_field(
    house: House, asked: dict[str, str], faults: dict[str, str]
) -> None:
    browser = await signed_in(house)
    form = await chosen(browser, USAGE, esi(1))
    page = await browser.send(form, f"{USAGE}/export", {**DAILY, **asked})
    assert (page.status_code, faults_of(page)) == (422, faults)
    if "daily_usage_end" not in asked:
        assert re.search(r'name="daily_usage_end"[^>]*value="2026-05-31"', page.text), "what was typed is kept"
    assert await orders(house) == []


async def test_a_customer_has_no_choice_of_views(house: House) -> None:
    browser = await signed_in(house, "maria.customer")
    token = re.search(r'name="csrf" value="([^"]+)"', (await browser.get("/account/meters")).text)
    assert token is not None
    ticked = {"chosen": esi(1), "csrf": token[1]}
    form = await browser.http.post(f"{USAGE}/selection", data=ticked, follow_redirects=True)
    assert "Version Updates" not in form.text
    number_of(await browser.send(form, f"{USAGE}/export", {**DAILY, "view": "versions"}))
    assert [each.asked["view"] for each in await orders(house)] == ["current"]


async def test_a_form_that_is_sent_twice_is_one_order_and_other_choices_are_another(house: House) -> None:
    browser = await signed_in(house)
    form = await chosen(browser, USAGE, esi(1))
    numbers = [number_of(await browser.send(form, f"{USAGE}/export", DAILY)) for _ in range(2)]
    assert numbers[0] == numbers[1]
    other = number_of(await browser.send(form, f"{USAGE}/export", {**DAILY, "daily_usage_end": "2026-05-30"}))
    assert other != numbers[0]
    assert len(await orders(house)) == 2


async def test_a_meter_that_is_lost_between_choosing_and_ordering_is_not_ordered(house: House) -> None:
    browser = await signed_in(house)
    form = await chosen(browser, USAGE, esi(1), esi(2))
    await switch(house, 2)
    number_of(await browser.send(form, f"{USAGE}/export", DAILY))
    (order,) = await orders(house)
    assert (order.meters, order.not_found) == (1, 1)
    async with house.database.reading() as connection:
        assert list(await connection.scalars(select(report_order_meters.c.esi_id))) == [esi(1)]
    form = await chosen(browser, USAGE, esi(1))
    await switch(house, 1)
    page = await browser.send(form, f"{USAGE}/export", DAILY)
    assert (page.status_code, faults_of(page)) == (
        422,
        {"view": "None of the 1 meters of the list is among yours."},
    )


async def test_somebody_elses_list_and_one_whose_day_is_over_are_as_if_they_were_not_there(
    house: House, clock: HandClock
) -> None:
    browser, stranger = await signed_in(house), await signed_in(house, "rep.user")
    mine = await chosen(browser, USAGE, esi(2))
    list_id = mine.url.params["list"]
    theirs = await stranger.get(f"{USAGE}/export?list={list_id}")
    assert (theirs.status_code, "There is no list of meters here." in theirs.text) == (404, True)
    sent = await stranger.get(USAGE)
    csrf = re.search(r'name="csrf" value="([^"]+)"', sent.text)
    assert csrf is not None
    refused = await stranger.http.post(f"{USAGE}/export", data={**DAILY, "list": list_id, "csrf": csrf[1]})
    assert (refused.status_code, await orders(house)) == (404, [])
    await clock.advance(timedelta(days=1).total_seconds())
    browser = await signed_in(house)
    assert (await browser.get(f"{USAGE}/export?list={list_id}")).status_code == 404
    assert (await browser.get(f"{USAGE}/export?list=nothing")).status_code == 404


async def test_an_account_keeps_its_newest_lists_only(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    lists = []
    for _ in range(MOST_LISTS + 2):
        lists.append((await chosen(browser, ACCOUNT, esi(1))).url.params["list"])
        await clock.advance(1)
    there = [(await browser.get(f"{ACCOUNT}/export?list={each}")).status_code == 200 for each in lists]
    assert there == [False] * 2 + [True] * MOST_LISTS


@pytest.mark.parametrize(("at", "what"), [(ACCOUNT, "premise"), (ACCOUNT, "meter"), (USAGE, "report")])
async def test_a_view_takes_exactly_one_meter(house: House, at: str, what: str) -> None:
    browser = await signed_in(house)
    one = await browser.http.get(f"{at}/view?what={what}&chosen={esi(2)}")
    assert one.headers["location"] == f"{at}/{esi(2)}/{what}"
    for query, fault in (
        ("", "Select at least one meter"),
        (f"&chosen={esi(1)}&chosen={esi(2)}", "Select one meter: it is shown by itself"),
    ):
        page = await browser.get(f"{at}/view?what={what}&sort=city&order=desc{query}")
        assert faults_of(page) == {"chosen": fault}
        assert ('id="chosen"' in page.text, 'aria-sort="descending"' in page.text) == (True, True)
        assert page.text.count(" checked></td>") == query.count("chosen")


async def test_export_of_nothing_says_so_at_the_list(house: House) -> None:
    page = await chosen(await signed_in(house), USAGE)
    assert faults_of(page) == {"chosen": "Select at least one meter"}
    assert "Export Report(s)</button>" in page.text


async def test_all_shown_rows_can_be_ticked_at_once(house: House) -> None:
    page = await (await signed_in(house)).get(f"{USAGE}?select=all")
    assert page.text.count(" checked></td>") == 3


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose rep.admin has 300 meters."""
    numbers = range(100, 400)
    world = replace(
        WORLD,
        premises=[premise(number, since(LONE_STAR)) for number in numbers],
        meters=[meter(number) for number in numbers],
    )
    async with open_house(tmp_path, HandClock(), world) as house:
        yield house


async def test_hundreds_of_meters_are_chosen_at_once_and_no_address_holds_them(estate: House) -> None:
    browser = await signed_in(estate)
    form = await chosen(browser, USAGE, *(esi(number) for number in range(100, 400)))
    assert len(str(form.url)) < 120
    assert "300 meters that you selected" in form.text
    number_of(await browser.send(form, f"{USAGE}/export", DAILY))
    async with estate.database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(report_order_meters)) == 300
        assert await connection.scalar(select(func.count()).select_from(meter_lists)) == 1
