"""The pages in a real browser: live reads, without JavaScript, by keyboard, on a phone, in the dark, and by axe."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import BrowserContext, Page, expect

from gateway.errors import FailureReason
from portal.usage.intervals import Channel, MeterDay
from tests.portal.pages.house import House, open_house
from tests.portal.pages.real_browser import Meters, ShiftedClock, chromium, served, sign_in
from tests.portal.world import PASSWORD, esi

METER = f"/usage/meters/{esi(1)}"
RETAILER_PAGES = ("/account/meters", "/account/profile", "/usage/meters", METER, "/help", "/nowhere")
SEARCH = "/usage/meters?by=number&value=nothing"


@dataclass(frozen=True, slots=True)
class Stage:
    """A served house, a gateway that answers as told, and a browser's context; whatever goes wrong there is kept."""

    house: House
    clock: ShiftedClock
    meters: Meters
    address: str
    context: BrowserContext
    complaints: list[str]

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
    clock = ShiftedClock()
    async with open_house(tmp_path, clock) as house, served(house) as address, chromium() as browser:
        context = await browser.new_context(**options)
        context.set_default_timeout(10_000)
        meters, complaints = Meters(house), list[str]()
        answering = asyncio.create_task(meters.run())
        await sign_in(context, address, "rep.admin")
        yield Stage(house, clock, meters, address, context, complaints)
        await context.close()
        # Whoever still waits for a read is answered, so that the server ends in peace.
        meters.gate.set()
        await house.settled()
        answering.cancel()


async def test_a_click_is_followed_live_without_a_reload(stage: Stage) -> None:
    stage.meters.gate.clear()
    page = await stage.open(METER)
    await page.evaluate("window.never = 'reloaded'")
    await page.click("#odr-button")
    await expect(page.locator("li.now")).to_contain_text("On the radio")
    await expect(page.locator("#odr-button")).to_be_disabled()
    await expect(page.locator("#odr-button")).to_have_text("Reading the meter…")
    await expect(page.locator("#odr-heading")).to_be_focused()
    await expect(page.locator("#odr-refresh")).to_be_hidden()
    await expect(page.locator("#live-words")).to_have_text("Reading the meter: On the radio.")
    stage.meters.gate.set()
    await expect(page.locator("#on-demand-read .figures")).to_contain_text("12,345.678 kWh")
    await expect(page.locator("#live-words")).to_contain_text("The meter answered.")
    await expect(page.locator("#last-reads tbody tr")).to_have_count(1)
    await expect(page.locator("#odr-button")).to_be_disabled()
    assert await page.evaluate("window.never") == "reloaded"
    assert page.url == stage.address + METER
    assert stage.complaints == []


async def test_a_colleagues_page_follows_the_same_read(stage: Stage) -> None:
    stage.meters.gate.clear()
    first, second = await stage.open(METER), await stage.open(METER)
    await first.click("#odr-button")
    await expect(first.locator("li.now")).to_contain_text("On the radio")
    await second.click("#odr-button")
    await expect(second.locator("li.now")).to_contain_text("On the radio")
    stage.meters.gate.set()
    for page in (first, second):
        await expect(page.locator("#last-reads tbody tr")).to_have_count(1)
        await expect(page.locator("#on-demand-read .figures")).to_contain_text("12,345.678 kWh")
    assert stage.complaints == []


async def test_a_failure_is_told_and_the_button_comes_back_at_once(stage: Stage) -> None:
    stage.meters.fails = FailureReason.TIMEOUT
    page = await stage.open(METER)
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read .note.bad")).to_contain_text(
        "Error! On Demand Read request could not be fulfilled. Please try again"
    )
    await expect(page.locator("#odr-button")).to_be_enabled()
    stage.meters.fails = None
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read .figures")).to_contain_text("12,345.678 kWh")
    await expect(page.locator("#on-demand-read .note.bad")).to_have_count(0)
    assert stage.complaints == []


async def test_the_button_comes_back_by_itself_when_the_hour_is_over(stage: Stage) -> None:
    page = await stage.open(METER)
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read .figures")).to_be_visible()
    stage.clock.shift = timedelta(hours=1, seconds=-4)
    await sign_in(stage.context, stage.address, "rep.admin")
    page = await stage.open(METER)
    await expect(page.locator("#odr-button")).to_be_disabled()
    await page.evaluate("window.never = 'reloaded'")
    await expect(page.locator("#odr-button")).to_be_enabled(timeout=10_000)
    assert await page.evaluate("window.never") == "reloaded"


async def test_a_session_that_ends_while_a_page_waits_leads_to_the_sign_in(stage: Stage) -> None:
    stage.meters.gate.clear()
    page = await stage.open(METER)
    await page.click("#odr-button")
    await expect(page.locator("li.now")).to_contain_text("On the radio")
    stage.clock.shift = timedelta(hours=2)
    stage.meters.gate.set()
    await page.wait_for_url(lambda url: "/?next=" in url)
    await expect(page.locator("#password")).to_be_visible()


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
async def test_a_read_without_javascript_takes_a_click_on_click_here(stage: Stage) -> None:
    stage.meters.gate.clear()
    page = await stage.open(METER)
    await page.click("#odr-button")
    await expect(page.locator("#odr-refresh")).to_be_visible()
    await expect(page.locator("#odr-button")).to_be_disabled()
    stage.meters.gate.set()
    await stage.house.settled()
    await page.click("text=Click here")
    await expect(page.locator("#on-demand-read .figures")).to_contain_text("12,345.678 kWh")
    await page.click("text=Theme: system")
    await page.click("text=Theme: light")
    assert await page.get_attribute("html", "data-theme") == "dark"
    await page.click("text=Sign out")
    await expect(page.locator("#password")).to_be_visible()


