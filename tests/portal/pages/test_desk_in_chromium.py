"""The retailer's desk in a real browser: orders followed live, rows ticked together, meters found while one types."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import BrowserContext, Page, expect

from tests.portal.pages.desk import placed, worker_of
from tests.portal.pages.house import House, open_house
from tests.portal.pages.real_browser import ShiftedClock, chromium, served, sign_in


@dataclass(frozen=True, slots=True)
class Stage:
    """A served house and a browser's context; whatever goes wrong in its pages is kept."""

    house: House
    address: str
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> Page:
        """A new tab."""
        page = await self.context.new_page()
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self.address + path)
        return page


@pytest.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A retailer's administrator is signed in; parametrise it indirectly with options of the browser's context."""
    options = getattr(request, "param", {})
    async with open_house(tmp_path, ShiftedClock()) as house, served(house) as address, chromium() as browser:
        context = await browser.new_context(**options)
        context.set_default_timeout(10_000)
        await sign_in(context, address, "rep.admin")
        yield Stage(house, address, context)
        await context.close()


async def test_an_order_is_followed_to_its_files_without_a_reload(stage: Stage) -> None:
    number = (await placed(stage.house)).number
    page, other = await stage.open(f"/usage/orders/{number}"), await stage.open("/usage/orders")
    for each in (page, other):
        await each.evaluate("window.never = 'reloaded'")
        await expect(each.locator(".refresh")).to_be_hidden()
    await expect(page.locator("progress")).to_be_visible()
    assert await worker_of(stage.house).work()
    await expect(page.locator("#order .tag")).to_have_text("Complete")
    await expect(page.locator("#live-words")).to_have_text(f"Report order {number} is Complete.")
    await expect(page.locator("#order-files tbody tr")).to_have_count(1)
    await other.bring_to_front()
    await expect(other.locator("#orders .tag")).to_have_text("Complete")
    for each in (page, other):
        assert await each.evaluate("window.never") == "reloaded"
    assert stage.complaints == []


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
async def test_without_javascript_an_order_is_refreshed_by_a_link(stage: Stage) -> None:
    number = (await placed(stage.house)).number
    page = await stage.open(f"/usage/orders/{number}")
    assert await worker_of(stage.house).work()
    await page.click("text=Refresh")
    await expect(page.locator("#order .tag")).to_have_text("Complete")
    async with page.expect_download() as download:
        await page.click("#order-files td a")
    assert (await download.value).suggested_filename.startswith(f"daily-reads_order-{number}")


@pytest.mark.parametrize("stage", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True)
async def test_axe_finds_nothing_on_the_desks_pages(stage: Stage) -> None:
    page, axe, found = await stage.open("/usage/orders"), Axe(), {}
    found["no orders"] = await axe.run(page)
    done = (await placed(stage.house, seed=1)).number
    assert await worker_of(stage.house).work()
    waits = (await placed(stage.house, seed=2)).number
    for path in ("/usage/orders", f"/usage/orders/{done}", f"/usage/orders/{waits}"):
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}
