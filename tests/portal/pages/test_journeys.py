"""Whole journeys in a real browser: a company registers, is approved, a colleague joins, is suspended, comes back."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import BrowserContext, FilePayload, Page, expect

from portal.accounts.tables import accounts
from tests.portal.pages.house import House, open_house
from tests.portal.pages.real_browser import ShiftedClock, chromium, served, sign_in
from tests.portal.people.images import image
from tests.portal.people.stand import TEAM_WORLD, Office, company_form, person_form
from tests.portal.world import LONE_STAR_SECOND

REGISTER = "/private/register"
COMPANY_TEXTS = ("name", "address_1", "city", "zip", "phone", "email", "email_again")
PERSON_TEXTS = ("first_name", "last_name", "email", "email_again", "user_id")
OWN = "Otter-42-Mauve"
TEMPORARY = re.compile(r"\b[a-z2-7]{16}\b")


@dataclass(frozen=True, slots=True)
class Stage:
    """A served town, a browser's context, and where pictures go; whatever goes wrong in the browser is kept."""

    house: House
    office: Office
    address: str
    context: BrowserContext
    folder: Path
    complaints: list[str]

    async def open(self, path: str) -> Page:
        """A new tab, on a page that has come."""
        page = await self.context.new_page()
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self.address + path)
        return page

    async def as_somebody(self, user_id: str, path: str) -> Page:
        """A new tab of somebody who signs in."""
        await sign_in(self.context, self.address, user_id)
        return await self.open(path)

    async def shoot(self, page: Page, name: str) -> None:
        """A picture under the test's folder."""
        await page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    async def first_sign_in(self, user_id: str) -> Page:
        """With the temporary password of the last letter, then a password of one's own."""
        person = await self.office.row(accounts, user_key=user_id)
        letter = (await self.office.mail(person.email))[-1].text
        found = TEMPORARY.search(letter)
        assert found is not None, letter
        await self.context.clear_cookies(name="metergate")
        page = await self.open("/private")
        await page.fill("#user_id", user_id)
        await page.fill("#password", found[0])
        await page.click("main button.main")
        await page.wait_for_url("**/first-sign-in")
        await page.fill("#new_password", OWN)
        await page.fill("#password_again", OWN)
        await page.select_option("#security_question", "first_pet")
        await page.fill("#security_answer", "Rex")
        await page.click("main button.main")
        await page.wait_for_url(lambda url: "first-sign-in" not in url)
        return page


@pytest.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The town; parametrise it indirectly with options of the browser's context."""
    clock = ShiftedClock()
    async with (
        open_house(tmp_path, clock, TEAM_WORLD) as house,
        served(house) as address,
        chromium() as browser,
    ):
        context = await browser.new_context(**getattr(request, "param", {}))
        context.set_default_timeout(10_000)
        yield Stage(house, Office.over(house.database, clock), address, context, tmp_path, [])
        await context.close()


async def fill(page: Page, form: object, names: tuple[str, ...]) -> None:
    """Type the fields of a form without faults."""
    for name in names:
        await page.fill(f"#{name}", getattr(form, name))


async def register_company(stage: Stage) -> None:
    """Both pages, with a fault on each, and once back."""
    page = await stage.open("/private")
    await page.click("text=New User Register")
    await page.wait_for_url(f"**{REGISTER}")
    await page.click("text=Create a New REP Account")
    await page.wait_for_url("**/company?kind=rep")
    await fill(page, company_form(), COMPANY_TEXTS)
    logo: FilePayload = {"name": "mark.png", "mimeType": "image/png", "buffer": image()}
    await page.set_input_files("#logo", files=[logo])
    await page.click("text=Next")
    await expect(page.locator("#problem")).to_contain_text("Enter at least one DUNS number")
    await expect(page).to_have_title(re.compile("^Error: "))
    await stage.shoot(page, "company-with-a-fault")
    await expect(page.locator("#name")).to_have_value("Pecan Power")
    await page.fill("#duns", "777777777")
    await page.click("text=Next")
    await expect(page.locator("#first_name")).to_be_visible()
    await expect(page.locator(".carried")).to_contain_text("mark.png")
    await page.fill("#first_name", "Pat")
    await page.click("text=Back")
    await expect(page.locator("#name")).to_have_value("Pecan Power")
    await page.click("text=Next")
    await expect(page.locator("#first_name")).to_have_value("Pat")
    await fill(page, person_form(), PERSON_TEXTS)
    await page.click("text=Finish")
    await expect(page.locator("#problem")).to_contain_text("Accept the Terms and Conditions to register.")
    await page.check("#terms")
    await stage.shoot(page, "person")
    await page.click("text=Finish")
    await page.wait_for_url("**/register/done?of=rep")
    await expect(page.locator("h1")).to_have_text("Your company is registered")
    await stage.shoot(page, "company-registered")
    await page.close()


