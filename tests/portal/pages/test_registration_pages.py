"""Registering on the pages: what was typed is kept, all faults come at once, and nothing is written before the end."""

import base64
import re

import httpx
import pytest

from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.companies.tables import companies
from portal.context import MOST_REGISTRATIONS, MOST_SEARCHES
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.people.images import image, noise
from tests.portal.people.stand import Office, company_form, person_form

START, COMPANY, PERSON = "/private/register", "/private/register/company", "/private/register/person"
ACCESS, ASK = "/private/register/access", "/private/register/access/person"
FIELDS = {
    name: value
    for name, value in company_form(address_2="Floor 2", url="https://pecan.example").model_dump().items()
    if isinstance(value, str)
} | {"duns": "777777777\n7777777770001"}
PERSON_FIELDS = {
    name: value for name, value in person_form("pat.pecan").model_dump().items() if isinstance(value, str)
} | {"terms": "yes"}


async def first_page(browser: Browser, kind: str = "rep") -> httpx.Response:
    """The page of the company, empty."""
    return await browser.get(f"{COMPANY}?kind={kind}")


async def second_page(browser: Browser, logo: bytes | None = None, **fields: str) -> httpx.Response:
    """The page of the person, behind a company without faults but for the fields given."""
    files = None if logo is None else {"logo": ("mark.png", logo, "image/png")}
    return await browser.send(await first_page(browser), COMPANY, FIELDS | fields, files)


def value_of(page: httpx.Response, name: str) -> str:
    """What stands in a field of a page."""
    found = re.search(rf'<input[^>]* id="{name}"[^>]* value="([^"]*)"', page.text)
    return found[1] if found else ""


async def test_both_pages_make_a_pending_company_with_its_first_administrator(town: House, office: Office) -> None:
    browser = town.client()
    done = await browser.send(await second_page(browser, image()), PERSON, PERSON_FIELDS)
    assert (done.url.path, done.url.params["of"]) == ("/private/register/done", "rep")
    row = await office.row(companies, name="Pecan Power")
    assert (row.status, row.kind, row.address_2, row.url) == ("pending", "rep", "Floor 2", "https://pecan.example")
    assert row.logo.startswith(b"\x89PNG")
    assert [await office.duns_status(each) for each in ("777777777", "7777777770001")] == ["pending", "pending"]
    assert (await office.row(accounts, user_key="pat.pecan")).administrator


async def test_all_faults_come_at_once_with_the_values_and_nothing_is_stored(town: House, office: Office) -> None:
    browser = town.client()
    wrong = {
        "name": "Pecan <Power>",
        "zip": "1",
        "phone": "no",
        "email": "desk@pecan.example",
        "email_again": "x",
        "duns": "12",
    }
    page = await browser.send(
        await first_page(browser), COMPANY, wrong, {"logo": ("big.png", noise(30_000), "image/png")}
    )
    assert page.status_code == 422
    assert "<title>Error: Create a New REP Account" in page.text
    found = faults_of(page)
    assert list(found) == ["address_1", "city", "state", "zip", "country", "phone", "email_again", "duns", "logo"]
    assert found["duns"] == "12 is not a DUNS number: enter 9 or 13 digits."
    assert found["logo"] == "Choose an image file smaller than 20 KB."
    assert value_of(page, "name") == "Pecan &lt;Power&gt;"
    for name, words in found.items():
        assert f'id="{name}-wrong">{words}<' in page.text.replace("&#39;", "'")
    assert await office.rows(companies, name="Pecan <Power>") == []


async def test_back_keeps_what_was_typed_on_both_pages(town: House) -> None:
    browser = town.client()
    page = await second_page(browser, image())
    assert "Pecan Power" in page.text
    assert "mark.png" in page.text
    back = await browser.send(page, PERSON, PERSON_FIELDS | {"step": "back", "first_name": "Patty"})
    assert value_of(back, "name") == "Pecan Power"
    assert "777777777\n7777777770001</textarea>" in back.text
    assert "mark.png is kept" in back.text
    again = await browser.send(back, COMPANY, FIELDS | {"city": "Dallas"})
    assert value_of(again, "first_name") == "Patty"
    assert "mark.png" in again.text
    done = await browser.send(again, PERSON, PERSON_FIELDS)
    assert done.url.path == "/private/register/done"


async def test_the_persons_faults_come_at_once_and_the_company_is_kept(town: House, office: Office) -> None:
    browser = town.client()
    page = await browser.send(
        await second_page(browser), PERSON, {"user_id": "a/b", "email": "nobody", "middle_initial": "AB"}
    )
    assert page.status_code == 422
    assert list(faults_of(page)) == [
        "first_name",
        "middle_initial",
        "last_name",
        "email",
        "email_again",
        "user_id",
        "terms",
    ]
    assert await office.rows(companies, name="Pecan Power") == []
    assert (await browser.send(page, PERSON, PERSON_FIELDS)).url.path == "/private/register/done"


async def test_what_somebody_else_has_leads_back_to_the_field(town: House, office: Office) -> None:
    browser = town.client()
    page = await browser.send(await second_page(browser), PERSON, PERSON_FIELDS | {"user_id": "REP.USER"})
    assert faults_of(page) == {"user_id": "This user ID is taken. Please choose another."}
    page = await browser.send(
        await second_page(browser, name="lone star power", duns="111111111"), PERSON, PERSON_FIELDS
    )
    assert "Your company" in page.text
    found = faults_of(page)
    assert found["name"] == "A company of this name is registered already. To join it, request access to it."
    assert found["duns"].startswith("111111111: registered already.")
    assert await office.rows(accounts, user_key="pat.pecan") == []


