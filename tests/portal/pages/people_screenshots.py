"""Pictures of the pages of companies and people, for the documents; screenshots.py makes them with its own."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page

from portal.companies.kinds import Kind
from portal.registration.access_request import AskedRole
from portal.seed import SeedAccount, SeedCompany, SeedDuns, SeedWorld
from tests.portal.pages.house import House
from tests.portal.pages.real_browser import sign_in
from tests.portal.people.stand import Office, company_form, person_form
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, PASSWORD

COLLEAGUES = (("lee.nguyen", "Lee", "Nguyen"), ("ruth.castillo", "Ruth", "Castillo"), ("omar.haddad", "Omar", "Haddad"))
Shoot = Callable[[Page, Path, str], Awaitable[None]]


def with_people(world: SeedWorld) -> SeedWorld:
    """The pictured world with an operating team, and colleagues at its retailer."""
    team = SeedCompany(name="Operating team", kind=Kind.OPERATOR, email="desk@metergate.example")
    accounts = [
        SeedAccount(
            user_id=user,
            password=PASSWORD,
            first_name=first,
            last_name=last,
            email=f"{user}@bluebonnet.example",
            company="Bluebonnet Power",
            duns=(LONE_STAR,),
        )
        for user, first, last in COLLEAGUES
    ]
    lead = SeedAccount(
        user_id="erin.cole",
        password=PASSWORD,
        first_name="Erin",
        last_name="Cole",
        email="erin.cole@metergate.example",
        company="Operating team",
        administrator=True,
    )
    companies = tuple(
        replace(each, duns=(*each.duns, SeedDuns(duns=LONE_STAR_SECOND))) if each.name == "Bluebonnet Power" else each
        for each in world.companies
    )
    return replace(world, companies=(*companies, team), accounts=(*world.accounts, *accounts, lead))


async def people_pictures(browser: Browser, house: House, address: str, folder: Path, shoot: Shoot) -> None:
    """The pages of registration, approval and administration."""
    office = Office.over(house.database, house.clock)
    joe = person_form("joe.alvarez", first_name="Joe", last_name="Alvarez")
    await office.asked(company="Bluebonnet Power", form=joe)
    ivy = person_form("ivy.brandt", first_name="Ivy", last_name="Brandt")
    asked = await office.asked(company="Bluebonnet Power", role=AskedRole.ADMINISTRATOR, form=ivy)
    new = await office.registered(company=company_form(url="https://www.pecan.example"))
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    await _public(context, address, folder, shoot)
    places = {
        "dana.whitfield": {
            "pending": "/account/pending",
            "pending-one": f"/account/pending/{asked - 1}",
            "users": "/account/users",
            "user-edit": "/account/users/4",
            "users-suspend": "/account/users/suspend?chosen=4&chosen=5",
            "company-profile": "/account/company",
            "company-edit": "/account/company/edit",
            "company-audit": "/account/company/audit",
        },
        "sam.ortega": {
            "company-requests": "/market/requests",
            "company-request": f"/market/requests/{new.company_id}",
            "duns-requests": "/market/duns",
        },
        "erin.cole": {"companies": "/market/companies", "company": "/market/companies/1"},
    }
    for user_id, pages in places.items():
        await sign_in(context, address, user_id)
        page = await context.new_page()
        for name, path in pages.items():
            await page.goto(address + path)
            await shoot(page, folder, name)
        await page.close()
    await _small_and_dark(context, address, folder, shoot)
    await context.close()


async def _public(context: BrowserContext, address: str, folder: Path, shoot: Shoot) -> None:
    page = await context.new_page()
    for name, path in (
        ("register", "/private/register"),
        ("register-company", "/private/register/company"),
        ("access-search", "/private/register/access?letter=B"),
        ("register-done", "/private/register/done"),
    ):
        await page.goto(address + path)
        await shoot(page, folder, name)
    await page.goto(f"{address}/private/register/company")
    await page.click("text=Next")
    await page.wait_for_selector("#problem")
    await shoot(page, folder, "register-company-problem")
    fields = company_form(name="Prairie Light").model_dump()
    fields["duns"] = "888888888"
    for name in ("name", "address_1", "city", "zip", "phone", "email", "email_again", "duns"):
        await page.fill(f"#{name}", fields[name])
    await page.click("text=Next")
    await page.wait_for_selector("#first_name")
    await shoot(page, folder, "register-person")
    await page.close()


async def _small_and_dark(context: BrowserContext, address: str, folder: Path, shoot: Shoot) -> None:
    await sign_in(context, address, "dana.whitfield")
    page = await context.new_page()
    await page.emulate_media(color_scheme="dark")
    for name, path in (("users-dark", "/account/users"), ("company-edit-dark", "/account/company/edit")):
        await page.goto(address + path)
        await shoot(page, folder, name)
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 375, "height": 800})
    for name, path in (
        ("pending-phone", "/account/pending"),
        ("users-phone", "/account/users"),
        ("company-profile-phone", "/account/company"),
        ("register-company-phone", "/private/register/company"),
    ):
        await page.goto(address + path)
        await shoot(page, folder, name)
    await page.close()
