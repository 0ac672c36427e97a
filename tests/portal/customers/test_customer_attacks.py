"""Over HTTP: what somebody hostile learns and reaches, by pages and by the API."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from portal.accounts.tables import accounts
from portal.customers.guessing import MOST_MISSES
from portal.customers.tables import release_requests
from portal.mail.tables import letters
from portal.meters.tables import attachments
from tests.clock import HandClock
from tests.portal.pages.house import CSRF, Browser, House, open_house
from tests.portal.world import PASSWORD, esi

API = "/api/v1"
NASTY = "<script>alert(1)</script>"
FORM = {
    "kind": "residential",
    "first_name": "Ana",
    "last_name": "Lopez",
    "email": "ana@home.example",
    "email_again": "ana@home.example",
    "user_id": "ana.lopez",
    "language": "en",
    "terms": "yes",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, HandClock()) as house:
        yield house


async def browser_of(house: House, user_id: str) -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


async def program_of(house: House, user_id: str | None) -> httpx.AsyncClient:
    client = house.client().http
    if user_id is not None:
        who = {"user_id": user_id, "password": PASSWORD}
        token = (await client.post(f"{API}/sessions", json=who)).json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
    return client


async def count(house: House, table: Any) -> int:
    async with house.database.reading() as connection:
        return len((await connection.execute(select(table))).all())


async def test_every_pair_that_is_none_has_one_answer_to_the_byte(house: House) -> None:
    """No such ESI ID, another premise's number, a meter of another TDSP: nothing tells them apart."""
    client = await program_of(house, "maria.customer")
    answers = [
        await client.post(f"{API}/customers/meters", json={"esi_id": esi(number), "meter_number": meter})
        for number, meter in ((99, "M00099"), (2, "M00003"), (6, "M00001"), (2, "M0000"))
    ]
    assert {each.status_code for each in answers} == {422}
    assert len({each.content for each in answers}) == 1
    assert answers[0].json()["type"] == "urn:metergate:problem:no-such-pair"


async def test_ten_misses_close_every_way_of_attaching(house: House) -> None:
    client = await program_of(house, "maria.customer")
    guesses = (
        client.post(f"{API}/customers/meters", json={"esi_id": esi(2), "meter_number": f"X{n}"}) for n in range(30)
    )
    statuses = [each.status_code for each in await asyncio.gather(*guesses)]
    assert (statuses.count(422), statuses.count(429)) == (MOST_MISSES, 30 - MOST_MISSES)
    right = {"esi_id": esi(2), "meter_number": "M00002"}
    late = await client.post(f"{API}/customers/meters", json=right)
    assert (late.status_code, late.headers["retry-after"]) == (429, "3600")
    listed = await client.post(f"{API}/customers/meters/import", json={"name": "a.csv", "csv": f"{esi(2)},M00002"})
    assert listed.json()[0]["attached"] is False
    guest = await program_of(house, None)
    registered = await guest.post(f"{API}/registrations/customers", json={**FORM, "terms": True, **right})
    assert registered.status_code == 429
    assert await count(house, attachments) == 1


async def test_a_request_of_one_rep_is_nothing_to_another_nor_to_another_tdsp(house: House) -> None:
    rep, blue, gulf = [await program_of(house, each) for each in ("rep.user", "blue.admin", "gulf.admin")]
    place = f"{API}/meters/{esi(1)}"
    assert (await rep.get(f"{place}/holder")).json()["holder"]["email"] == "maria.customer@example.com"
    for path, body in ((f"{place}/holder", None), (f"{place}/release-requests", {"comment": "Mine."})):
        theirs = await blue.request("GET" if body is None else "POST", path, json=body)
        nobodys = await blue.request("GET" if body is None else "POST", path.replace(esi(1), esi(99)), json=body)
        assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    made = (await rep.post(f"{place}/release-requests", json={"comment": "Moved out."})).json()
    assert (made["status"], made["holder"]) == ("open", "Maria Doe")
    assert (await blue.get(f"{API}/release-requests")).json() == []
    assert (await gulf.get(f"{API}/release-requests")).json() == []
    answers = [await gulf.post(f"{API}/release-requests/{each}", json={"release": True}) for each in (made["id"], 9999)]
    assert (answers[0].status_code, answers[0].content) == (404, answers[1].content)
    for who in (rep, await program_of(house, "maria.customer")):
        refused = await who.post(f"{API}/release-requests/{made['id']}", json={"release": True})
        assert refused.status_code == 403
    assert await count(house, attachments) == 1


async def test_the_tdsp_releases_over_the_api_and_the_meter_is_free_at_once(house: House) -> None:
    rep, wires, maria = [await program_of(house, each) for each in ("rep.user", "wires.admin", "maria.customer")]
    asked = await rep.post(f"{API}/meters/{esi(1)}/release-requests", json={"comment": "Moved out."})
    (waiting,) = (await wires.get(f"{API}/release-requests")).json()
    assert waiting["id"] == asked.json()["id"]
    place = f"{API}/release-requests/{waiting['id']}"
    assert (await wires.post(place, json={"release": False})).json()["faults"][0]["where"] == "comment"
    assert (await wires.post(place, json={"release": True})).json()["status"] == "released"
    assert (await wires.post(place, json={"release": True})).status_code == 404
    assert (await maria.get(f"{API}/customers/meters")).json() == []
    assert (await maria.get(f"{API}/meters/{esi(1)}")).status_code == 404
    again = await maria.post(f"{API}/customers/meters", json={"esi_id": esi(1), "meter_number": "M00001"})
    assert (again.status_code, again.json()["service_address"]) == (200, "1 Elm St")
    assert (await maria.delete(f"{API}/customers/meters/{esi(1)}")).status_code == 204
    assert (await maria.delete(f"{API}/customers/meters/{esi(1)}")).status_code == 404


