"""Pictures of the pages for the documents: `python -m tests.portal.pages.screenshots FOLDER`."""

import asyncio
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from playwright.async_api import Browser, Page

from gateway.clock import central_date
from gateway.errors import FailureReason
from gateway.identifiers import EsiId, MeterNumber
from portal.companies.kinds import Kind
from portal.seed import SeedAccount, SeedCompany, SeedDuns, SeedGateway, SeedMeter, SeedPremise, SeedWorld
from portal.usage.intervals import Channel, MeterDay
from simulators.load_shape import Home, HouseholdLoad
from tests.portal.pages.house import House, open_house
from tests.portal.pages.people_screenshots import people_pictures, with_people
from tests.portal.pages.real_browser import Meters, ShiftedClock, chromium, served, sign_in
from tests.portal.world import BEGAN, GATEWAY, LONE_STAR, PASSWORD, WIRES, since

STREETS = (
    ("4114", "Pecan Hollow", "Ln", "Round Rock", "78664"),
    ("208", "Bluebonnet", "Dr", "Georgetown", "78626"),
    ("1907", "Guadalupe", "St", "Austin", "78705"),
    ("36", "Cypress Bend", "Ct", "Pflugerville", "78660"),
    ("512", "Mesquite", "Ave", "Taylor", "76574"),
    ("77", "Live Oak", "Way", "Hutto", "78634"),
    ("1420", "San Gabriel", "Pkwy", "Leander", "78641"),
    ("903", "Agarita", "Trl", "Cedar Park", "78613"),
)


def esi_of(number: int) -> EsiId:
    """The ESI ID of a pictured premise."""
    return EsiId(f"10443720001{234500 + number:06}")


WORLD = SeedWorld(
    companies=(
        SeedCompany(
            name="Bluebonnet Power", kind=Kind.REP, email="a@bluebonnet.example", duns=(SeedDuns(duns=LONE_STAR),)
        ),
        SeedCompany(name="Hill Country Wires", kind=Kind.TDSP, email="a@wires.example", duns=(SeedDuns(duns=WIRES),)),
    ),
    accounts=tuple(
        SeedAccount(
            user_id=user,
            password=PASSWORD,
            first_name=first,
            last_name=last,
            email=f"{user}@example.com",
            company=company,
            administrator=company is not None,
        )
        for user, first, last, company in (
            ("dana.whitfield", "Dana", "Whitfield", "Bluebonnet Power"),
            ("sam.ortega", "Sam", "Ortega", "Hill Country Wires"),
            ("maria.lopez", "Maria", "Lopez", None),
        )
    ),
    gateways=(SeedGateway(id=GATEWAY, tdsp="Hill Country Wires"),),
    premises=tuple(
        SeedPremise(
            esi_id=esi_of(number),
            tdsp="Hill Country Wires",
            house_number=house,
            street_name=street,
            street_type=kind,
            city=city,
            zip=code,
            spans=since(LONE_STAR),
            customer="maria.lopez" if number == 1 else None,
        )
        for number, (house, street, kind, city, code) in enumerate(STREETS)
    ),
    meters=tuple(
        SeedMeter(
            number=MeterNumber(f"9000001{16 + number}"),
            esi_id=esi_of(number),
            gateway=GATEWAY,
            installed_at=BEGAN,
            provisioned_at=BEGAN,
        )
        for number in range(len(STREETS))
    ),
)


async def press(page: Page, until: str) -> None:
    """Press On Demand Read and wait for what comes of it."""
    await page.click("#odr-button")
    await page.wait_for_selector(until)


