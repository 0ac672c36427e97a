"""Signing in and the own account in a real browser: passkeys, tips, without JavaScript, on a phone, and by axe."""

from datetime import timedelta

import pyotp
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page, expect
from sqlalchemy import update

from gateway.dice import SeededDice
from portal.accounts.credentials import Credentials, give
from portal.accounts.presets import Preset
from portal.accounts.status import AccountStatus
from portal.accounts.tables import accounts
from tests.portal.pages.real_browser import sign_in
from tests.portal.pages.test_in_chromium import Stage, stage
from tests.portal.world import CHEAP, PASSWORD, viewer

__all__ = ["stage"]

OPEN_PAGES: tuple[str, ...] = (
    "/",
    "/private",
    "/forgot-password",
    "/forgot-user-id",
    "/forgot-password/sent",
    "/forgot-user-id/sent",
)
OPEN_PAGES += ("/set-password?key=nothing",)
OWN_PAGES: tuple[str, ...] = (
    "/account/profile",
    "/account/profile/edit",
    "/account/profile/password",
    "/account/profile/question",
)
OWN_PAGES += ("/account/security", "/account/security/authenticator", "/account/security/remove")
DARK_AND_LIGHT = pytest.mark.parametrize(
    "stage", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True
)
WITHOUT_JAVASCRIPT = pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)


async def approve(stage: Stage, preset: Preset) -> str:
    """Approve rep.user anew; the secret of the temporary password or the link."""
    database, now = stage.house.database, stage.clock.now()
    credential = await Credentials(preset, CHEAP, SeededDice(5)).make()
    who = await viewer(database, "rep.user")
    fresh = update(accounts).where(accounts.c.id == who.account_id)
    fresh = fresh.values(status=AccountStatus.APPROVED, password_hash=None)
    await database.write(lambda connection: connection.execute(fresh))
    await database.write(lambda connection: give(connection, who.account_id, credential, now))
    return credential.secret


async def fill_in(page: Page, user_id: str, password: str) -> None:
    await page.fill("#user_id", user_id)
    await page.fill("#password", password)
    await page.click("main button.main")


