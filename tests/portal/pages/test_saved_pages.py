"""Saved Reports on pages: an order kept under a name, scheduled, run, paused, changed and deleted; one's own alone."""

import html
import re
from itertools import count

import httpx
from sqlalchemy import select, update

from portal.orders.tables import report_orders
from portal.saved_reports.running import SEES_NONE
from portal.saved_reports.tables import report_definitions
from tests.portal.pages.desk import placed, signed_in
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.world import esi

SAVED = "/usage/saved-reports"
_SEEDS = count(1000)
SENT = {"name": "South side", "window": "last_month", "every": "month", "monthday": "3", "weekday": "", "at": "18:30"}


async def save(house: House, browser: Browser, **more: str) -> httpx.Response:
    number = (await placed(house, seed=next(_SEEDS))).number
    page = await browser.get(f"/usage/orders/{number}")
    assert f'href="/usage/orders/{number}/save"' in page.text
    page = await browser.get(f"/usage/orders/{number}/save")
    return await browser.send(page, f"/usage/orders/{number}/save", {**SENT, **more})


async def place_of(browser: Browser) -> str:
    found = re.search(rf'action="({SAVED}/[0-9a-f-]{{36}})/run"', (await browser.get(SAVED)).text)
    assert found is not None
    return found[1]


async def test_an_order_is_saved_with_a_schedule_and_run_again(house: House) -> None:
    browser = await signed_in(house)
    assert "You have saved no report yet" in (await browser.get(SAVED)).text
    page = await save(house, browser)
    assert page.url.path == SAVED
    told = ("The report is saved", "South side", "The month before", "Day 3 of the month at 18:30", "07/03/2026 18:30")
    assert [words for words in told if words not in page.text] == []
    place = await place_of(browser)
    page = await browser.send(page, f"{place}/run", {})
    assert page.url.path.startswith("/usage/orders/")
    assert "Your order is placed" in page.text
    assert "06/01/2026 to 06/30/2026" in page.text
    async with house.database.reading() as connection:
        orders = (await connection.execute(select(report_orders).order_by(report_orders.c.id))).all()
    assert len(orders) == 2
    assert orders[0].meters == orders[1].meters
    page = await browser.get(SAVED)
    assert sum(str(order.number) in page.text for order in orders) == 1, "the order of the last run"


async def test_a_report_of_one_meter_is_saved_as_it_was_looked_at(house: House) -> None:
    browser = await signed_in(house)
    report = f"/usage/meters/{esi(1)}/report"
    shown = await browser.get(f"{report}?report=monthly_usage&view=versions&start=2026-01-01&end=2026-05-31")
    found = re.search(r'href="([^"]+)">Save as…', shown.text)
    assert found is not None
    page = await browser.get(html.unescape(found[1]))
    assert "Monthly Usage of 1 Elm St, Austin" in page.text
    assert '<option value="last_24_months" selected' in page.text
    action = f"{report}/save?report=monthly_usage&amp;view=versions"
    assert f'action="{action}"' in page.text
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None
    sent = {**SENT, "csrf": token[1], "window": "last_24_months"}
    page = await browser.http.post(html.unescape(action), data={**sent, "name": ""}, follow_redirects=True)
    assert [*faults_of(page)] == ["name"]
    page = await browser.http.post(html.unescape(action), data=sent, follow_redirects=True)
    assert page.url.path == SAVED
    assert [each for each in ("South side", "Monthly Usage", "The last 24 months") if each not in page.text] == []
    async with house.database.reading() as connection:
        kept = (await connection.execute(select(report_definitions))).one()
    assert str(kept.view) == "versions"
    foreign = await browser.get(f"/usage/meters/{esi(3)}/report/save")
    assert foreign.status_code == 404


async def test_every_fault_is_told_at_its_field_and_what_was_typed_stays(house: House) -> None:
    browser = await signed_in(house)
    page = await save(house, browser, name="", every="week", weekday="", at="25:00")
    assert (page.status_code, [*faults_of(page)]) == (422, ["name", "at", "weekday"])
    assert 'value="25:00"' in page.text
    page = await save(house, browser, monthday="29")
    assert faults_of(page) == {"monthday": "Choose a day from 1 to 28"}
    page = await save(house, browser, every="yearly")
    assert [*faults_of(page)] == ["every"]
    assert "You have saved no report yet" in (await browser.get(SAVED)).text


async def test_a_schedule_is_paused_resumed_changed_and_its_definition_deleted(house: House) -> None:
    browser = await signed_in(house)
    page = await save(house, browser)
    place = await place_of(browser)
    page = await browser.send(page, f"{place}/pause", {"paused": "yes"})
    assert all(words in page.text for words in ("The schedule is paused", "you paused it", "Resume"))
    page = await browser.send(page, f"{place}/pause", {"paused": "no"})
    assert "you paused it" not in page.text
    page = await browser.get(f"{place}/edit")
    assert all(words in page.text for words in ('value="South side"', 'value="18:30"', 'value="3"'))
    changed = {**SENT, "name": "North side", "every": "week", "weekday": "1"}
    page = await browser.send(page, f"{place}/edit", changed)
    assert all(words in page.text for words in ("North side", "Mondays at 18:30"))
    page = await browser.send(await browser.get(f"{place}/edit"), f"{place}/edit", {**SENT, "every": "none"})
    assert "Pause" not in page.text
    page = await browser.send(await browser.get(f"{place}/delete"), f"{place}/delete", {})
    assert "The saved report is deleted" in page.text
    assert (await browser.get(f"{place}/edit")).status_code == 404


async def test_a_run_that_is_refused_says_why_on_the_list(house: House) -> None:
    browser = await signed_in(house)
    page = await save(house, browser)
    await house.database.write(lambda connection: connection.execute(update(report_definitions).values(values=esi(3))))
    page = await browser.send(page, f"{await place_of(browser)}/run", {})
    assert (page.status_code, "None of the 1 meters of the list is among yours" in page.text) == (409, True)
    paused = update(report_definitions).values(
        next_at=None, paused_because="none of its meters is among yours any more"
    )
    await house.database.write(lambda connection: connection.execute(paused))
    page = await browser.get(SAVED)
    assert all(words in page.text for words in ("Paused", SEES_NONE))


async def test_anothers_saved_report_and_order_are_not_there(house: House) -> None:
    owner = await signed_in(house)
    await save(house, owner)
    place, number = await place_of(owner), (await placed(house, seed=77)).number
    for user_id in ("rep.user", "blue.admin"):
        browser = await signed_in(house, user_id)
        page = await browser.get(SAVED)
        assert "You have saved no report yet" in page.text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert csrf is not None
        for path in (f"{place}/edit", f"{place}/delete", f"/usage/orders/{number}/save"):
            assert (await browser.get(path)).status_code == 404, path
        for what in ("run", "pause", "delete", "edit"):
            sent = {"csrf": csrf[1], "paused": "yes", **SENT}
            assert (await browser.http.post(f"{place}/{what}", data=sent)).status_code == 404, what
