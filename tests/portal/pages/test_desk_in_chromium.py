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
from tests.portal.world import esi


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
    paths = [
        f"/usage/orders/{done}",
        f"/usage/orders/{waits}",
        "/usage/orders",
        "/usage/meters",
        "/usage/meters/import",
    ]
    paths += [f"/account/meters/{esi(1)}/meter", "/account/meters/view", "/account/meters/export"]
    for path in paths:
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}


async def test_rows_are_ticked_together_and_counted(stage: Stage) -> None:
    page = await stage.open("/usage/meters")
    await page.click("#chosen-1")
    await expect(page.locator("#picked-count")).to_have_text("1 selected")
    await page.click("#select-all")
    await expect(page.locator("#picked-count")).to_have_text("3 selected")
    await expect(page.locator("#select-all")).to_have_text("Select none")
    assert page.url == f"{stage.address}/usage/meters"
    await page.press("#select-all", " ")
    await expect(page.locator("#picked-count")).to_have_text("")
    await page.press("#select-all", "Enter")
    await page.click("text=Export Report(s)")
    await page.wait_for_url("**/usage/meters/export?list=*")
    await page.check("#daily_usage")
    await page.click("main button.main")
    await page.wait_for_url("**/usage/orders/*")
    await expect(page.locator("main h1")).to_contain_text("Report order ")
    assert stage.complaints == []


async def test_a_meter_is_found_by_keys_alone_while_one_types(stage: Stage) -> None:
    page = await stage.open("/account/profile")
    await page.keyboard.press("/")
    await expect(page.locator("#find")).to_be_focused()
    await page.keyboard.type("elm")
    await expect(page.locator("#found [role=option]")).to_have_count(3)
    await expect(page.locator("#find")).to_have_attribute("aria-expanded", "true")
    await expect(page.locator("#live-words")).to_have_text("3 found")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#found [aria-selected=true]")).to_contain_text("2 Elm St, Austin")
    await expect(page.locator("#find")).to_have_attribute("aria-activedescendant", "found-1")
    await page.keyboard.press("Escape")
    await expect(page.locator("#found")).to_be_hidden()
    await page.keyboard.type(" maria")
    await expect(page.locator("#found [role=option]")).to_have_count(1)
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/usage/meters/{esi(1)}")
    assert stage.complaints == []


async def test_what_is_nobodys_and_what_is_anothers_are_not_found_alike(stage: Stage) -> None:
    page = await stage.open("/usage/meters")
    for typed in ("M00003", "M77777"):
        await page.fill("#find", typed)
        await expect(page.locator("#found .none")).to_have_text("No meter of yours has this.")
        await page.fill("#find", "")


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
async def test_without_javascript_enter_leads_to_what_was_found(stage: Stage) -> None:
    page = await stage.open("/usage/meters")
    await page.fill("#find", "maria")
    await page.press("#find", "Enter")
    await page.wait_for_url(f"**/usage/meters/{esi(1)}")
    await page.fill("#find", "austin")
    await page.press("#find", "Enter")
    await page.wait_for_url("**/usage/meters?find=austin")
    await expect(page.locator("tbody tr")).to_have_count(3)
