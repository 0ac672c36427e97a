"""Guide 10 and 2: customers find their REP, add meters by the numbers of the bill, and lose them again."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from portal.mail.tables import letters
from portal.meters.tables import attachments, meters
from tests.clock import HandClock
from tests.portal.pages.house import CSRF, Browser, House, open_house
from tests.portal.world import PASSWORD, WORLD, esi, person

REGISTRATION = {
    "kind": "residential",
    "first_name": "Ana",
    "last_name": "Lopez",
    "email": "ana@home.example",
    "email_again": "ana@home.example",
    "user_id": "ana.lopez",
    "language": "en",
    "terms": "yes",
}
MINE, ADD = "/account/meters", "/account/meters/add"
CAUSES = ("do not have a smart meter", "not yet provisioned", "Call your electricity company (REP) for assistance.")


@pytest.fixture
def clock() -> HandClock:
    """10:00 Central on 1 July 2026."""
    return HandClock()


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world with one more customer, who has no meter yet."""
    world = type(WORLD)(
        companies=WORLD.companies,
        accounts=(*WORLD.accounts, person("new.customer")),
        gateways=WORLD.gateways,
        premises=WORLD.premises,
        meters=WORLD.meters,
    )
    async with open_house(tmp_path, clock, world) as house:
        yield house


async def signed_in(house: House, user_id: str) -> Browser:
    browser = house.client()
    assert "Sign out" in (await browser.sign_in(user_id)).text
    return browser


async def send(browser: Browser, page: str, action: str, **fields: str) -> httpx.Response:
    token = CSRF.search((await browser.get(page)).text)
    assert token is not None
    return await browser.http.post(action, data={"csrf": token[1], **fields}, follow_redirects=True)


async def add(browser: Browser, number: int, meter: str | None = None) -> httpx.Response:
    return await send(browser, ADD, ADD, esi_id=esi(number), meter_number=meter or f"M{number:05d}")


async def listed(browser: Browser) -> list[str]:
    return re.findall(r'<td><a href="/usage/meters/([0-9]+)">', (await browser.get(MINE)).text)


async def mail(house: House, to: str) -> list[Any]:
    async with house.database.reading() as connection:
        return list(await connection.execute(select(letters).where(letters.c.recipient == to).order_by(letters.c.id)))


async def holders(house: House) -> dict[str, str]:
    held = select(attachments.c.esi_id, accounts.c.user_key).join(accounts)
    async with house.database.reading() as connection:
        return {row.esi_id: row.user_key for row in await connection.execute(held)}


async def ask_for_release(house: House, comment: str = "The tenant moved.") -> None:
    rep, meter = await signed_in(house, "rep.user"), f"/usage/meters/{esi(1)}"
    page = await send(rep, meter, f"{meter}/release", comment=comment)
    assert "It waits for the TDSP." in page.text


async def answer(house: House, **fields: str) -> httpx.Response:
    wires = await signed_in(house, "wires.admin")
    (place,) = re.findall(r'href="(/releases/[0-9]+)"', (await wires.get("/releases")).text)
    return await send(wires, place, place, **fields)


async def test_cus_01_a_meter_is_added_by_a_matching_pair(house: House) -> None:
    """CUS-01: "Customers must add their Smart Meters to their accounts by using the ESI ID and Meter Number showing on
    the bill." "The Customer has to have a matching pair".
    """
    browser = await signed_in(house, "new.customer")
    assert "No meter is attached to your account." in (await browser.get(MINE)).text
    assert (await add(browser, 2, "M00003")).status_code == 422
    assert await listed(browser) == []
    page = await add(browser, 2)
    assert (page.url.path, "The meter is attached to your account." in page.text) == (MINE, True)
    assert await listed(browser) == [esi(2)]
    assert "2 Elm St, Austin, TX 78701" in page.text
    assert (await browser.get(f"/usage/meters/{esi(2)}")).status_code == 200


