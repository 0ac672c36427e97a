"""A retailer's working day in a real browser: the customer on the phone, and the end of the month.

Pictures of every step lie under the test's folder; nothing here is answered by the test but the meters.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, FilePayload, Page, expect

from gateway.clock import central_date, intervals_in
from portal.files.folders import Folder
from portal.orders.placement import place_due
from portal.seed import SeedWorld
from portal.usage.intervals import Channel, MeterDay
from portal.vee.run import Run
from portal.vee.settings import VeeSettings
from tests.portal.files.stand import Client, stand
from tests.portal.pages.desk import worker_of
from tests.portal.pages.house import House, open_house
from tests.portal.pages.real_browser import Meters, ShiftedClock, chromium, served, sign_in
from tests.portal.world import LONE_STAR, WORLD, esi, meter, premise, since

ESTATE = range(1000, 1500)
NOBODYS = (esi(9001), esi(9002), esi(9003))


@dataclass(frozen=True, slots=True)
class Desk:
    """A retailer's administrator in a browser, before a served house whose meters answer."""

    house: House
    folder: Path
    page: Page
    complaints: list[str]

    async def shoot(self, name: str) -> None:
        """A picture of where the journey is."""
        await self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)


def estate() -> SeedWorld:
    """The small world and five hundred meters more of the same retailer."""
    homes = [premise(number, since(LONE_STAR)) for number in ESTATE]
    return replace(
        WORLD,
        premises=[*WORLD.premises, *homes],
        meters=[*WORLD.meters, *(meter(number) for number in ESTATE)],
    )


@pytest.fixture
async def desk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """Parametrise it indirectly with a world."""
    world, clock, complaints = getattr(request, "param", WORLD), ShiftedClock(), list[str]()
    async with open_house(tmp_path, clock, world) as house, served(house) as address, chromium() as browser:
        context: BrowserContext = await browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(15_000)
        await sign_in(context, address, "rep.admin")
        answering = asyncio.create_task(Meters(house).run())
        page = await context.new_page()
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Desk(house, tmp_path, page, complaints)
        await context.close()
        await house.settled()
        answering.cancel()


def usage(number: int, day: date, gap: int | None = None) -> MeterDay:
    """A day of a meter, each quarter hour known but perhaps one."""
    values = [100 + (7 * place + number) % 50 for place in range(intervals_in(day))]
    return MeterDay(
        esi_id=esi(number),
        day=day,
        channel=Channel.CONSUMPTION,
        revised_at=None,
        values=tuple(None if place == gap else value for place, value in enumerate(values)),
        estimated=(False,) * len(values),
    )


async def test_the_customer_on_the_phone_is_found_read_and_told_why(desk: Desk) -> None:
    """Search, read now, show yesterday, explain an estimated quarter hour, export a month."""
    house, page = desk.house, desk.page
    today = central_date(house.clock.now())
    late = today - timedelta(days=12)
    for number in range(1, 40):
        day = today - timedelta(days=number)
        await house.report(usage(1, day, gap=10 if day == late else None))
    run = await Run(house.database, house.ledger, house.intervals, house.clock, VeeSettings(backfill_days=5)).day(late)
    assert run.estimated_days == 1, run

    await page.goto("/")
    await page.keyboard.press("/")
    await page.keyboard.type("maria")
    await expect(page.locator("#found [role=option]")).to_have_count(1)
    await desk.shoot("1-found")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/usage/meters/{esi(1)}")
    await page.click("#odr-button")
    await expect(page.locator("#on-demand-read")).to_contain_text("12,345.678")
    await expect(page.locator("#odr-button")).to_be_disabled()
    await desk.shoot("2-read")

    await page.goto(
        f"/usage/meters/{esi(1)}/report?report=daily_usage&view=current&start={late}&end={today - timedelta(days=1)}"
    )
    await expect(page.locator("#report header strong")).to_contain_text(f"{today - timedelta(days=1):%m/%d/%Y}")
    await desk.shoot("3-yesterday")
    await page.goto(f"{page.url}&page={late}")
    await page.click("#report summary")
    why = page.get_by_role("link", name="estimated", exact=True)
    await expect(why).to_have_count(1)
    await why.click()
    await expect(page.locator("h1")).to_contain_text("02:30 to 02:45")
    await expect(page.locator("main")).to_contain_text("a straight line over 1 quarter hour")
    await desk.shoot("4-why")
    await page.go_back()

    month = late - timedelta(days=27)
    await page.fill("#start", f"{month}")
    await page.click("text=Update Report")
    await page.wait_for_url(f"**start={month}**")
    async with page.expect_download() as download:
        await page.click("text=CSV >> nth=0")
    path = await (await download.value).path()
    rows = list(csv.reader(io.StringIO(await asyncio.to_thread(path.read_text))))
    days = [month + timedelta(days=number) for number in range((today - month).days)]
    assert len(rows) == 1 + sum(intervals_in(day) for day in days)
    assert [each for each in desk.complaints if "422" not in each] == []