async def test_the_theme_changes_without_a_reload_and_is_remembered(stage: Stage) -> None:
    page = await stage.open("/usage/meters")
    await page.evaluate("window.never = 'reloaded'")
    shade = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(shade)
    await page.click("#theme-form button")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.click("#theme-form button")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("#theme-form button")).to_be_focused()
    dark = await page.evaluate(shade)
    assert dark != light
    assert await page.evaluate("window.never") == "reloaded"
    again = await stage.open("/help")
    assert await again.evaluate(shade) == dark
    await again.click("#theme-form button")
    await expect(again.locator("html")).not_to_have_attribute("data-theme", "dark")
    assert await again.evaluate(shade) == light
    await again.emulate_media(color_scheme="dark")
    assert await again.evaluate(shade) == dark
    assert stage.complaints == []


@pytest.mark.parametrize("stage", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True)
async def test_axe_finds_nothing_on_any_page(stage: Stage) -> None:
    day = MeterDay(
        esi_id=esi(1),
        day=date(2026, 3, 8),
        channel=Channel.CONSUMPTION,
        revised_at=None,
        values=(None, *range(91)),
        estimated=(True,) * 92,
    )
    await stage.house.report(day)
    page, axe = await stage.open(METER), Axe()
    await page.click("details summary")
    found = {}
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read .figures")).to_be_visible()
    found["read"] = await axe.run(page)
    stage.meters.gate.clear()
    other = await stage.open(f"/usage/meters/{esi(2)}")
    await other.click("#odr-button")
    await expect(other.locator("li.now")).to_contain_text("On the radio")
    found["reading"] = await axe.run(other)
    for path in (*RETAILER_PAGES, SEARCH, "/usage/meters?by=esi_id&value=1"):
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
    await sign_in(stage.context, stage.address, "wires.admin")
    for path in ("/fleet", "/usage/meters"):
        await page.goto(stage.address + path)
        found["wires " + path] = await axe.run(page)
    await page.click("text=Sign out")
    await page.wait_for_url(stage.address + "/")
    found["/"] = await axe.run(page)
    await page.click("main button.main")
    await page.wait_for_url(stage.address + "/login**")
    found["/login"] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}


async def test_the_whole_way_goes_by_keyboard(stage: Stage) -> None:
    page = await stage.open("/usage/meters")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("/")
    await expect(page.locator("#find")).to_be_focused()
    await page.keyboard.type("M00001")
    await page.keyboard.press("Enter")
    await page.wait_for_url(stage.address + METER)
    await page.focus(".skip")
    await page.keyboard.press("Enter")
    for _ in range(6):
        if await page.evaluate("document.activeElement.id") == "odr-button":
            break
        await page.keyboard.press("Tab")
    await expect(page.locator("#odr-button")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#on-demand-read .figures")).to_be_visible()
    await page.keyboard.press("?")
    await page.wait_for_url(lambda url: url.endswith("/help#keyboard"))
    await page.uncheck("#shortcuts")
    await page.locator("body").press("/")
    await expect(page.locator("#find")).not_to_be_focused()
    assert stage.complaints == []


async def test_the_sign_in_problem_takes_the_focus_and_its_links_lead_to_the_fields(stage: Stage) -> None:
    await stage.context.clear_cookies()
    page = await stage.open("/")
    await page.keyboard.press("Tab")
    await page.fill("#user_id", "rep.admin")
    await page.keyboard.press("Enter")
    await expect(page.locator("#problem")).to_be_focused()
    assert await page.input_value("#user_id") == "rep.admin"
    await page.click("text=Enter your password >> nth=0")
    await expect(page.locator("#password")).to_be_focused()
    await page.keyboard.insert_text(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/usage/meters")


@pytest.mark.parametrize("stage", [{"viewport": {"width": 375, "height": 700}}], indirect=True)
async def test_no_page_scrolls_sideways_on_a_phone(stage: Stage) -> None:
    page = await stage.open(METER)
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read .figures")).to_be_visible()
    wide = {}
    for path in (*RETAILER_PAGES, SEARCH):
        await page.goto(stage.address + path)
        wide[path] = await page.evaluate("document.documentElement.scrollWidth")
    await sign_in(stage.context, stage.address, "wires.admin")
    await page.goto(f"{stage.address}/fleet")
    wide["/fleet"] = await page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in wide.items() if width > 375} == {}


async def test_paper_gets_the_read_and_not_the_navigation(stage: Stage) -> None:
    page = await stage.open(METER)
    await page.emulate_media(media="print")
    for gone in ("nav.tabs", "nav.side", "#odr-button", "footer.bottom"):
        await expect(page.locator(gone)).to_be_hidden()
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator("#last-reads")).to_be_visible()