@pytest.mark.parametrize("kind", [Kind.TDSP, Kind.THIRD_PARTY, Kind.ERCOT, Kind.PUCT])
async def test_every_kind_of_company_can_register(town: House, office: Office, kind: Kind) -> None:
    browser = town.client()
    needs_numbers = kind is Kind.TDSP
    page = await browser.send(await first_page(browser, kind), COMPANY, FIELDS | {"duns": ""})
    assert ("duns" in faults_of(page)) is needs_numbers
    if needs_numbers:
        page = await browser.send(page, COMPANY, FIELDS)
    done = await browser.send(page, PERSON, PERSON_FIELDS)
    assert "operating team answers" in done.text
    assert (await office.row(companies, name="Pecan Power")).kind is kind


@pytest.mark.parametrize("kind", ["customer", "operator", "../", ""])
async def test_nobody_registers_as_anything_else(town: House, kind: str) -> None:
    browser = town.client()
    assert (await first_page(browser, kind)).status_code == 404
    assert (await browser.http.post(COMPANY, data=FIELDS | {"kind": kind})).status_code == 404
    assert (await browser.get(f"{ACCESS}?kind={kind}")).status_code == 404


async def test_hidden_fields_that_were_changed_are_judged_again(town: House, office: Office) -> None:
    browser = town.client()
    page = await second_page(browser)
    svg = base64.b64encode(b"<svg onload=alert(1)>").decode()
    for logo, also in (("", []), ("!", ["logo"]), ("A" * 50_000, []), (svg, ["logo"])):
        spoilt = await browser.send(page, PERSON, PERSON_FIELDS | {"logo_kept": logo, "company-zip": "nothing\x00"})
        assert list(faults_of(spoilt)) == ["zip", *also], logo[:10]
        assert "is kept" not in spoilt.text or not also
    spoilt = await browser.send(page, PERSON, PERSON_FIELDS | {"company-name": "x" * 500, "company-state": "ZZ"})
    assert list(faults_of(spoilt)) == ["name", "state"]
    assert await office.rows(companies, email="desk@pecan.example") == []


async def test_a_form_of_another_site_is_refused(town: House) -> None:
    foreign = {"Origin": "https://evil.example"}
    for path in (COMPANY, PERSON, ASK):
        assert (await town.client().http.post(path, data={"kind": "rep"}, headers=foreign)).status_code == 403


async def test_too_many_registrations_from_one_address_are_told_to_come_later(town: House, office: Office) -> None:
    browser = town.client()
    company = (await office.row(companies, name="Lone Star Power")).id
    page = await browser.get(f"{ASK}?company={company}&role=user")
    for number in range(MOST_REGISTRATIONS):
        sent = await browser.send(page, ASK, PERSON_FIELDS | {"user_id": f"person.{number}"})
        assert sent.url.path == "/private/register/done"
    late = await browser.send(page, ASK, PERSON_FIELDS | {"user_id": "person.late"})
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    assert value_of(late, "user_id") == "person.late"
    assert await office.rows(accounts, user_key="person.late") == []


async def test_images_are_decoded_so_often_and_no_more(town: House) -> None:
    browser = town.client()
    for _ in range(MOST_SEARCHES):
        assert "mark.png" in (await second_page(browser, image())).text
    late = await second_page(browser, image())
    assert faults_of(late) == {"logo": "Too many of these came from your address. Please come again later."}


async def test_access_is_asked_for_a_company_that_was_found_and_chosen(town: House, office: Office) -> None:
    browser = town.client()
    found = await browser.get(f"{ACCESS}?name=lone*")
    company = (await office.row(companies, name="Lone Star Power")).id
    assert f'name="company" value="{company}" checked' in found.text
    page = await browser.get(f"{ASK}?kind=rep&name=lone*&company={company}&role=administrator")
    assert "Request Access to Lone Star Power" in page.text
    done = await browser.send(page, ASK, PERSON_FIELDS)
    assert "Your request is sent" in done.text
    row = await office.row(accounts, user_key="pat.pecan")
    assert (row.status, row.administrator, row.company_id) == ("pending", True, company)


async def test_without_a_choice_the_search_comes_back_and_says_so(town: House) -> None:
    page = await town.client().get(f"{ASK}?kind=rep&letter=B&role=user")
    assert faults_of(page) == {"company-1": "Select the company that you wish to access"}
    assert page.status_code == 422
    page = await town.client().get(f"{ASK}?kind=rep&company=999999999&role=user")
    assert "Find the company" in page.text


@pytest.mark.parametrize("query", ["name=*", "name=a*", "name=a*b*c", "name=", "letter=ab", "letter=%25"])
async def test_a_search_that_cannot_be_is_told_why(town: House, query: str) -> None:
    page = await town.client().get(f"{ACCESS}?{query}")
    assert page.status_code == 422
    assert list(faults_of(page)) == ["name"]


async def test_who_is_not_found_is_told_what_to_do_next(town: House) -> None:
    page = await town.client().get(f"{ACCESS}?letter=Z")
    assert "No REP company begins with Z." in page.text
    assert f'href="{COMPANY}?kind=rep"' in page.text