async def test_cus_02_the_rep_finds_the_meter_by_either_value(house: House) -> None:
    """CUS-02: "As the REP, you can search in SMT for the Customer's Smart Meter by using either ESI ID or Meter
    Number."
    """
    browser = await signed_in(house, "rep.admin")
    for by, value in (("esi_id", esi(2)), ("number", "M00002")):
        page = (await browser.get(f"{MINE}?by={by}&value={value}")).text
        assert (esi(2) in page, "M00002" in page) == (True, True)


async def test_cus_03_a_meter_is_attached_to_one_account_at_a_time(house: House) -> None:
    """CUS-03: "SMT will only allow a Smart Meter to be attached to one (1) SMT Customer Account at a time." "the
    Customer will get an error message and will be instructed to call his REP for assistance."
    """
    browser = await signed_in(house, "new.customer")
    page = await add(browser, 1)
    assert page.status_code == 409
    assert "attached to another account. Call your electricity company (REP) for assistance." in page.text
    assert "maria" not in page.text.lower()
    assert (await holders(house))[esi(1)] == "maria.customer"


async def test_cus_04_the_rep_of_record_sees_name_and_email_of_the_holder(house: House) -> None:
    """CUS-04: "As the ROR, you can see the name and email address of the Customer that currently has the meter
    attached."
    """
    rep = await signed_in(house, "rep.user")
    for path in (MINE, f"/usage/meters/{esi(1)}"):
        page = (await rep.get(path)).text
        assert ("Maria Doe" in page, "maria.customer@example.com" in page) == (True, True), path
    for other in ("wires.admin", "ercot.user"):
        page = (await (await signed_in(house, other)).get(f"/usage/meters/{esi(1)}")).text
        assert "maria.customer@example.com" not in page, other


async def test_cus_05_and_mail_11_the_tdsp_releases_a_meter_and_the_loser_is_mailed(house: House) -> None:
    """CUS-05, MAIL-11: "you can request that the TDSP remove the meter from the current SMT Customer Account". "the SMT
    Customer losing the Smart Meter will be notified via email and your Customer will be able to attach the ESIID to
    their SMT account." "As soon as the Smart Meter is released, the rightful Customer may attach the Smart Meter".
    """
    await ask_for_release(house)
    (asked,) = await mail(house, "wires.admin@example.com")
    assert ("Lone Star Power" in asked.text, "The tenant moved." in asked.text) == (True, True)
    page = await answer(house, release="yes")
    assert "The meter is released, and both sides are told." in page.text
    (lost,) = await mail(house, "maria.customer@example.com")
    assert lost.subject == "A meter was removed from your account"
    assert ("M00001" in lost.text, "1 Elm St" in lost.text, "call your electricity company" in lost.text) == (True,) * 3
    assert "Lone Star" not in lost.text
    told = (await mail(house, "rep.user@example.com"))[-1]
    assert "Your customer can attach it now." in told.text
    assert await listed(await signed_in(house, "maria.customer")) == []
    rightful = await signed_in(house, "new.customer")
    await add(rightful, 1)
    assert await listed(rightful) == [esi(1)]


async def test_cus_05_a_decline_leaves_the_meter_and_says_why(house: House) -> None:
    """CUS-05: the TDSP takes the action, or does not; to decline takes a comment, which the REP gets."""
    await ask_for_release(house)
    assert (await answer(house, release="no")).status_code == 422
    await answer(house, release="no", comment="The lease says otherwise.")
    assert (await holders(house))[esi(1)] == "maria.customer"
    assert await mail(house, "maria.customer@example.com") == []
    assert "The lease says otherwise." in (await mail(house, "rep.user@example.com"))[-1].text
    page = (await (await signed_in(house, "rep.user")).get(f"/usage/meters/{esi(1)}")).text
    assert "The lease says otherwise." in page


