"""Guide 2 on the pages: the private entry, the two pages of a new company, and the search for one that is there."""

import re

import httpx
import pytest

from portal.accounts.tables import accounts
from portal.companies.tables import companies
from tests.portal.pages.house import Browser, House, faults_of
from tests.portal.people.stand import Office, company_form, person_form

START, COMPANY, PERSON = "/private/register", "/private/register/company", "/private/register/person"
ACCESS, ASK = "/private/register/access", "/private/register/access/person"
FIELDS = {name: value for name, value in company_form().model_dump().items() if isinstance(value, str)} | {
    "duns": "777777777"
}
PERSON_FIELDS = {name: value for name, value in person_form().model_dump().items() if isinstance(value, str)} | {
    "terms": "yes"
}


async def registered(browser: Browser) -> httpx.Response:
    """What Finish shows behind both pages."""
    first = await browser.get(f"{COMPANY}?kind=rep")
    return await browser.send(await browser.send(first, COMPANY, FIELDS), PERSON, PERSON_FIELDS)


def links(page: httpx.Response) -> dict[str, str]:
    """The addresses that a page's words lead to."""
    return {words: href for href, words in re.findall(r'<a [^>]*href="([^"]+)"[^>]*>([^<]+)</a>', page.text)}


def companies_in(page: httpx.Response) -> list[str]:
    """The companies that can be selected."""
    return re.findall(r'<label for="company-\d+">([^<]+?)(?: <small|<)', page.text)


async def test_ent_02_and_ent_03_companies_register_at_the_private_entry_point_alone(town: House) -> None:
    """ENT-02, ENT-03: "go to the SMT website's private entry point for REPs, Third-Parties and TDSPs"."""
    browser = town.client()
    assert START in links(await browser.get("/private")).values()
    assert not [href for href in links(await browser.get("/")).values() if href.startswith(START)]
    page = await browser.get(START)
    for kind in ("rep", "tdsp", "third_party"):
        assert f"{COMPANY}?kind={kind}" in links(page).values()


async def test_reg_06_both_names_of_a_company_are_shown_and_found(town: House) -> None:
    """REG-06: "If you registered your DUNS number in ERCOT with a different company name, both company names will be
    displayed"."""
    for name in ("Lone Star P*", "Lone Star B*"):
        page = await town.client().get(f"{ACCESS}?name={name}")
        assert companies_in(page) == ["Lone Star Power"]
        assert "at ERCOT: Lone Star Business" in page.text


async def test_reg_07_the_pages_follow_each_other_as_the_guide_says(town: House, clerk: Office) -> None:
    """REG-07: "Click 'New User Register'", "Click 'Create a New REP Account' link", "Click 'Next' button", "Click
    'Finish' button"."""
    browser = town.client()
    page = await browser.get(links(await browser.get("/private"))["New User Register"])
    page = await browser.get(links(page)["Create a New REP Account"])
    assert ">Next</button>" in page.text
    page = await browser.send(page, COMPANY, FIELDS)
    assert ">Finish</button>" in page.text
    assert await clerk.company_status("Pecan Power") is None
    page = await browser.send(page, PERSON, PERSON_FIELDS)
    assert page.url.path == "/private/register/done"
    assert await clerk.company_status("Pecan Power") == "pending"


async def test_reg_10_11_and_reg_12_a_page_begins_with_texas_and_asks_for_a_phone(town: House) -> None:
    """REG-10, REG-11, REG-12: "The default state is TX (Texas)", "The default country is United States", "Enter the
    preferred contact phone number for your Company"."""
    browser = town.client()
    page = await browser.get(COMPANY)
    assert '<option value="TX" selected>Texas</option>' in page.text
    assert '<option value="United States" selected>' in page.text
    refused = await browser.send(page, COMPANY, FIELDS | {"phone": ""})
    assert list(faults_of(refused)) == ["phone"]


async def test_reg_25_finish_shows_a_confirmation(town: House, clerk: Office) -> None:
    """REG-25: "If all required fields have been entered successfully, a confirmation will be displayed."."""
    page = await registered(town.client())
    assert "Your company is registered" in page.text
    assert "You get mail with the answer and, if it is yes, with the way to sign in" in page.text
    assert (await clerk.row(accounts, user_key="pat.pecan")).password_hash is None


async def test_reg_28_a_letter_lists_all_names_that_begin_with_it(town: House) -> None:
    """REG-28: "Select a letter to display all REP Company names that begin with that letter."."""
    browser = town.client()
    page = await browser.get(ACCESS)
    found = {words: href for words, href in links(page).items() if len(words) == 1}
    assert "".join(found) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    for letter, names in (("B", ["Bluebonnet Energy"]), ("L", ["Lone Star Power"]), ("H", [])):
        listed = await browser.get(found[letter].replace("&amp;", "&"))
        assert companies_in(listed) == names, letter


@pytest.mark.parametrize(
    ("button", "role", "administrator"), [("Admin", "administrator", True), ("User", "user", False)]
)
async def test_reg_29_one_company_is_selected_and_one_registers_as_an_admin_or_a_user(
    town: House, clerk: Office, button: str, role: str, administrator: bool
) -> None:
    """REG-29: "Select the REP Company that you wish to access." "Click 'Register as an Admin' button or 'Register as a
    User' button"."""
    browser = town.client()
    page = await browser.get(f"{ACCESS}?name=lone*")
    assert re.search(rf'name="role" value="{role}">Register as an? {button}</button>', page.text)
    company = (await clerk.row(companies, name="Lone Star Power")).id
    page = await browser.get(f"{ASK}?company={company}&role={role}")
    await browser.send(page, ASK, PERSON_FIELDS)
    assert (await clerk.row(accounts, user_key="pat.pecan")).administrator is administrator


async def test_reg_30_a_request_is_confirmed_and_its_administrators_are_told(town: House, clerk: Office) -> None:
    """REG-30: "You will receive a confirmation screen. An email will be sent to the Administrators of the existing
    Company notifying them of your request."."""
    browser = town.client()
    company = (await clerk.row(companies, name="Lone Star Power")).id
    page = await browser.send(await browser.get(f"{ASK}?company={company}&role=user"), ASK, PERSON_FIELDS)
    assert "Your request is sent" in page.text
    assert "The company and its administrators have been told of your request." in page.text
    (told,) = await clerk.mail("rep.admin@example.com")
    assert "asks for access to Lone Star Power as a user" in told.text
    refused = await browser.sign_in("pat.pecan", "anything at all")
    assert refused.status_code == 401


async def test_nav_07_required_fields_carry_an_asterisk_on_both_pages(town: House) -> None:
    """NAV-07: "* First Name:" (figure 48), and so does every field that the procedure calls required."""
    browser = town.client()
    first = await browser.get(COMPANY)
    second = await browser.send(first, COMPANY, FIELDS)
    starred = re.compile(r'<label for="([^"]+)">[^<]+ <span class="must" aria-hidden="true">\*</span>')
    address = ["name", "address_1", "city", "state", "zip", "country"]
    assert starred.findall(first.text) == [*address, "phone", "email", "email_again", "duns"]
    assert starred.findall(second.text) == ["first_name", "last_name", "email", "email_again", "user_id", "terms"]
    assert 'id="first_name-tip">You must provide your first name.<' in second.text
