"""A customer's way in a real browser: register, sign in, add the meter, see its usage; by axe, in both colours."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page, expect
from sqlalchemy import select

from portal.mail.tables import letters
from tests.portal.pages.real_browser import sign_in
from tests.portal.pages.test_in_chromium import Stage, stage
from tests.portal.usage.files import meter_day
from tests.portal.world import esi

__all__ = ["stage"]

TEMPORARY = re.compile(r"^    ([a-z2-7]{16})$", re.MULTILINE)
OWN = "Otter-42-Mauve"
WAYS = pytest.mark.parametrize(
    "stage",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"java_script_enabled": False}],
    indirect=True,
    ids=["light", "dark", "without JavaScript"],
)


async def letter_to(stage: Stage, address: str) -> str:
    async with stage.house.database.reading() as connection:
        found = select(letters.c.text).where(letters.c.recipient == address).order_by(letters.c.id.desc())
        return str(await connection.scalar(found.limit(1)))


class Inspector:
    """Looks at pages by axe, where the browser runs scripts."""

    def __init__(self, page: Page, *, scripts: bool) -> None:
        self._page = page
        self._scripts = scripts
        self.found: dict[str, str] = {}

    async def look(self, name: str) -> None:
        """Look at the page as it stands."""
        if self._scripts:
            result = await Axe().run(self._page)
            if result.violations_count:
                self.found[name] = result.generate_report()


async def fill_in(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        await page.fill(f"#{name}", value)


@WAYS
async def test_a_customer_registers_signs_in_adds_the_meter_and_sees_its_usage(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    scripts = request.node.callspec.params["stage"].get("java_script_enabled", True)
    await stage.context.clear_cookies()
    page = await stage.open("/")
    axe = Inspector(page, scripts=scripts)
    await page.click("text=Register as a customer")
    await page.wait_for_url("**/register")
    await axe.look("register")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_contain_text("Enter your first name.")
    await axe.look("register refused")
    await page.check("input[name=kind][value=residential]")
    await fill_in(page, first_name="Ana", last_name="Lopez", email="ana@home.example", email_again="ana@home.example")
    await page.fill("#user_id", "ana.lopez")
    await page.check("#terms")
    await page.click("main button.main")
    await page.wait_for_url("**/register/done")
    await axe.look("registered")
    password = TEMPORARY.search(await letter_to(stage, "ana@home.example"))
    assert password is not None
    await page.goto(stage.address)
    await fill_in(page, user_id="ana.lopez", password=password[1])
    await page.click("main button.main")
    await page.wait_for_url("**/first-sign-in")
    await fill_in(page, new_password=OWN, password_again=OWN, security_answer="Beetle")
    await page.select_option("#security_question", "first_car")
    await page.click("main button.main")
    await page.wait_for_url("**/usage/meters")
    await expect(page.locator("main")).to_contain_text("No meter is attached to your account.")
    await page.click("main >> text=Add a meter")
    await page.wait_for_url("**/account/meters/add")
    await axe.look("add")
    await fill_in(page, esi_id=esi(2), meter_number="M00003")
    await page.click("text=Add the meter >> nth=0")
    await expect(page.locator("#problem")).to_contain_text("not yet provisioned")
    await axe.look("add refused")
    await page.fill("#meter_number", "M00002")
    await page.click("text=Add the meter >> nth=0")
    await page.wait_for_url("**/account/meters?done=added")
    await expect(page.locator("main")).to_contain_text("The meter is attached to your account.")
    await axe.look("my meters")
    await stage.house.report(meter_day((250,) * 96, meter=esi(2)))
    await page.click("text=2 Elm St")
    await page.wait_for_url(f"**/usage/meters/{esi(2)}")
    await expect(page.locator("#daily-usage")).to_contain_text("24.000 kWh")
    await page.goto(f"{stage.address}/usage/meters/{esi(2)}/remove")
    await axe.look("remove")
    await page.goto(f"{stage.address}/companies?letter=L")
    await expect(page.locator("main")).to_contain_text("Lone Star Business")
    await axe.look("companies")
    assert axe.found == {}
    assert [told for told in stage.complaints if "Failed to load resource" not in told] == []


@WAYS
async def test_a_rep_asks_for_a_release_and_the_tdsp_gives_it(stage: Stage, request: pytest.FixtureRequest) -> None:
    scripts = request.node.callspec.params["stage"].get("java_script_enabled", True)
    page = await stage.open(f"/usage/meters/{esi(1)}")
    axe = Inspector(page, scripts=scripts)
    await expect(page.locator("#holder")).to_contain_text("maria.customer@example.com")
    await page.click("text=Attached in error?")
    await axe.look("holder")
    await page.fill("#comment", "The tenant moved out.")
    await page.click("text=Ask the TDSP to release this meter")
    await expect(page.locator("#holder")).to_contain_text("It waits for the TDSP.")
    await axe.look("asked")
    await sign_in(stage.context, stage.address, "wires.admin")
    await page.goto(f"{stage.address}/releases")
    await expect(page.locator("main")).to_contain_text("The tenant moved out.")
    await axe.look("releases")
    await page.click("main td >> text=Answer")
    await page.wait_for_url(re.compile(r"/releases/[0-9]+$"))
    await axe.look("release")
    await page.check("input[name=release][value=yes]")
    await page.click("main button.main")
    await page.wait_for_url("**/releases?done=released")
    await expect(page.locator("main")).to_contain_text("No request waits.")
    await axe.look("no releases")
    assert "was removed from your account" in await letter_to(stage, "maria.customer@example.com")
    assert axe.found == {}
    assert [told for told in stage.complaints if "Failed to load resource" not in told] == []