async def test_cus_06_and_reg_06_a_customer_finds_the_rep_by_either_name_and_sees_both(house: House) -> None:
    """CUS-06, REG-06: "If you registered your DUNS number in ERCOT with a different company name, both company names
    will be displayed to your customers when they search for their REP of Record in SMT."
    """
    guest = house.client()
    for name in ("lone star p*", "lone star b*", "Lone Star Business"):
        page = (await guest.http.get("/companies", params={"name": name})).text
        assert "<td>Lone Star Power</td><td>Lone Star Business</td>" in page, name
    by_letter = (await guest.get("/companies?letter=B")).text
    assert ("<td>Bluebonnet Energy</td>" in by_letter, "Lone Star" in by_letter) == (True, False)
    assert "No electricity company has such a name." in (await guest.get("/companies?name=Hill Country Wires")).text


async def test_cus_07_every_failure_alike_names_the_usual_causes_and_the_rep(house: House) -> None:
    """CUS-07: "The most common reasons for the error are: The Customer does not have a Smart Meter." "it has not yet
    been provisioned by the TDSP." "the Customer is referred to his REP for assistance."
    """
    unprovisioned = update(meters).where(meters.c.number == "M00003").values(provisioned_at=None)
    await house.database.write(lambda connection: connection.execute(unprovisioned))
    pages = []
    for number, meter in ((77, "M00077"), (2, "M00003"), (3, "M00003")):
        page = await add(await signed_in(house, "new.customer"), number, meter)
        assert page.status_code == 422
        assert all(words in page.text for words in CAUSES), page.text
        pages.append(CSRF.sub("", page.text).replace(esi(number), "").replace(meter, ""))
    assert pages[0] == pages[1] == pages[2]


async def test_ent_02_customers_register_at_the_public_entry_and_nobody_approves_them(house: House) -> None:
    """ENT-02: "www.SmartMeterTexas.com. This site contains pre-registration information specific to Customers." """
    guest = house.client()
    assert 'href="/register"' in (await guest.get("/")).text
    done = await guest.http.post("/register", data=REGISTRATION, follow_redirects=True)
    assert "Look into your mailbox" in done.text
    (letter,) = await mail(house, "ana@home.example")
    assert "ana.lopez" in letter.text
    async with house.database.reading() as connection:
        row = (await connection.execute(select(accounts).where(accounts.c.user_key == "ana.lopez"))).one()
    assert (row.status, row.company_id, row.customer_kind) == (AccountStatus.APPROVED, None, "residential")


@pytest.mark.parametrize("entry", ["/", "/private"])
async def test_ent_04_a_customer_signs_in_at_either_entry(house: House, entry: str) -> None:
    """ENT-04: "If you have a SMT Account already, you may login from either entry point." """
    browser = house.client()
    fields = {"user_id": "maria.customer", "password": PASSWORD, "entry": entry}
    page = await browser.http.post("/login", data=fields, follow_redirects=True)
    assert "Sign out" in page.text
    assert await listed(browser) == [esi(1)]


async def test_ror_05_the_incoming_customer_must_add_the_meter_himself(house: House) -> None:
    """ROR-05: "the incoming Customer will need to manually add the Smart Meter to their own SMT account." """
    browser = await signed_in(house, "new.customer")
    assert await listed(browser) == []
    await add(browser, 2)
    assert await listed(browser) == [esi(2)]


async def test_imp_09_a_list_for_adding_meters_has_two_columns(house: House) -> None:
    """IMP-09: "If you will be using your Import file to add Smart Meters to your Account, you will need both ESI ID and
    Meter Number for each Smart Meter that you wish to add."
    """
    browser = await signed_in(house, "new.customer")
    token = CSRF.search((await browser.get(ADD)).text)
    assert token is not None

    async def sent(text: str) -> httpx.Response:
        file = {"file": ("meters.csv", text.encode(), "text/csv")}
        return await browser.http.post("/account/meters/import", data={"csrf": token[1]}, files=file)

    assert "Row 2, column 2" in (await sent(f"{esi(2)},M00002\n{esi(3)}\n")).text
    assert await listed(browser) == []
    page = await sent(f"{esi(2)},M00002\n{esi(3)},M00002\n{esi(4)},M00004\n")
    assert page.text.count(">attached<") == 2
    assert CAUSES[0] in page.text
    assert await listed(browser) == [esi(2), esi(4)]
