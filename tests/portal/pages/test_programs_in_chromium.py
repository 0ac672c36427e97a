"""The pages for programs in a real browser: by axe, and that a secret is not seen again."""

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page, expect

from tests.portal.pages.real_browser import sign_in
from tests.portal.pages.test_in_chromium import Stage, stage

__all__ = ["stage"]

DARK_AND_LIGHT = pytest.mark.parametrize(
    "stage", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True
)
WITHOUT_JAVASCRIPT = pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)


async def opened(stage: Stage, path: str) -> Page:
    await sign_in(stage.context, stage.address, "wires.admin")
    page = await stage.context.new_page()
    await page.goto(stage.address + path)
    return page


async def make_key(page: Page) -> None:
    await page.fill("#name", "Nightly feed")
    await page.check("input[value='market:read']")
    await page.click("main button.main")
    await page.wait_for_url("**/account/keys/shown")


@DARK_AND_LIGHT
async def test_axe_finds_nothing_on_the_pages_of_keys(stage: Stage) -> None:
    page, axe, found = await opened(stage, "/account/keys"), Axe(), {}
    found["none"] = await axe.run(page)
    await page.goto(stage.address + "/account/keys/new")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_be_focused()
    found["refused"] = await axe.run(page)
    await make_key(page)
    found["shown"] = await axe.run(page)
    for path in ("/account/keys", "/account/keys/1/roll", "/account/keys/1/revoke", "/account/keys/shown"):
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}


@WITHOUT_JAVASCRIPT
async def test_neither_reload_nor_back_shows_a_key_again(stage: Stage) -> None:
    page = await opened(stage, "/account/keys/new")
    await make_key(page)
    await expect(page.locator("#secret")).to_contain_text("mgk_")
    await page.reload()
    await expect(page.locator("main")).to_contain_text("The key was shown")
    await page.goto(stage.address + "/account/keys")
    await page.go_back()
    await expect(page.locator("main")).to_contain_text("The key was shown")
    await expect(page.locator("#secret")).to_have_count(0)


@DARK_AND_LIGHT
async def test_axe_finds_nothing_on_the_pages_of_webhooks(stage: Stage) -> None:
    page, axe, found = await opened(stage, "/account/webhooks"), Axe(), {}
    found["none"] = await axe.run(page)
    await page.goto(stage.address + "/account/webhooks/new")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_be_focused()
    found["refused"] = await axe.run(page)
    await page.fill("#name", "Billing")
    await page.fill("#address", "https://hooks.example.com/in")
    await page.check("input[value='read.finished']")
    await page.click("main button.main")
    await page.wait_for_url("**/account/webhooks/shown")
    found["shown"] = await axe.run(page)
    await page.goto(stage.address + "/account/webhooks")
    found["listed"] = await axe.run(page)
    await page.click("main td a")
    await page.click("text=Send a ping")
    await expect(page.locator("main")).to_contain_text("A ping is on its way")
    found["one"] = await axe.run(page)
    place = page.url.split("?")[0]
    for path in ("edit", "secret", "remove"):
        await page.goto(f"{place}/{path}")
        found[path] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}
