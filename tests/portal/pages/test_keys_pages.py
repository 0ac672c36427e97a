"""API keys on pages: made, shown once, rolled, revoked; for administrators of companies alone."""

import re
from datetime import timedelta

import httpx
import pytest

from portal.api_keys.keys import MARK
from portal.pages.shown_once import COOKIE
from tests.clock import HandClock
from tests.portal.pages.house import Browser, House, faults_of

KEY = re.compile(rf">({MARK}[\w-]+)<")


async def signed_in(house: House, user_id: str = "wires.admin") -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


async def make(browser: Browser, **more: str) -> httpx.Response:
    page = await browser.get("/account/keys/new")
    return await browser.send(page, "/account/keys", {"name": "Nightly feed", "scopes": "market:read", **more})


async def opens(house: House, key: str) -> int:
    answer = await house.client().http.get("/api/v1/market/notices", headers={"authorization": f"Bearer {key}"})
    return answer.status_code


def key_on(page: httpx.Response) -> str:
    found = KEY.search(page.text)
    assert found is not None, page.text
    return found[1]


async def test_a_new_key_is_shown_once_and_works(house: House) -> None:
    browser = await signed_in(house)
    page = await make(browser)
    assert page.url.path == "/account/keys/shown"
    assert (page.headers["cache-control"], str(page.url.query)) == ("no-store", "b''")
    key = key_on(page)
    assert await opens(house, key) == 200
    again = await browser.get("/account/keys/shown")
    assert (again.status_code, KEY.search(again.text)) == (200, None)
    assert "was shown" in again.text
    listed = await browser.get("/account/keys")
    assert (key[:12] in listed.text, key in listed.text) == (True, False)


async def test_the_sealed_key_is_for_its_session_its_page_and_a_minute(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    page = await browser.get("/account/keys/new")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    sent = {"csrf": csrf[1], "name": "x", "scopes": "market:read"}
    answer = await browser.http.post("/account/keys", data=sent)
    words = answer.headers["set-cookie"]
    assert all(each in words for each in ("HttpOnly", "Path=/account/keys/shown", "SameSite=strict", "Max-Age=60"))
    sealed = browser.http.cookies[COOKIE]
    assert MARK not in words
    for stranger in ("gulf.admin", "wires.admin"):
        other = await signed_in(house, stranger)
        other.http.cookies.set(COOKIE, sealed)
        assert KEY.search((await other.get("/account/keys/shown")).text) is None
    clock.set(clock.now() + timedelta(seconds=60))
    assert KEY.search((await browser.get("/account/keys/shown")).text) is None


@pytest.mark.parametrize("nonsense", ["", "x", "AAAA", "ä", "A" * 400])
async def test_a_made_up_cookie_shows_nothing(house: House, nonsense: str) -> None:
    browser = await signed_in(house)
    session = browser.http.cookies["metergate"]
    sent = f"metergate={session}; {COOKIE}={nonsense}".encode("latin-1")
    browser.http.cookies.clear()
    page = await browser.http.get("/account/keys/shown", headers={b"cookie": sent})
    assert (page.status_code, "was shown" in page.text) == (200, True)


async def test_every_fault_is_told_at_its_field_and_what_was_typed_stays(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    page = await make(browser, name="", scopes="nothing", expires_at="2020-01-01")
    assert page.status_code == 422
    assert [*faults_of(page)] == ["name", "scopes", "expires_at"]
    page = await make(browser, name="My feed", scopes="market:write", expires_at="soon")
    assert faults_of(page) == {"expires_at": "Enter the last day as a date"}
    assert 'value="My feed"' in page.text
    assert re.search(r'value="market:write" type="checkbox" checked', page.text)


async def test_the_last_day_is_a_central_day_to_its_end(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    await make(browser, expires_at="2026-11-01")
    assert "11/02/2026 00:00:00" in (await browser.get("/account/keys")).text


async def test_a_key_is_rolled_with_a_grace_and_then_ends(house: House, clock: HandClock) -> None:
    browser = await signed_in(house)
    old = key_on(await make(browser))
    page = await browser.get("/account/keys/1/roll")
    new = key_on(await browser.send(page, "/account/keys/1/roll", {"grace": "3600"}))
    assert [await opens(house, key) for key in (old, new)] == [200, 200]
    clock.set(clock.now() + timedelta(hours=1))
    assert [await opens(house, key) for key in (old, new)] == [401, 200]
    browser = await signed_in(house)
    assert (await browser.get("/account/keys/1/roll")).status_code == 404


async def test_a_key_is_revoked_once_more_asked(house: House) -> None:
    browser = await signed_in(house)
    key = key_on(await make(browser))
    page = await browser.get("/account/keys/1/revoke")
    assert "cannot be undone" in page.text
    listed = await browser.send(page, "/account/keys/1/revoke", {})
    assert "The key is revoked" in listed.text
    assert await opens(house, key) == 401


async def test_the_pages_are_for_administrators_of_companies_and_keys_for_their_own(house: House) -> None:
    await make(await signed_in(house))
    for user_id in ("rep.user", "maria.customer", "ercot.user"):
        browser = await signed_in(house, user_id)
        assert "/account/keys" not in (await browser.get("/account/profile")).text
        for path in ("", "/new", "/shown", "/1/roll", "/1/revoke"):
            assert (await browser.get(f"/account/keys{path}")).status_code == 404, path
    gulf = await signed_in(house, "gulf.admin")
    assert 'href="/account/keys"' in (await gulf.get("/account/profile")).text
    assert "No key yet" in (await gulf.get("/account/keys")).text
    assert [(await gulf.get(f"/account/keys/1/{what}")).status_code for what in ("roll", "revoke")] == [404, 404]
