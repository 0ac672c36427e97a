"""Usage reports in a real browser: turned page by page, without JavaScript too, on a phone, and by axe."""

import asyncio
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import expect

from gateway.clock import central_date
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import SourceFile
from tests.portal.pages.test_desk_in_chromium import Stage, stage
from tests.portal.world import esi

__all__ = ["stage"]
HERE = f"/usage/meters/{esi(1)}/report"


async def report_days(stage: Stage) -> None:
    """A week of usage, its newest day in two versions."""
    newest = central_date(stage.house.clock.now()) - timedelta(days=1)
    days = [
        MeterDay(
            esi_id=esi(1),
            day=newest - timedelta(days=number),
            channel=channel,
            revised_at=None,
            values=tuple(None if place == 7 else 100 + place for place in range(96)),
            estimated=tuple(place == 9 for place in range(96)),
        )
        for number in range(3)
        for channel in Channel
    ]
    await stage.house.report(*days)
    same = {"esi_id": esi(1), "day": newest, "channel": Channel.CONSUMPTION, "revised_at": None}
    again = MeterDay(**same, values=(5,) * 96, estimated=(False,) * 96)  # type: ignore[arg-type]  # as above
    source = SourceFile(name="again", sha256="e" * 64, received_at=stage.house.clock.now())
    await stage.house.intervals.load(source, lambda: iter([again]))


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
async def test_a_report_is_chosen_and_turned_without_javascript(stage: Stage) -> None:
    await report_days(stage)
    page = await stage.open(HERE)
    await expect(page.locator("#report h2")).to_have_text("Daily Usage")
    newest = await page.locator("#report header strong").inner_text()
    await page.click("text=Previous Day")
    await page.wait_for_url("**page=*")
    await expect(page.locator("#report header strong")).not_to_have_text(newest)
    await page.select_option("#view", "versions")
    await page.click("text=Update Report")
    await page.wait_for_url("**view=versions**")
    await expect(page.locator("mark").first).to_have_text("0.005")
    async with page.expect_download() as download:
        await page.click("text=CSV >> nth=0")
    assert (await download.value).suggested_filename.startswith(f"daily-usage_{esi(1)}")
    await page.fill("#end", "2020-01-01")
    await page.click("text=Update Report")
    await expect(page.locator("#problem")).to_be_visible()


@pytest.mark.parametrize(
    "stage",
    [
        {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
        for scheme in ("light", "dark")
        for width in (1024, 390)
    ],
    indirect=True,
)
async def test_axe_finds_nothing_on_reports(stage: Stage) -> None:
    await report_days(stage)
    page, axe, found = await stage.open(HERE), Axe(), {}
    newest = central_date(stage.house.clock.now()) - timedelta(days=1)
    span = f"start={newest - timedelta(days=20)}&end={newest}"
    for path in (
        HERE,
        f"{HERE}?report=daily_usage&view=versions&{span}",
        f"{HERE}?report=daily_usage&view=current&{span}&compare=day",
        f"{HERE}?report=daily_usage&view=current&{span}&show=quarters",
        f"{HERE}?report=daily_usage&view=current&{span}&show=hours",
        f"{HERE}?report=daily_reads&view=current&{span}",
        f"{HERE}?report=monthly_usage&view=current&{span}",
        f"{HERE}?report=daily_usage&view=current&start=&end=",
        f"{HERE}/print?report=daily_usage&view=current&{span}",
    ):
        await page.goto(stage.address + path)
        found[path] = await axe.run(page)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    assert {path: each.generate_report() for path, each in found.items() if each.violations_count} == {}
    assert [each for each in stage.complaints if "422" not in each] == []


async def test_in_a_dispute_it_is_found_what_changed_on_a_day_and_who_says_so_and_both_versions_are_exported(
    stage: Stage,
) -> None:
    await report_days(stage)
    newest = central_date(stage.house.clock.now()) - timedelta(days=1)
    page = await stage.open(HERE)
    await page.select_option("#view", "versions")
    await page.fill("#start", f"{newest - timedelta(days=9)}")
    await page.click("text=Update Report")
    await page.wait_for_url("**view=versions**")
    days = page.locator("section[aria-labelledby='revised-title'] a")
    await expect(days).to_have_text([f"{newest:%m/%d/%Y}"])
    await days.click()
    await page.wait_for_url("**page=*")
    steps = page.locator("table.steps").first.locator("tbody tr")
    await expect(steps).to_have_count(2)
    await expect(steps.first).to_contain_text("again")
    await expect(steps.first).to_contain_text("96 intervals: 00:00 to 00:00")
    await expect(steps.first).to_contain_text("1 came")
    await expect(steps.first).to_contain_text("1 estimated, now actual")
    await expect(steps.nth(1)).to_contain_text("the first that came")
    async with page.expect_download() as download:
        await page.click("text=CSV >> nth=0")
    path = await (await download.value).path()
    rows = await asyncio.to_thread(path.read_text)
    day = [row.split(",") for row in rows.splitlines() if f"{newest:%m/%d/%Y}" in row]
    assert len(day) == 3 * 96, "two versions of usage, one of surplus generation"
    assert stage.complaints == []


async def test_a_heat_map_is_read_by_keys_and_by_pointer(stage: Stage) -> None:
    await report_days(stage)
    newest = central_date(stage.house.clock.now()) - timedelta(days=1)
    page = await stage.open(f"{HERE}?report=daily_usage&view=current&start={newest}&end={newest}&show=quarters")
    frame, words = page.locator(".heat").first, page.locator(".heat-value").first
    await expect(words).to_contain_text("Arrow keys")
    await frame.focus()
    await page.keyboard.press("ArrowRight")
    await expect(words).to_have_text(f"{newest:%m/%d} 00:00 to 00:15, 0.005 kWh")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        await page.keyboard.press(key)
    await expect(words).to_contain_text("00:15 to 00:30")
    await expect(page.locator("rect[data-now]")).to_have_count(1)
    await page.locator(".heat").nth(1).locator("rect[data-at]").nth(7).hover()
    await expect(page.locator(".heat-value").nth(1)).to_contain_text("01:45 to 02:00, N/A, missing")
    assert stage.complaints == []