async def reads_in_every_state(page: Page, meters: Meters, clock: ShiftedClock, address: str, folder: Path) -> None:
    """The meter's page before, during and after reads."""
    await page.goto(f"{address}/usage/meters/{esi_of(0)}")
    await shoot(page, folder, "meter-new")
    meters.fails = FailureReason.TIMEOUT
    await press(page, "#on-demand-read .note.bad")
    await shoot(page, folder, "meter-failed")
    meters.fails = None
    meters.gate.clear()
    await press(page, "li.now:has-text('radio')")
    await shoot(page, folder, "meter-reading")
    meters.gate.set()
    await page.wait_for_selector("#on-demand-read .figures")
    await shoot(page, folder, "meter-read")


async def shoot(page: Page, folder: Path, name: str) -> None:
    """One picture of the whole page."""
    await page.screenshot(path=folder / f"{name}.png", full_page=True)


def day_of(number: int, day: date) -> tuple[MeterDay, ...]:
    """A household's day, four of its quarter hours estimated, in both directions."""
    load = HouseholdLoad(f"home-{number}", Home(solar=number % 2 == 1)).day(day)
    estimated = tuple(40 <= place < 44 for place in range(len(load.delivered)))
    both = ((Channel.CONSUMPTION, load.delivered), (Channel.GENERATION, load.received))
    return tuple(
        MeterDay(
            esi_id=esi_of(number), day=day, channel=channel, revised_at=None, values=tuple(values), estimated=estimated
        )
        for channel, values in both
        if any(values)
    )


async def pictures(browser: Browser, house: House, clock: ShiftedClock, address: str, folder: Path) -> None:
    """Every page in light; the main ones in dark and on a phone too."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = await context.new_page()
    await page.goto(address)
    await shoot(page, folder, "sign-in")
    await page.click("main button.main")
    await shoot(page, folder, "sign-in-problem")
    meters = Meters(house)
    answering = asyncio.create_task(meters.run())
    yesterday = central_date(clock.now()) - timedelta(days=1)
    await house.report(*day_of(0, yesterday))
    month = [yesterday - timedelta(days=back) for back in range(30)]
    for day in month:
        await house.report(*day_of(1, day))
    span = f"report=daily_usage&view=current&start={month[-1]}&end={yesterday}"
    await sign_in(context, address, "dana.whitfield")
    await reads_in_every_state(page, meters, clock, address, folder)
    for name, path in (
        ("account-meters", "/account/meters"),
        ("usage-meters", "/usage/meters?sort=city"),
        ("profile", "/account/profile"),
        ("help", "/help"),
        ("usage-report", f"/usage/meters/{esi_of(1)}/report"),
        ("heat-map", f"/usage/meters/{esi_of(1)}/report?{span}&show=quarters"),
        ("compared", f"/usage/meters/{esi_of(1)}/report?{span}&compare=week"),
        ("meter-solar", f"/usage/meters/{esi_of(1)}"),
        ("not-found", "/nowhere"),
        ("search-empty", "/usage/meters?by=number&value=12345"),
    ):
        await page.goto(address + path)
        await shoot(page, folder, name)
    await page.goto(f"{address}/usage/meters/{esi_of(0)}")
    await page.emulate_media(color_scheme="dark")
    await shoot(page, folder, "meter-read-dark")
    await page.emulate_media(color_scheme="light", media="print")
    await shoot(page, folder, "meter-read-print")
    await page.emulate_media(media="screen")
    await page.set_viewport_size({"width": 375, "height": 800})
    await shoot(page, folder, "meter-read-phone")
    await page.goto(f"{address}/account/meters")
    await shoot(page, folder, "account-meters-phone")
    await context.close()
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    await sign_in(context, address, "sam.ortega")
    page = await context.new_page()
    await page.goto(f"{address}/fleet")
    await shoot(page, folder, "fleet")
    await context.close()
    answering.cancel()


async def main(folder: Path) -> None:
    """Make the pictures in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = ShiftedClock()
    with tempfile.TemporaryDirectory() as data:
        world = with_people(WORLD)
        async with open_house(Path(data), clock, world) as house, served(house) as address, chromium() as browser:
            await pictures(browser, house, clock, address, folder)
            await people_pictures(browser, house, address, folder, shoot)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
