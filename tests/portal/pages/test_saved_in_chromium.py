"""Saved Reports in a real browser: by axe in light and dark, at the width of a phone, without JavaScript."""

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import expect

from tests.portal.pages.desk import placed
from tests.portal.pages.test_in_chromium import Stage, stage

__all__ = ["stage"]

WAYS = pytest.mark.parametrize(
    "stage",
    [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 390, "height": 800}}],
    indirect=True,
)
WITHOUT_JAVASCRIPT = pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)


@WAYS
async def test_axe_finds_nothing_on_the_pages_of_saved_reports(stage: Stage) -> None:
    page, axe, found = await stage.open("/usage/saved-reports"), Axe(), {}
    found["none"] = await axe.run(page)
    number = (await placed(stage.house)).number
    await page.goto(f"{stage.address}/usage/orders/{number}")
    await page.click("text=Save as…")
    await page.wait_for_url("**/save")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_be_focused()
    found["refused"] = await axe.run(page)
    await page.fill("#name", "South side")
    await page.check("input[value='day']")
    await page.click("main button.main")
    await page.wait_for_url("**/usage/saved-reports?done=definition-saved")
    found["listed"] = await axe.run(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.click("main td a:has-text('Change')")
    await page.wait_for_url("**/edit")
    found["change"] = await axe.run(page)
    await page.click("text=Cancel")
    await page.click("main td a:has-text('Delete')")
    await page.wait_for_url("**/delete")
    found["delete"] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}


@WITHOUT_JAVASCRIPT
async def test_a_saved_report_is_run_and_paused_without_javascript(stage: Stage) -> None:
    number = (await placed(stage.house)).number
    page = await stage.open(f"/usage/orders/{number}/save")
    await page.fill("#name", "South side")
    await page.check("input[value='day']")
    await page.click("main button.main")
    await expect(page.locator("main")).to_contain_text("Daily at 06:00")
    await page.click("text=Pause")
    await expect(page.locator("main")).to_contain_text("you paused it")
    await page.click("text=Run now")
    await expect(page.locator("main")).to_contain_text("Your order is placed")
