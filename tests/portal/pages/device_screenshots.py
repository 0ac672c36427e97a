"""A picture of a join for the documents: `python -m tests.portal.pages.device_screenshots FOLDER`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import expect

from tests.portal.agreements.asking import agreed
from tests.portal.pages.living_home import living_home
from tests.portal.pages.real_browser import chromium, served, sign_in
from tests.portal.world import esi


async def picture(folder: Path) -> None:
    """A join whose window is open, as the retailer follows it."""
    with tempfile.TemporaryDirectory() as place:
        async with living_home(Path(place)) as home, served(home.house) as address, chromium() as browser:
            await agreed(home.office)
            context = await browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
            await sign_in(context, address, "rep.admin")
            page, label = await context.new_page(), home.label("thermostat")
            await page.goto(f"{address}/usage/meters/{esi(1)}/devices")
            await page.fill("#device", str(label.eui64))
            await page.fill("#install_code", label.label)
            await page.click("#add button.main")
            await page.wait_for_url("**/commands/*")
            await expect(page.locator(".countdown")).to_contain_text("left")
            await page.screenshot(path=folder / "join.png", full_page=True)


if __name__ == "__main__":
    asyncio.run(picture(Path(sys.argv[1])))
