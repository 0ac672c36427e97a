"""Webhooks on pages: registered with a secret that is shown once, tried, changed, removed; for administrators alone."""

import re

import httpx
from sqlalchemy import update

from portal.webhooks.tables import webhook_deliveries, webhooks
from tests.portal.pages.house import Browser, House, faults_of

SECRET = re.compile(r">(whsec_[A-Za-z0-9+/]{43}=)<")
SENT = {"name": "Billing", "address": "https://hooks.example.com/in", "events": "read.finished"}


async def signed_in(house: House, user_id: str = "rep.admin") -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


async def register(browser: Browser, **more: str) -> httpx.Response:
    page = await browser.get("/account/webhooks/new")
    return await browser.send(page, "/account/webhooks", {**SENT, **more})


async def place_of(browser: Browser) -> str:
    found = re.search(r'href="(/account/webhooks/[0-9a-f-]{36})"', (await browser.get("/account/webhooks")).text)
    assert found is not None
    return found[1]


async def test_a_secret_is_shown_once_and_the_webhook_is_listed(house: House) -> None:
    browser = await signed_in(house)
    assert "No webhook yet" in (await browser.get("/account/webhooks")).text
    page = await register(browser)
    assert page.url.path == "/account/webhooks/shown"
    secret = SECRET.search(page.text)
    assert secret is not None
    again = await browser.get("/account/webhooks/shown")
    assert (SECRET.search(again.text), "was shown" in again.text) == (None, True)
    listed = await browser.get("/account/webhooks")
    assert ("https://hooks.example.com/in" in listed.text, secret[1] in listed.text) == (True, False)
    page = await browser.get(await place_of(browser) + "/secret")
    shown = await browser.send(page, await place_of(browser) + "/secret", {"grace": "3600"})
    new = SECRET.search(shown.text)
    assert new is not None
    assert new[1] != secret[1]
    assert "Old secret signs until" in (await browser.get(await place_of(browser))).text


async def test_every_fault_is_told_at_its_field_and_what_was_typed_stays(house: House) -> None:
    browser = await signed_in(house)
    page = await register(browser, name="", events="nothing", address="")
    assert (page.status_code, [*faults_of(page)]) == (422, ["name", "address", "events"])
    page = await register(browser, address="https://10.0.0.1/hooks")
    assert faults_of(page) == {"address": "This address is not public"}
    assert 'value="https://10.0.0.1/hooks"' in page.text
    assert 'value="Billing"' in page.text


async def test_a_ping_is_asked_for_and_an_event_sent_again(house: House) -> None:
    browser = await signed_in(house)
    await register(browser)
    place = await place_of(browser)
    page = await browser.get(place)
    assert "It was told nothing yet" in page.text
    page = await browser.send(page, f"{place}/ping", {})
    assert "A ping is on its way" in page.text
    assert "Waiting" in page.text
    page = await browser.send(page, f"{place}/ping", {})
    assert (page.status_code, "A ping waits to be sent already" in page.text) == (409, True)
    ended = update(webhook_deliveries).values(
        failed_at=house.clock.now(), tried_at=house.clock.now(), tries=10, answer_code=500, error="answered 500"
    )
    await house.database.write(lambda connection: connection.execute(ended))
    page = await browser.get(place)
    assert all(words in page.text for words in ("Failed", "answered 500", ">500<"))
    page = await browser.send(page, f"{place}/deliveries/1/replay", {})
    assert "on its way once more" in page.text
    assert "Failed" not in page.text


async def test_a_webhook_is_changed_switched_off_and_on_and_removed(house: House) -> None:
    browser = await signed_in(house)
    await register(browser)
    place = await place_of(browser)
    page = await browser.get(f"{place}/edit")
    assert re.search(r'value="read.finished" type="checkbox" checked', page.text)
    page = await browser.send(page, f"{place}/edit", {**SENT, "name": "Ledger", "address": "http://x.example/"})
    assert [*faults_of(page)] == ["address"]
    page = await browser.send(page, f"{place}/edit", {**SENT, "name": "Ledger", "events": "order.finished"})
    assert all(words in page.text for words in ("The webhook is saved", "<h1>Ledger</h1>", "order.finished"))
    page = await browser.send(page, f"{place}/state", {"on": "no"})
    assert "somebody switched it off" in page.text
    page = await browser.send(page, f"{place}/state", {"on": "yes"})
    assert "somebody switched it off" not in page.text
    page = await browser.get(f"{place}/remove")
    page = await browser.send(page, f"{place}/remove", {})
    assert "The webhook is removed" in page.text
    assert (await browser.get(place)).status_code == 404


async def test_one_that_was_switched_off_by_itself_says_why(house: House) -> None:
    browser = await signed_in(house)
    await register(browser)
    off = update(webhooks).values(disabled_at=house.clock.now(), disabled_because="it answered 410: gone")
    await house.database.write(lambda connection: connection.execute(off))
    page = await browser.get(await place_of(browser))
    assert "it answered 410: gone" in page.text
    assert "Send a ping</button>" not in page.text


async def test_the_pages_are_for_administrators_of_companies_and_webhooks_for_their_own(house: House) -> None:
    owner = await signed_in(house)
    await register(owner)
    place = await place_of(owner)
    paths = [place, f"{place}/edit", f"{place}/secret", f"{place}/remove"]
    for user_id in ("rep.user", "maria.customer", "ercot.user"):
        browser = await signed_in(house, user_id)
        for path in ("/account/webhooks", "/account/webhooks/new", "/account/webhooks/shown", *paths):
            assert (await browser.get(path)).status_code == 404, path
    blue = await signed_in(house, "blue.admin")
    assert "No webhook yet" in (await blue.get("/account/webhooks")).text
    assert [(await blue.get(path)).status_code for path in paths] == [404] * 4