async def approve_company(stage: Stage) -> None:
    """A TDSP's administrator approves it."""
    page = await stage.as_somebody("wires.admin", "/market/requests")
    await stage.shoot(page, "company-requests")
    await page.check("#chosen")
    await page.click("text=Approve")
    await page.wait_for_url("**/market/requests?done=companies-approved")
    await expect(page.locator(".note.good")).to_contain_text("Approved.")
    await expect(page.locator(".empty")).to_contain_text("No company waits for approval.")
    await page.close()


async def ask_for_access(stage: Stage) -> None:
    """A colleague finds the company and asks."""
    await stage.context.clear_cookies(name="metergate")
    page = await stage.open(REGISTER)
    await page.click("text=Request Access to an Existing REP Account")
    await page.wait_for_url("**/access?kind=rep")
    await page.fill("#name", "pecan*")
    await page.click("main button:has-text('Search')")
    await page.wait_for_url("**/access?kind=rep&name=pecan*")
    await stage.shoot(page, "company-found")
    await page.click("text=Register as a User")
    await page.wait_for_url("**/access/person?**")
    await fill(page, person_form("cole.pecan", first_name="Cole"), PERSON_TEXTS)
    await page.check("#terms")
    await page.click("text=Finish")
    await page.wait_for_url("**/register/done?of=access")
    await page.close()


async def approve_with_permissions(stage: Stage, page: Page) -> None:
    """The company's administrator chooses what the colleague may."""
    await page.goto(f"{stage.address}/account/pending")
    await page.check("#chosen")
    await stage.shoot(page, "pending")
    await page.click("text=Edit Permissions")
    await expect(page.locator("h1")).to_have_text("Cole Pecan")
    await page.check("#duns")
    await page.check("#home_devices")
    await page.select_option("#access", "approve")
    await page.fill("#comment", "Welcome to Pecan Power.")
    await stage.shoot(page, "edit-permissions")
    await page.click("text=Save Account")
    await page.wait_for_url("**/account/pending?done=account-approved")
    await expect(page.locator(".note.good")).to_be_visible()


async def choose(page: Page, name: str, button: str) -> None:
    """Tick somebody in the account list and push a button under it."""
    await page.check(f"tr:has-text('{name}') input[type=checkbox]")
    await page.click(f".act button:has-text('{button}')")


async def whole_journey(stage: Stage) -> None:
    """From a company that nobody knows to a colleague who was suspended and is back."""
    await register_company(stage)
    await approve_company(stage)
    admin = await stage.first_sign_in("pat.pecan")
    await expect(admin.locator("nav.tabs")).to_be_visible()
    await ask_for_access(stage)
    await stage.context.clear_cookies(name="metergate")
    admin = await stage.open("/private")
    await admin.fill("#user_id", "pat.pecan")
    await admin.fill("#password", OWN)
    await admin.click("main button.main")
    await admin.wait_for_url("**/usage/meters")
    await approve_with_permissions(stage, admin)
    await (await stage.first_sign_in("cole.pecan")).close()
    assert await stage.office.status("cole.pecan") == "active"
    await suspend_and_reinstate(stage)
    assert await stage.office.company_status("Pecan Power") == "active"


async def suspend_and_reinstate(stage: Stage) -> None:
    """The administrator bars the colleague, who is out at once, and lets him in again."""
    colleague = await stage.open("/account/company")
    await expect(colleague.locator("h1")).to_have_text("Pecan Power")
    assert stage.context.browser is not None
    other = await stage.context.browser.new_context()
    page = await other.new_page()
    await page.goto(stage.address)
    await page.fill("#user_id", "pat.pecan")
    await page.fill("#password", OWN)
    await page.click("main button.main")
    await page.wait_for_url("**/usage/meters")
    await page.goto(f"{stage.address}/account/users")
    await stage.shoot(page, "users")
    await choose(page, "Cole", "Suspend")
    await expect(page.locator("h1")).to_have_text("Suspend accounts")
    await page.fill("#comment", "On leave.")
    await page.click("main button.bad")
    await page.wait_for_url("**/account/users?done=accounts-suspended")
    await expect(page.locator("tr:has-text('Cole') .tag")).to_have_text("Suspended")
    await colleague.goto(f"{stage.address}/account/company")
    await expect(colleague.locator("#password")).to_be_visible()
    await choose(page, "Cole", "Reinstate")
    await page.wait_for_url("**/account/users?done=accounts-reinstated")
    await expect(page.locator("tr:has-text('Cole') .tag")).to_have_text("Active")
    await stage.shoot(page, "users-reinstated")
    await other.close()


async def test_a_company_registers_and_its_people_are_looked_after(stage: Stage) -> None:
    await whole_journey(stage)
    # A form that comes back with its faults has the status 422, which Chromium notes as a failure to load.
    assert [each for each in stage.complaints if "422" not in each] == []
    assert len(list(stage.folder.glob("*.png"))) >= 9


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
async def test_the_whole_journey_goes_without_javascript(stage: Stage) -> None:
    await whole_journey(stage)


