"""Pages of agreements in a real browser: by axe in light and dark, without JavaScript, at the width of a phone."""

import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Page, expect

from tests.portal.agreements.asking import ENERGY, SERVICES, agreed, asked
from tests.portal.pages.test_in_chromium import Stage, stage
from tests.portal.people.stand import Office
from tests.portal.world import esi

__all__ = ["stage"]

LIST = "/account/agreements"
DARK_AND_LIGHT = pytest.mark.parametrize(
    "stage", [{"color_scheme": scheme} for scheme in ("light", "dark")], indirect=True
)
WITHOUT_JAVASCRIPT = pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
PHONE = pytest.mark.parametrize("stage", [{"viewport": {"width": 390, "height": 800}}], indirect=True)


async def office_of(stage: Stage) -> Office:
    office = Office.over(stage.house.database, stage.clock)
    await agreed(office)
    await asked(office, kind=SERVICES, secret="en-espanol", language="es")
    await asked(office, kind=ENERGY, secret="asked", number=2)
    return office


@DARK_AND_LIGHT
async def test_axe_finds_nothing_on_the_pages_of_agreements(stage: Stage) -> None:
    axe, found = Axe(), dict[str, Any]()
    page = await stage.open(LIST)
    found["none"] = await axe.run(page)
    await office_of(stage)
    places = [LIST, f"{LIST}?status=expired", f"{LIST}/new", f"{LIST}/1", f"{LIST}/2", f"{LIST}/1/end"]
    places += ["/agreements/the link", "/agreements/en-espanol", "/agreements/asked", f"/usage/meters/{esi(1)}"]
    for path in places:
        await page.goto(stage.address + path)
        await expect(page.locator("h1")).to_be_visible()
        found[path] = await axe.run(page)
    await page.goto(f"{stage.address}{LIST}/new")
    await page.click("main button.main")
    await expect(page.locator("#problem")).to_be_visible()
    found["refused"] = await axe.run(page)
    assert {place: result.generate_report() for place, result in found.items() if result.violations_count} == {}
    assert [each for each in stage.complaints if "status of 422" not in each] == []


@WITHOUT_JAVASCRIPT
async def test_without_javascript_a_customer_answers_and_ends_it(stage: Stage) -> None:
    await office_of(stage)
    page = await stage.open("/agreements/asked")
    await page.click("button[value=accept]")
    await expect(page.locator(".note.good")).to_contain_text("You agreed on")
    await page.click("summary")
    await page.click("button[value=terminate]")
    await expect(page.locator(".note")).to_contain_text("You ended this agreement")
    await page.go_back()
    await page.reload()
    await expect(page.locator(".note")).to_contain_text("You ended this agreement")


async def wide(page: Page) -> list[int]:
    """How much wider than the window a page is."""
    sizes: list[int] = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    return sizes


@PHONE
async def test_nothing_is_cut_off_on_a_phone(stage: Stage) -> None:
    await office_of(stage)
    for path in (LIST, f"{LIST}/new", f"{LIST}/1", "/agreements/asked", "/agreements/en-espanol"):
        page = await stage.open(path)
        content, window = await wide(page)
        assert content <= window, path
    await expect(page.locator("h1")).to_have_text(re.compile("solicita su consentimiento"))