async def test_no_change_is_made_without_the_pages_own_token(house: House) -> None:
    maria, rep = await browser_of(house, "maria.customer"), await browser_of(house, "rep.admin")
    tries = [
        (maria, "/account/meters/add", {"esi_id": esi(2), "meter_number": "M00002"}),
        (maria, f"/usage/meters/{esi(1)}/remove", {}),
        (rep, f"/usage/meters/{esi(1)}/release", {"comment": "Mine."}),
    ]
    for browser, path, fields in tries:
        for token in ({}, {"csrf": "0" * 43}):
            assert (await browser.http.post(path, data={**fields, **token})).status_code == 403, path
    wires = await browser_of(house, "wires.admin")
    assert (await wires.http.post("/releases/1", data={"release": "yes"})).status_code == 403
    elsewhere = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    forged = await house.client().http.post("/register", data=FORM, headers=elsewhere)
    assert forged.status_code == 403
    assert (await count(house, attachments), await count(house, release_requests)) == (1, 0)


async def test_a_customers_pages_are_not_there_for_others(house: House) -> None:
    for user_id in ("rep.admin", "wires.admin", "ercot.user"):
        browser = await browser_of(house, user_id)
        for path in ("/account/meters/add", f"/usage/meters/{esi(1)}/remove"):
            assert (await browser.get(path)).status_code == 404, (user_id, path)
        api = await program_of(house, user_id)
        assert (await api.get(f"{API}/customers/meters")).status_code == 403
        pair = {"esi_id": esi(2), "meter_number": "M00002"}
        assert (await api.post(f"{API}/customers/meters", json=pair)).status_code == 403
    for user_id in ("maria.customer", "ercot.user"):
        assert (await (await browser_of(house, user_id)).get("/releases")).status_code == 404
    maria = await browser_of(house, "maria.customer")
    assert (await maria.get(f"/usage/meters/{esi(2)}/remove")).status_code == 404


async def test_registering_tells_no_more_than_that_a_user_id_is_taken(house: House) -> None:
    guest = house.client().http
    taken = await guest.post("/register", data={**FORM, "user_id": "maria.customer"})
    assert taken.status_code == 422
    assert "This user ID is taken." in taken.text
    known_address = await guest.post(
        "/register",
        data={**FORM, "email": "maria.customer@example.com"} | {"email_again": "maria.customer@example.com"},
    )
    assert (known_address.status_code, known_address.headers["location"]) == (303, "/register/done")
    assert await count(house, letters) == 1


async def test_what_is_typed_stays_text_and_every_fault_comes_back_with_it(house: House) -> None:
    guest = house.client().http
    page = await guest.post("/register", data={"first_name": NASTY, "user_id": NASTY, "esi_id": "12<b>"})
    assert (page.status_code, NASTY in page.text) == (422, False)
    named = set(re.findall(r'<li><a href="#([a-z_]+)">', page.text))
    assert named >= {"kind", "last_name", "email", "user_id", "esi_id", "meter_number", "terms"}
    found = await guest.get("/companies", params={"name": NASTY})
    assert NASTY not in found.text
    maria = await browser_of(house, "maria.customer")
    token = CSRF.search((await maria.get("/account/meters/add")).text)
    assert token is not None
    fields = {"csrf": token[1], "esi_id": NASTY, "meter_number": NASTY}
    assert NASTY not in (await maria.http.post("/account/meters/add", data=fields)).text


async def test_registrations_from_one_address_are_counted(house: House) -> None:
    guest = house.client().http
    statuses = [(await guest.post("/register", data={**FORM, "user_id": f"ana.{n}"})).status_code for n in range(21)]
    assert statuses == [303] * 20 + [429]
    async with house.database.reading() as connection:
        ids = list(await connection.scalars(select(accounts.c.user_id).where(accounts.c.customer_kind.is_not(None))))
    assert len(ids) == 20


async def test_a_button_pressed_twice_is_no_error(house: House) -> None:
    rep, meter = await browser_of(house, "rep.admin"), f"/usage/meters/{esi(1)}"
    wires, maria = await browser_of(house, "wires.admin"), await browser_of(house, "maria.customer")

    async def twice(browser: Browser, page: str, action: str, **fields: str) -> list[tuple[int, str]]:
        token = CSRF.search((await browser.get(page)).text)
        assert token is not None
        sent = {"csrf": token[1], **fields}
        answers = [await browser.http.post(action, data=sent, follow_redirects=True) for _ in range(2)]
        return [(each.status_code, str(each.url).removeprefix("http://portal.test")) for each in answers]

    asked = await twice(rep, meter, f"{meter}/release", comment="Moved out.")
    assert asked == [(200, f"{meter}#holder")] * 2
    (place,) = re.findall(r'href="(/releases/[0-9]+)"', (await wires.get("/releases")).text)
    answered = await twice(wires, place, place, release="no", comment="Not so.")
    assert answered == [(200, "/releases?done=declined"), (200, "/releases?done=over")]
    removed = await twice(maria, f"{meter}/remove", f"{meter}/remove")
    assert removed == [(200, "/account/meters?done=removed"), (200, "/account/meters")]
    added = await twice(maria, "/account/meters/add", "/account/meters/add", esi_id=esi(1), meter_number="M00001")
    assert added == [(200, "/account/meters?done=added")] * 2
    assert (await count(house, attachments), await count(house, release_requests)) == (1, 1)
