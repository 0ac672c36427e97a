"""The retailer's desk for the tests of its pages: orders that are placed by hand, and a worker that makes them."""

import re
from collections.abc import Sequence
from datetime import date

import httpx

from gateway.dice import SeededDice
from portal.orders.ending import Ending
from portal.orders.letters import Post
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderedReport, OrderRequest
from portal.orders.settings import OrderSettings
from portal.orders.worker import Worker
from portal.reports.forms import Format, Report, View
from portal.reports.rows import Sources
from tests.portal.pages.house import Browser, House
from tests.portal.world import esi, viewer

DAY = date(2026, 5, 6)
READS = OrderedReport(report=Report.DAILY_READS, start=DAY, end=date(2026, 5, 8))
USAGE = OrderedReport(report=Report.DAILY_USAGE, start=DAY, end=DAY, format=Format.CSV)
GREEN_BUTTON = OrderedReport(report=Report.DAILY_USAGE, start=DAY, end=DAY, format=Format.GREEN_BUTTON)
POST = Post(address="https://meters.example.com", most_attached_bytes=1 << 20, kept_days=10)
ORDERED = re.compile(r"/usage/orders/([0-9]+)")


def worker_of(house: House, seed: int = 23) -> Worker:
    """A worker beside a house."""
    sources = Sources(intervals=house.intervals, registers=house.registers)
    ending = Ending(settings=OrderSettings(), by=POST)
    return Worker(house.database, sources, ending, house.files, house.clock, SeededDice(seed), "desk")


async def placed(
    house: House,
    user_id: str = "rep.admin",
    esi_ids: Sequence[str] = (esi(1), esi(2)),
    reports: Sequence[OrderedReport] = (READS,),
    view: View = View.CURRENT,
    seed: int = 31,
) -> Placed:
    """An order that stands; each needs a seed of its own."""
    who = await viewer(house.database, user_id)
    wanted = MeterList(by=By.ESI_ID, values=tuple(esi_ids))
    asked, now, dice = OrderRequest(reports=tuple(reports), view=view), house.clock.now(), SeededDice(seed)
    answer = await house.database.write(lambda each: place(each, who, asked, wanted, OrderSettings(), dice, now))
    assert isinstance(answer, Placed), answer
    return answer


async def signed_in(house: House, user_id: str = "rep.admin") -> Browser:
    """Somebody's browser, past the sign-in."""
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


def number_of(page: httpx.Response) -> int:
    """The number of the order to whose page a browser came."""
    found = ORDERED.fullmatch(page.url.path)
    assert found is not None, f"{page.url}: {page.text[:2000]}"
    return int(found[1])