@DARK_AND_LIGHT
async def test_axe_finds_nothing_on_the_pages_of_signing_in_and_of_the_own_account(stage: Stage) -> None:
    page, axe = await stage.open("/account/profile"), Axe()
    found = {}
    for path in OWN_PAGES:
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
    await page.goto(stage.address + "/account/profile/edit")
    await page.fill("#first_name", "")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_be_focused()
    found["edit refused"] = await axe.run(page)
    await page.goto(stage.address + "/account/security/authenticator")
    await page.fill("#current_password", PASSWORD)
    await page.click("main button.main")
    await expect(page.locator(".secret")).to_be_visible()
    found["secret"] = await axe.run(page)
    app = pyotp.TOTP((await page.inner_text(".secret")).replace(" ", ""))
    await page.fill("#code", app.generate_otp(int(stage.clock.now().timestamp()) // 30))
    await page.click("main button.main")
    await expect(page.locator("ol.codes li")).to_have_count(10)
    found["codes"] = await axe.run(page)
    await page.goto(stage.address + "/account/security")
    found["with a factor"] = await axe.run(page)
    await page.click("text=Sign out >> nth=0")
    temporary = await approve(stage, Preset.SMT)
    for path in OPEN_PAGES:
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
    await page.goto(stage.address + "/forgot-password")
    await page.fill("#user_id", "nobody.here")
    await page.click("main button.main")
    await expect(page.locator("#answer")).to_be_visible()
    found["question"] = await axe.run(page)
    await page.goto(stage.address)
    await fill_in(page, "rep.admin", PASSWORD)
    await expect(page.locator("#code")).to_be_visible()
    found["code"] = await axe.run(page)
    await page.goto(stage.address)
    await fill_in(page, "rep.user", temporary)
    await expect(page.locator("#new_password")).to_be_visible()
    found["first sign-in"] = await axe.run(page)
    await page.focus(".tip >> nth=0")
    found["tip"] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}
    assert [told for told in stage.complaints if "Failed to load resource" not in told] == []


async def test_a_passkey_is_added_and_signs_in(stage: Stage) -> None:
    address = stage.address.replace("127.0.0.1", "localhost")
    await sign_in(stage.context, address, "rep.user")
    page = await stage.context.new_page()
    device = await stage.context.new_cdp_session(page)
    await device.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    kind |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    await device.send("WebAuthn.addVirtualAuthenticator", {"options": kind})
    await page.goto(f"{address}/account/security")
    await page.click("text=Add a passkey")
    await page.fill("#name", "Laptop")
    await page.fill("#current_password", "wrong")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_contain_text("current password is not right")
    await page.fill("#current_password", PASSWORD)
    await page.click("main button.main")
    await expect(page.locator("ol.codes li")).to_have_count(10)
    await page.goto(f"{address}/account/security")
    await expect(page.locator("main")).to_contain_text("Laptop")
    await page.click("text=Sign out >> nth=0")
    await fill_in(page, "rep.user", PASSWORD)
    await expect(page.locator("h1")).to_have_text("Second factor")
    await page.click("text=Use a passkey")
    await page.wait_for_url("**/usage/meters")
    await page.goto(f"{address}/account/security")
    await expect(page.locator("main tbody >> nth=0")).not_to_contain_text("N/A")


async def test_a_passkey_that_does_not_sign_leads_nowhere(stage: Stage) -> None:
    address = stage.address.replace("127.0.0.1", "localhost")
    await sign_in(stage.context, address, "rep.user")
    page = await stage.context.new_page()
    await page.goto(f"{address}/account/security/passkeys")
    csrf = await page.get_attribute("main input[name=csrf]", "value")
    for credential in ("", "null", "{}", '{"rawId": "AAAA", "id": "AAAA", "type": "public-key", "response": {}}'):
        fields: dict[str, str | float | bool] = {
            "csrf": csrf or "",
            "current_password": PASSWORD,
            "credential": credential,
        }
        answer = await page.request.post(f"{address}/account/security/passkeys", form=fields)
        assert answer.status == 400, credential


async def test_a_tip_opens_at_the_focus_and_escape_closes_it(stage: Stage) -> None:
    page = await stage.open("/account/profile/edit")
    tip, bubble = page.locator(".tip >> nth=0"), page.locator("#first_name-tip")
    await expect(bubble).to_be_hidden()
    await page.focus("#first_name")
    await page.keyboard.press("Shift+Tab")
    await expect(tip).to_be_focused()
    await expect(bubble).to_have_text("You must provide your first name.")
    await expect(bubble).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(bubble).to_be_hidden()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Shift+Tab")
    await expect(bubble).to_be_visible()
    await page.focus("#email")
    await tip.hover()
    await expect(bubble).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(bubble).to_be_hidden()
    assert stage.complaints == []


@WITHOUT_JAVASCRIPT
async def test_a_first_sign_in_and_an_app_work_without_javascript(stage: Stage) -> None:
    temporary = await approve(stage, Preset.SMT)
    page = await stage.context.new_page()
    await page.goto(stage.address)
    await page.click("text=Sign out")
    await fill_in(page, "rep.user", temporary)
    await page.fill("#new_password", "Otter-42-Mauve")
    await page.fill("#password_again", "Otter-42-Mauve")
    await page.select_option("#security_question", "first_pet")
    await page.fill("#security_answer", "Rex")
    await page.click("main button.main")
    await page.wait_for_url("**/usage/meters")
    await page.goto(f"{stage.address}/account/security/authenticator")
    await page.fill("#current_password", "Otter-42-Mauve")
    await page.click("main button.main")
    app = pyotp.TOTP((await page.inner_text(".secret")).replace(" ", ""))
    await page.fill("#code", app.generate_otp(int(stage.clock.now().timestamp()) // 30))
    await page.click("main button.main")
    await expect(page.locator("ol.codes li")).to_have_count(10)
    await page.click("text=Sign out")
    await fill_in(page, "rep.user", "Otter-42-Mauve")
    stage.clock.shift = timedelta(seconds=30)
    await page.fill("#code", app.generate_otp(int(stage.clock.now().timestamp()) // 30))
    await page.click("main button.main >> nth=-1")
    await page.wait_for_url("**/usage/meters")
    await page.focus("body")
    await page.goto(f"{stage.address}/account/profile/edit")
    await page.focus(".tip >> nth=0")
    await expect(page.locator(".bubble >> nth=0")).to_be_visible()


@pytest.mark.parametrize("stage", [{"viewport": {"width": 375, "height": 700}}], indirect=True)
async def test_no_page_of_the_own_account_scrolls_sideways_on_a_phone(stage: Stage) -> None:
    page = await stage.open("/account/profile")
    wide = {}
    for path in (*OWN_PAGES, "/help"):
        await page.goto(stage.address + path)
        wide[path] = await page.evaluate("document.documentElement.scrollWidth")
    await stage.context.clear_cookies()
    for path in OPEN_PAGES:
        await page.goto(stage.address + path)
        wide[path] = await page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in wide.items() if width > 375} == {}
