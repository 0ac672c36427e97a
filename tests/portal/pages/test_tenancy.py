"""Whose eyes see what on the pages, and what hostile names cannot do there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from portal.companies.kinds import Kind
from portal.meters.tables import attachments
from portal.seed import SeedCompany, SeedDuns
from tests.clock import HandClock
from tests.portal.pages.house import Browser, House, open_house
from tests.portal.world import (
    LONE_STAR,
    PASSWORD,
    SWITCHED,
    WORLD,
    esi,
    person,
    premise,
    since,
    viewer,
)

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


async def signed_in(house: House, user_id: str) -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


async def test_an_invisible_meter_looks_exactly_like_a_missing_one(house: House) -> None:
    browser = await signed_in(house, "rep.admin")
    answers = [await browser.get(f"/usage/meters/{text}") for text in (esi(3), esi(4), esi(99), "123", "10443720")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text.replace(str(answer.url.path), "") for answer in answers}) == 1
    assert "Check the address" in answers[0].text


@pytest.mark.parametrize("user", ["blue.admin", "gulf.admin", "coach.user"])
async def test_nobody_elses_meter_can_be_read_from_its_page(house: House, user: str) -> None:
    browser = await signed_in(house, user)
    answer = await browser.press("/help", f"/usage/meters/{esi(1)}/reads")
    assert answer.status_code == 404
    assert house.requests() == []


async def test_a_former_rep_loses_the_page_at_the_switch_and_the_new_one_has_its_history(tmp_path: Path) -> None:
    clock = HandClock(SWITCHED.replace(hour=4))
    async with open_house(tmp_path, clock) as house:
        former = await signed_in(house, "rep.admin")
        await former.press(f"/usage/meters/{esi(4)}", f"/usage/meters/{esi(4)}/reads")
        await house.desk.handle([house.answers().done(await house.bus.request())])
        assert "12,345.678" in (await former.get(f"/usage/meters/{esi(4)}")).text
        clock.set(SWITCHED)
        former, new = await signed_in(house, "rep.admin"), await signed_in(house, "blue.admin")
        assert (await former.get(f"/usage/meters/{esi(4)}")).status_code == 404
        page = (await new.get(f"/usage/meters/{esi(4)}")).text
        assert "12,345.678" in page
        assert "Rep Doe" not in page
        assert "Another party" in page


async def test_a_customer_does_not_see_reads_from_before_the_meter_was_attached(tmp_path: Path) -> None:
    clock = HandClock()
    async with open_house(tmp_path, clock) as house:
        retailer = await signed_in(house, "rep.admin")
        await retailer.press(f"/usage/meters/{esi(2)}", f"/usage/meters/{esi(2)}/reads")
        await house.desk.handle([house.answers().done(await house.bus.request())])
        await clock.advance(86_400)
        maria = (await viewer(house.database, "maria.customer")).account_id
        row = {"esi_id": esi(2), "account_id": maria, "attached_at": clock.now()}
        await house.database.write(lambda connection: connection.execute(insert(attachments), row))
        page = (await (await signed_in(house, "maria.customer")).get(f"/usage/meters/{esi(2)}")).text
        assert "This meter has not been read on demand yet." in page
        assert "12,345.678" not in page


async def test_a_customer_and_a_tdsp_see_no_retailers_columns(house: House) -> None:
    for user in ("maria.customer", "wires.admin", "ercot.user"):
        browser = await signed_in(house, user)
        mine = await browser.get("/account/meters")
        assert mine.status_code == (200 if user == "maria.customer" else 404), user
        assert "maria.customer@example.com" not in mine.text, user
        assert "maria.customer@example.com" not in (await browser.get("/usage/meters")).text, user


async def test_who_only_looks_has_no_button_and_cannot_ask(house: House) -> None:
    browser = await signed_in(house, "ercot.user")
    page = (await browser.get(f"/usage/meters/{esi(1)}")).text
    assert "odr-button" not in page
    assert "On-demand reads are for the meter's REP of record, its TDSP and its customer." in page
    assert (await browser.press("/help", f"/usage/meters/{esi(1)}/reads")).status_code == 403


async def test_a_meter_without_a_gateway_says_so(house: House) -> None:
    browser = await signed_in(house, "rep.admin")
    page = (await browser.get(f"/usage/meters/{esi(5)}")).text
    assert "No gateway reaches this meter, so it cannot be read on demand." in page
    assert '<button id="odr-button" class="main wide" disabled' in page


@pytest.fixture
async def hostile(tmp_path: Path) -> AsyncIterator[House]:
    """A world whose every text was chosen by somebody malicious."""
    world = replace(
        WORLD,
        companies=(
            SeedCompany(name=NASTY, kind=Kind.REP, email="a@example.com", duns=(SeedDuns(duns=LONE_STAR),)),
            *WORLD.companies[1:],
        ),
        accounts=(
            replace(person("rep.admin", NASTY, administrator=True), first_name=NASTY, last_name=NASTY),
            replace(person("maria.customer"), first_name=NASTY, email=NASTY),
        ),
        premises=(
            replace(premise(1, since(LONE_STAR), customer="maria.customer"), street_name=NASTY, city=NASTY),
            premise(2, since(LONE_STAR)),
        ),
        meters=WORLD.meters[:2],
    )
    async with open_house(tmp_path, HandClock(), world) as house:
        yield house


async def test_hostile_names_stay_text_on_every_page(hostile: House) -> None:
    browser = await signed_in(hostile, "rep.admin")
    await browser.press(f"/usage/meters/{esi(1)}", f"/usage/meters/{esi(1)}/reads")
    for path in ("/account/meters", f"/usage/meters/{esi(1)}", "/account/profile", "/help", "/nowhere"):
        page = await browser.get(path)
        assert "&lt;script&gt;" in page.text, path
        assert "<script>alert" not in page.text, path
        assert "<img src=x" not in page.text, path
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]


async def test_hostile_addresses_and_searches_stay_text(house: House) -> None:
    browser = await signed_in(house, "rep.admin")
    for place in ("/usage/meters", "/account/meters"):
        page = await browser.http.get(place, params={"by": "number", "value": NASTY, "sort": NASTY})
        assert page.status_code == 400
        assert NASTY not in page.text
    assert NASTY not in (await browser.http.get("/" + NASTY)).text
    fields = {"user_id": NASTY, "password": PASSWORD, "next": NASTY}
    assert NASTY not in (await house.client().http.post("/login", data=fields)).text


async def test_no_page_has_inline_script_or_style(house: House) -> None:
    browser = await signed_in(house, "wires.admin")
    for path in ("/", "/fleet", f"/usage/meters/{esi(1)}", "/help"):
        page = (await browser.get(path)).text
        assert " style=" not in page
        assert "<style" not in page
        assert " on" + "click=" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')