async def waiting_things(stage: Stage) -> dict[str, dict[str, str]]:
    """Something in every queue, and the pages of everybody who looks after something."""
    asked = await stage.office.asked(form=person_form("cole.pecan"))
    new = await stage.office.registered()
    user = (await stage.office.row(accounts, user_key="rep.user")).id
    return {
        "rep.admin": {
            "pending": "/account/pending",
            "nothing chosen": "/account/pending/edit",
            "request": f"/account/pending/{asked}",
            "decline": f"/account/pending/decline?chosen={asked}",
            "users": "/account/users",
            "users searched": "/account/users?first_name=*&letter=D",
            "user": f"/account/users/{user}",
            "suspend": f"/account/users/suspend?chosen={user}",
            "profile": "/account/company?done=profile-saved",
            "profile edited": "/account/company/edit",
            "audit": "/account/company/audit",
        },
        "wires.admin": {
            "company requests": "/market/requests",
            "company request": f"/market/requests/{new.company_id}",
            "duns requests": "/market/duns",
        },
        "team.admin": {
            "companies": "/market/companies",
            "company": "/market/companies/1",
            "company suspended": "/market/companies/1/suspend",
            "market audit": "/market/audit",
            "another's account": f"/account/users/{user}",
        },
    }


PUBLIC = {
    "register": REGISTER,
    "company": f"{REGISTER}/company",
    "search": f"{REGISTER}/access",
    "found": f"{REGISTER}/access?letter=B",
    "search refused": f"{REGISTER}/access?name=*",
    "not found": f"{REGISTER}/access?letter=Z",
    "person": f"{REGISTER}/access/person?company=1&role=user",
    "done": f"{REGISTER}/done",
}


async def every_page(stage: Stage) -> AsyncIterator[tuple[str, Page]]:
    """Each page of companies and people, once it has come; the pages with faults among them."""
    page = await stage.open(REGISTER)
    for name, path in PUBLIC.items():
        await page.goto(stage.address + path)
        yield name, page
    await page.goto(f"{stage.address}{REGISTER}/company")
    await page.click("text=Next")
    await expect(page.locator("#problem")).to_be_visible()
    yield "company refused", page
    await fill(page, company_form(name="Prairie Light"), COMPANY_TEXTS)
    await page.fill("#duns", "888888888")
    await page.click("text=Next")
    await expect(page.locator("#first_name")).to_be_visible()
    await page.click("text=Finish")
    await expect(page.locator("#problem")).to_be_visible()
    yield "person refused", page
    for user_id, paths in (await waiting_things(stage)).items():
        page = await stage.as_somebody(user_id, "/help")
        for name, path in paths.items():
            await page.goto(stage.address + path)
            yield f"{user_id}: {name}", page


@pytest.mark.parametrize("stage", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True)
async def test_axe_finds_nothing_on_any_page_of_companies_and_people(stage: Stage) -> None:
    axe, found = Axe(), {}
    async for name, page in every_page(stage):
        found[name] = await axe.run(page)
    assert len(found) == len(PUBLIC) + 2 + 19
    assert {name: result.generate_report() for name, result in found.items() if result.violations_count} == {}


@pytest.mark.parametrize("stage", [{"viewport": {"width": 375, "height": 700}}], indirect=True)
async def test_no_page_of_companies_and_people_scrolls_sideways_on_a_phone(stage: Stage) -> None:
    wide = {}
    async for name, page in every_page(stage):
        wide[name] = await page.evaluate("document.documentElement.scrollWidth")
    assert {name: width for name, width in wide.items() if width > 375} == {}


async def test_what_is_wrong_takes_the_focus_and_its_links_lead_to_the_fields(stage: Stage) -> None:
    page = await stage.open(f"{REGISTER}/company")
    await page.focus("#name")
    await page.keyboard.press("Enter")
    await expect(page.locator("#problem")).to_be_focused()
    await page.click("#problem >> text=Enter at least one DUNS number")
    await expect(page.locator("#duns")).to_be_focused()


async def test_a_request_is_approved_by_keyboard_alone(stage: Stage) -> None:
    await stage.office.asked()
    page = await stage.as_somebody("rep.admin", "/account/pending")
    await page.focus("#chosen")
    await page.keyboard.press("Space")
    for _ in range(5):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent") == "Approve":
            break
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account/pending?done=account-approved")
    assert await stage.office.status("pat.pecan") == "approved"


async def test_a_profile_that_somebody_saved_meanwhile_keeps_what_was_typed(stage: Stage) -> None:
    first = await stage.as_somebody("rep.admin", "/account/company/edit")
    second = await stage.open("/account/company/edit")
    for page, city in ((first, "Waco"), (second, "Dallas")):
        form = company_form(name="Lone Star Power", email="desk@lonestar.example", email_again="")
        await fill(page, form, COMPANY_TEXTS)
        await page.fill("#city", city)
    await first.check(f"text={LONE_STAR_SECOND}")
    await first.click("text=Save Profile")
    await first.wait_for_url("**/account/company?done=profile-saved")
    await second.click("text=Save Profile")
    await expect(second.locator("text=What is there now")).to_be_visible()
    await expect(second.locator("#city")).to_have_value("Dallas")
    await stage.shoot(second, "saved-meanwhile")
    await second.click("text=Save Profile")
    await second.wait_for_url("**/account/company?done=profile-saved")
