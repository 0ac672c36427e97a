"""In-home devices in a real browser, over MQTT to a real gateway and the simulated radio: joined, told, removed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import BrowserContext, Page, expect

from gateway.han.words import Stage
from gateway.market_notices import RepChange
from simulators.home_devices import HomeDevice
from simulators.zigbee import life
from tests.portal.agreements.asking import agreed
from tests.portal.market.words import rep, tell
from tests.portal.pages.living_home import LivingHome, living_home
from tests.portal.pages.real_browser import chromium, served, sign_in
from tests.portal.world import esi

METER = f"/usage/meters/{esi(1)}"
HERE = f"{METER}/devices"


@dataclass(frozen=True, slots=True)
class Stand:
    """A living home that is served, and a browser's context; whatever goes wrong in its pages is kept."""

    home: LivingHome
    address: str
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str = HERE) -> Page:
        """A new tab."""
        page = await self.context.new_page()
        page.on("console", lambda told: self.complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self.address + path)
        return page


@pytest.fixture
async def stand(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    """A retailer's administrator under an agreement; parametrise it indirectly with options of the context."""
    options = getattr(request, "param", {})
    async with living_home(tmp_path) as home, served(home.house) as address, chromium() as browser:
        await agreed(home.office)
        context = await browser.new_context(**options)
        context.set_default_timeout(15_000)
        await sign_in(context, address, "rep.admin")
        yield Stand(home, address, context)
        await context.close()


async def add(page: Page, label: HomeDevice, code: str | None = None) -> None:
    """Fill in the label of a device, press, and come to the join's page."""
    await page.fill("#device", str(label.eui64))
    await page.fill("#install_code", label.label if code is None else code)
    await page.click("#add button.main")
    await page.wait_for_url("**/commands/*")


async def join(stand: Stand, page: Page, kind: str) -> None:
    """A device on the meter's network."""
    await page.goto(stand.address + HERE)
    await add(page, stand.home.label(kind))
    await expect(page.locator("#command li.now")).to_contain_text("Network open for it")
    stand.home.switch_on(kind)
    await expect(page.locator("#command header .tag")).to_have_text("Done")


async def test_the_thermostat_from_the_agreement_to_an_opt_out(stand: Stand) -> None:
    """The agreement stands; it joins, a display too; a price is shown, an event opted out of, a wrong code named."""
    page = await stand.open(METER)
    await page.click("text=In-Home Devices")
    await page.wait_for_url(f"**{HERE}")
    await expect(page.locator("#devices .empty")).to_contain_text("This meter has no in-home devices yet.")
    thermostat = stand.home.label("thermostat")
    await add(page, thermostat)
    await page.evaluate("window.never = 'reloaded'")
    await expect(page.locator(".countdown")).to_contain_text("left")
    stand.home.switch_on("thermostat")
    await expect(page.locator("#command header .tag")).to_have_text("Done")
    await expect(page.locator("#live-words")).to_have_text(f"Join of {thermostat.eui64}: Done.")
    await expect(page.locator("#command ol.line li.done")).to_have_count(11)
    assert await page.evaluate("window.never") == "reloaded"
    await join(stand, page, "display")
    await page.goto(f"{stand.address}{METER}/notices/price")
    await page.fill("#price", "0.1275")
    await page.fill("#label", "PEAK")
    await page.click("main button.main")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command")).to_contain_text("Price shown")
    await page.goto(f"{stand.address}{METER}/notices/load-control?device={thermostat.eui64}")
    await expect(page.locator("#to")).to_have_value(str(thermostat.eui64))
    await page.fill("#cooling", "2")
    await page.click("main button.main")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command")).to_contain_text("Event started")
    stand.home.press("thermostat", "opt_out")
    await expect(page.locator("#command")).to_contain_text("Customer opted out")
    await page.click("text=All devices of this meter")
    await page.wait_for_url(f"**{HERE}")
    await expect(page.locator("#devices tbody tr")).to_have_count(2)
    await expect(page.locator("#devices")).to_contain_text("Programmable control thermostat")
    appliance = stand.home.label("appliance")
    stand.home.switch_on("appliance")
    await add(page, appliance, stand.home.label("load_switch").label)
    await expect(page.locator("#command header .tag")).to_have_text("Failed")
    await expect(page.locator("#command .note.bad")).to_contain_text("Wrong install code.")
    await expect(page.locator("#command .note.bad")).to_contain_text("Compare the install code with the device's label")
    await page.click("#join-retry")
    await page.wait_for_url(f"**{HERE}?device={appliance.eui64}*")
    await expect(page.locator("#device")).to_have_value(str(appliance.eui64))
    await expect(page.locator("#install_code")).to_have_value("")
    assert stand.complaints == []


async def test_a_label_is_judged_while_one_types_and_nothing_is_lost(stand: Stand) -> None:
    page = await stand.open()
    label = stand.home.label("display")
    await page.fill("#device", f"{label.eui64[:-1]}G")
    await expect(page.locator("#device-wrong")).to_contain_text("G is neither")
    await expect(page.locator("#device")).to_have_attribute("aria-describedby", "device-hint device-wrong")
    wrong = label.label[:-1] + ("0" if label.label[-1] != "0" else "1")
    await page.fill("#install_code", wrong)
    await expect(page.locator("#install_code-wrong")).to_contain_text("checksum does not match")
    await expect(page.locator("#install_code")).to_have_value(wrong)
    await page.fill("#device", f"{label.eui64[:8].lower()}-{label.eui64[8:].lower()}")
    await page.fill("#install_code", label.label)
    await expect(page.locator("#live-words")).to_have_text("The label is complete and its checksum matches.")
    for name in ("device", "install_code"):
        await expect(page.locator(f"#{name}-wrong")).to_be_hidden()
        assert await page.get_attribute(f"#{name}", "aria-invalid") is None
    await page.fill("#install_code", "")
    await page.fill("#device", f"Z:{label.eui64}$I:{label.install_code.hex()}")
    await expect(page.locator("#label-check")).to_have_attribute("data-good", "true")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert stand.complaints == []


async def test_a_join_is_cancelled_while_its_window_is_open_and_tried_again(stand: Stand) -> None:
    page = await stand.open()
    await add(page, stand.home.label("display"))
    await expect(page.locator(".countdown")).to_be_visible()
    await page.click("#join-cancel")
    await page.wait_for_url("**?done=join-cancelled")
    await expect(page.locator("#command header .tag")).to_have_text("Failed")
    await expect(page.locator("#command .note.bad")).to_contain_text("Cancelled.")
    await page.click("#join-retry")
    await page.wait_for_url(f"**{HERE}?device=*")
    stand.home.switch_on("display")
    await page.fill("#install_code", stand.home.label("display").label)
    await page.click("#add button.main")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command header .tag")).to_have_text("Done")
    assert stand.complaints == []


async def test_a_device_is_asked_and_removed_and_its_page_follows(stand: Stand) -> None:
    page = await stand.open()
    await join(stand, page, "display")
    await page.click("text=To the device")
    await page.wait_for_url(f"**{HERE}/*")
    await page.click("#device-ping")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command")).to_contain_text("Round trip")
    await page.go_back()
    other = await stand.open(f"{HERE}/{stand.home.label('display').eui64}")
    await expect(other.locator("#device header .tag")).to_have_text("Active")
    await page.click("#device-remove-ask")
    await page.click("#device-remove")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command header .tag")).to_have_text("Done")
    await other.bring_to_front()
    await expect(other.locator("#device header .tag")).to_have_text("Removed")
    await expect(other.locator("text=Join it again")).to_be_visible()
    assert stand.home.device("display").stage is not life.Stage.REGISTERED
    assert stand.complaints == []


async def test_the_list_follows_what_is_under_way(stand: Stand) -> None:
    page, other = await stand.open(), await stand.open()
    await add(page, stand.home.label("display"))
    await other.goto(stand.address + HERE)
    await other.evaluate("window.never = 'reloaded'")
    await expect(other.locator("#commands tbody tr")).to_have_count(1)
    stand.home.switch_on("display")
    await expect(other.locator("#devices tbody .tag")).to_have_text("Active")
    await expect(other.locator("#commands tbody .tag")).to_have_text("Done")
    assert await other.evaluate("window.never") == "reloaded"
    assert stand.complaints == []


async def test_a_text_is_confirmed_in_the_room_and_seen_at_the_desk(stand: Stand) -> None:
    page = await stand.open()
    await join(stand, page, "display")
    await page.goto(f"{stand.address}{METER}/notices/text")
    await page.fill("#text", "Storm tonight")
    await page.check("#confirm")
    await page.click("main button.main")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command")).to_contain_text("Delivered")
    stand.home.press("display", "ok")
    await expect(page.locator("#command")).to_contain_text("Confirmed by the customer")
    await page.click("#notice-back")
    await page.wait_for_url(lambda url: "done=" not in url)
    await expect(page.locator("main h1")).to_have_text("Text taken back")
    await expect(page.locator("#command header .tag")).to_have_text("Done")


async def test_keys_alone_add_a_device_and_remove_it(stand: Stand) -> None:
    page, label = await stand.open(), stand.home.label("display")
    stand.home.switch_on("display")
    await page.focus("#device")
    await page.keyboard.type(str(label.eui64))
    for _ in range(2):  # the field's tip lies between
        await page.keyboard.press("Tab")
    await expect(page.locator("#install_code")).to_be_focused()
    await page.keyboard.type(label.label)
    for _ in range(2):
        await page.keyboard.press("Tab")
    await expect(page.locator("#add button.main")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command header .tag")).to_have_text("Done")
    await page.focus("text=To the device")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{HERE}/*")
    await page.focus("#device-remove-ask")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.locator("#device-remove")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command header .tag")).to_have_text("Done")


@pytest.mark.parametrize("stand", [{"java_script_enabled": False}], indirect=True)
async def test_without_javascript_a_join_is_refreshed_by_a_link_and_a_label_judged_when_sent(stand: Stand) -> None:
    page, label = await stand.open(), stand.home.label("display")
    await page.fill("#device", "12")
    await page.fill("#install_code", label.label)
    await page.click("#add button.main")
    await expect(page.locator("#problem")).to_contain_text("16 digits, not 2")
    await expect(page.locator("#install_code")).to_have_value("")
    stand.home.switch_on("display")
    await add(page, label)
    await expect(page.locator("text=Refresh")).to_be_visible()
    await stand.home.device("display").reached(life.Stage.REGISTERED)
    await stand.home.recorded("display", Stage.ACTIVE)
    await page.click("text=Refresh")
    await expect(page.locator("#command header .tag")).to_have_text("Done")


@pytest.mark.parametrize("stand", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True)
async def test_axe_finds_nothing_on_the_pages_of_devices_and_they_fit(stand: Stand) -> None:
    page, axe, found, wide = await stand.open(), Axe(), {}, []
    second = f"/usage/meters/{esi(2)}/devices"

    async def look(name: str) -> None:
        found[name] = await axe.run(page)
        for width in (1024, 390):
            await page.set_viewport_size({"width": width, "height": 800})
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(f"{name} at {width}")

    await look("no devices")
    await add(page, stand.home.label("display"))
    await expect(page.locator(".countdown")).to_be_visible()
    await look("the window is open")
    stand.home.switch_on("display")
    await expect(page.locator("#command header .tag")).to_have_text("Done")
    await look("joined")
    await page.goto(f"{stand.address}{METER}/notices/price")
    await page.fill("#price", "0.1")
    await page.click("main button.main")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command")).to_contain_text("Price shown")
    await look("a price")
    await page.goto(f"{stand.address}{METER}/notices/text")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_be_visible()
    await look("a text with faults")
    for path in (HERE, f"{HERE}/{stand.home.label('display').eui64}", f"{METER}/notices/load-control", second, METER):
        await page.goto(stand.address + path)
        if await page.locator("#device-remove-ask").count():
            await page.click("#device-remove-ask")
        await look(path)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}
    assert wide == []


async def test_the_tdsps_operator_joins_and_removes_at_any_meter_of_its_own(stand: Stand) -> None:
    await sign_in(stand.context, stand.address, "wires.admin")
    page = await stand.open()
    await join(stand, page, "appliance")
    await page.click("text=To the device")
    await page.wait_for_url(f"**{HERE}/*")
    await expect(page.locator("main h1")).to_contain_text("Smart appliance")
    await page.click("#device-remove-ask")
    await page.click("#device-remove")
    await page.wait_for_url("**/commands/*")
    await expect(page.locator("#command header .tag")).to_have_text("Done")
    assert stand.complaints == []


async def test_a_move_out_removes_the_devices_with_the_notice(stand: Stand) -> None:
    page = await stand.open()
    await join(stand, page, "display")
    await tell(stand.home.portal.market, rep(stand.home.clock.now(), RepChange.MOVE_OUT, None, esi(1)))
    await stand.home.recorded("display", Stage.REMOVED)
    assert stand.home.device("display").stage is not life.Stage.REGISTERED
    await page.goto(stand.address + HERE)
    await expect(page.locator("main h1")).to_have_text("There is nothing here for you")
