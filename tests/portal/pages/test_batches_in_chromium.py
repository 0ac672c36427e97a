"""Batches of reads and booked reads in a real browser: followed live, without JavaScript, on a phone, and by axe."""

import asyncio
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page, expect

from gateway.clock import CENTRAL
from portal.context import Portal
from tests.portal.pages.real_browser import Meters
from tests.portal.pages.test_desk_in_chromium import Stage, stage
from tests.portal.world import esi

__all__ = ["stage"]


async def placed(stage: Stage) -> Page:
    """A batch that was typed: two meters that can be read, one that is another's, one without a gateway."""
    page = await stage.open("/reads/batches")
    await page.fill("#meters", "\n".join(esi(number) for number in (1, 2, 3, 5)))
    await page.click("text=Read these meters")
    await page.wait_for_url("**/reads/batches/*done=batch-placed")
    return page


async def step(stage: Stage) -> int:
    """Let the portal ask for what is due."""
    portal: Portal = stage.house.app.state.portal
    return await portal.asker.step()


async def test_a_batch_is_followed_to_its_results_without_a_reload(stage: Stage) -> None:
    meters = Meters(stage.house)
    meters.gate.clear()
    running = asyncio.create_task(meters.run())
    page = await placed(stage)
    await page.evaluate("window.never = 'reloaded'")
    await expect(page.locator("#batch p").first).to_have_text("1 of 4 meters: 3 waiting, 1 refused.")
    assert await step(stage) == 3
    await expect(page.locator("#batch p").first).to_have_text("2 of 4 meters: 2 reading, 2 refused.")
    meters.gate.set()
    await expect(page.locator("#batch p").first).to_have_text("All 4 meters: 2 complete, 2 refused.")
    await expect(page.locator("#live-words")).to_have_text("All 4 meters: 2 complete, 2 refused.")
    await expect(page.locator("#batch tbody tr").first).to_contain_text("12,345.678")
    assert await page.evaluate("window.never") == "reloaded"
    async with page.expect_download() as download:
        await page.click("text=CSV of the results")
    assert (await download.value).suggested_filename.startswith("reads-")
    running.cancel()
    assert stage.complaints == []


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
async def test_without_javascript_meters_are_ticked_and_the_batch_refreshed_and_cancelled(stage: Stage) -> None:
    page = await stage.open("/usage/meters")
    await page.check("#chosen-1")
    await page.check("#chosen-2")
    await page.click("text=On Demand Reads")
    await page.wait_for_url("**/reads/batches/*done=batch-placed")
    await page.click("text=Refresh")
    await expect(page.locator("#batch p").first).to_have_text("0 of 2 meters: 2 waiting.")
    await page.click("#batch-cancel")
    await page.wait_for_url("**done=batch-cancelled")
    await expect(page.locator("#batch p").first).to_have_text("All 2 meters: 2 cancelled.")


async def book(stage: Stage, page: Page) -> None:
    """Book a read of meter 1 for tomorrow."""
    await page.goto(f"{stage.address}/usage/meters/{esi(1)}")
    day = (stage.house.clock.now() + timedelta(days=1)).astimezone(CENTRAL)
    await page.fill("#book_date", f"{day:%Y-%m-%d}")
    await page.fill("#book_time", "06:00")
    await page.click("text=Book this read")
    await page.wait_for_url("**done=read-booked")
    await expect(page.locator("#booked-reads .tag")).to_have_text("booked")


@pytest.mark.parametrize(
    "stage",
    [
        {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
        for scheme, width in (("light", 1024), ("dark", 390))
    ],
    indirect=True,
)
async def test_axe_finds_nothing_on_batches_and_bookings(stage: Stage) -> None:
    axe, found = Axe(), {}
    page = await stage.open("/reads/batches")
    found["none"] = await axe.run(page)
    page = await placed(stage)
    found["batch"] = await axe.run(page)
    await page.goto(f"{stage.address}/reads/batches")
    found["list"] = await axe.run(page)
    await page.click("text=Read these meters")
    await expect(page.locator("#problem")).to_be_visible()
    found["faults"] = await axe.run(page)
    await book(stage, page)
    found["booked"] = await axe.run(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert {path: each.generate_report() for path, each in found.items() if each.violations_count} == {}
    assert [each for each in stage.complaints if "400" not in each and "422" not in each] == []