@pytest.mark.parametrize("desk", [estate()], indirect=True)
async def test_the_month_ends_with_a_file_of_five_hundred_meters_and_three_faults(desk: Desk) -> None:
    """Import 500 ids of which three are nobody's, order all reports, follow the order, fetch its files twice."""
    house, page = desk.house, desk.page
    yesterday = central_date(house.clock.now()) - timedelta(days=1)
    for number in ESTATE[:5]:
        await house.report(usage(number, yesterday))
    ids = [esi(number) for number in ESTATE[:497]]
    mangled = "\n".join([*ids[:-1], "1.04437E+16", *NOBODYS]) + "\n"
    await page.goto("/usage/meters/import")
    await page.set_input_files("#file", FilePayload(name="month.csv", mimeType="text/csv", buffer=mangled.encode()))
    await page.click("main form button.main")
    await expect(page.locator("#faults-title")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("1.04437E+16")
    await desk.shoot("1-mangled")

    listed = "\n".join([*ids, *NOBODYS]) + "\n"
    await page.set_input_files("#file", FilePayload(name="month.csv", mimeType="text/csv", buffer=listed.encode()))
    await page.click("main form button.main")
    await expect(page.locator("h1")).to_have_text("Search Results")
    await expect(page.locator(".sub").first).to_contain_text("500 values · 497 found, 3 not found")
    for value in NOBODYS:
        await expect(page.locator(".ids")).to_contain_text(value)
    await desk.shoot("2-found")
    await page.check("#list")
    await page.click("main form[method=get] button.main")

    for report in ("daily_usage", "daily_reads", "monthly_usage"):
        await page.check(f"#{report}")
        await page.fill(f"#{report}_start", f"{yesterday - timedelta(days=30)}")
        await page.fill(f"#{report}_end", f"{yesterday}")
    await desk.shoot("3-three-reports")
    await page.click("main form button.main")
    await page.wait_for_url("**/usage/orders/*")
    await expect(page.locator("progress")).to_be_visible()
    assert await worker_of(house).work()
    await expect(page.locator("#order .tag")).to_have_text("Complete")
    await expect(page.locator("#order-files tbody tr")).to_have_count(3)
    await desk.shoot("4-complete")

    by_page = {}
    for link in await page.locator("#order-files a[href*='/files/']").all():
        async with page.expect_download() as download:
            await link.click()
        path = await (await download.value).path()
        by_page[(await download.value).suggested_filename] = await asyncio.to_thread(path.read_bytes)
    assert len(by_page) == 3
    await place_due(house.database, house.files, house.clock)
    async with stand(house.database, desk.folder, house.clock) as servers:

        def fetched(client: Client) -> list[bytes]:
            return [client.fetched(f"{Folder.ADHOC}/{name.rpartition('/')[2]}") for name in client.nlst(Folder.ADHOC)]

        by_ftps = await servers.ftps(fetched)
    assert sorted(by_ftps) == sorted(by_page.values())
    assert [each for each in desk.complaints if "422" not in each] == []
