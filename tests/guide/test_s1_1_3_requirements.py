"""Guide 1.1.3, system requirements: a browser with cookies and JavaScript at 1024 x 768."""

import pytest
from playwright.async_api import expect

from tests.portal.pages.test_in_chromium import METER, RETAILER_PAGES, Stage, stage

__all__ = ["stage"]


@pytest.mark.parametrize("stage", [{"viewport": {"width": 1024, "height": 768}}], indirect=True)
async def test_nav_10_every_page_fits_1024_by_768_and_works_with_cookies_and_javascript(stage: Stage) -> None:
    """NAV-10: "Display Resolution 1024 x 768, for optimal screen display", cookies and JavaScript enabled."""
    for path in RETAILER_PAGES:
        page = await stage.open(path)
        await expect(page.locator("h1")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 1024, path
        await page.close()
    page = await stage.open(METER)
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read .figures")).to_contain_text("12,345.678 kWh")
