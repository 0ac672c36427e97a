"""Explanations and completeness over the API: what is told to whom, and Green Button's words for our rules."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from gateway.clock import central_midnight
from gateway.database import Database
from gateway.dice import SeededDice
from portal.app import full_app
from portal.context import Portal
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.vee.explain import Explainer
from portal.vee.settings import VeeSettings
from tests.clock import HandClock
from tests.portal.conftest import SignIn, running
from tests.portal.pages.house import HTML, Browser
from tests.portal.usage.reports import Feed, number
from tests.portal.vee.street import DAY, MONDAY, Street, day_of, shape, without
from tests.portal.wire import WireBus
from tests.portal.world import CHEAP, GUIDES, esi

LOST = MONDAY + DAY
"""A day of which nothing came; of Monday a quarter hour is missing."""
AT = central_midnight(MONDAY) + timedelta(hours=2, minutes=30)
PLACE = f"/meters/{esi(5)}"


def when(hours: float, day_after: int = 0) -> str:
    """An instant of Monday, or of a day after it, as a path has it."""
    at = central_midnight(MONDAY + day_after * DAY) + timedelta(hours=hours)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
async def portal(street: Street, database: Database, bus: WireBus, clock: HandClock) -> AsyncIterator[Portal]:
    """The portal with a ledger: the third week of May as premise 5 knows it, which no gateway reaches."""
    weeks = [day - timedelta(days=7 * week) for week in (1, 2, 3) for day in (MONDAY, LOST)]
    await street.load(*(day_of(5, day) for day in weeks))
    await street.load(day_of(5, MONDAY, without(shape(MONDAY), 10)), name="monday.csv")
    await street.registers(5, LOST, 21_400)
    for day in (MONDAY, LOST):
        await street.run(day)
    store: SqlIntervalStore = street.store
    explainer = Explainer(database, database, store, clock, VeeSettings())
    portal = Portal.over(
        database,
        bus,
        clock,
        SeededDice(7),
        GUIDES,
        passwords=CHEAP,
        intervals=store,
        registers=RegisterStore(database),
        explainer=explainer,
    )
    async with running(portal):
        yield portal


async def test_an_estimate_is_explained_with_its_rule_its_inputs_and_what_it_replaced(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    told = (await client.get(f"{PLACE}/intervals/{when(2.5)}/explain")).json()
    assert (told["wh"], told["estimated"], told["state"]) == (
        (shape(MONDAY)[9] + shape(MONDAY)[11] + 1) // 2,
        True,
        "estimated",
    )
    assert told["words"].startswith("estimated: a straight line over 1 quarter hour between 0.1")
    assert told["words"].endswith("; replaced missing in version 2")
    assert [(each["version"], each["wh"], each["ours"]) for each in told["versions"]] == [
        (3, told["wh"], True),
        (2, None, False),
    ]
    assert told["versions"][1]["source"] == "monday.csv"
    (receipt,) = told["receipts"]
    assert (receipt["rule"], receipt["version"], receipt["words"]) == ("linear", 3, told["words"])


async def test_a_lost_day_is_explained_by_its_like_days_and_the_register_difference(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    told = (await client.get(f"{PLACE}/intervals/{when(12, 1)}/explain")).json()
    assert told["words"].startswith("estimated: average of 2026-05-05, 2026-04-28, 2026-04-21; scaled by ")
    assert "to the register difference of 21.4 kWh between 1000 kWh at 2026-05-12 00:00" in told["words"]
    assert told["words"].endswith("; nothing stood there before")
    assert told["registers"]["wh"] == 21_400
    assert [(part["meter"], part["from_wh"], part["to_wh"]) for part in told["registers"]["parts"]] == [
        ("M00005", 1_000_000, 1_021_400)
    ]
    scale = told["receipts"][0]["inputs"]["scale"]
    assert (scale["register_wh"], scale["numerator"]) == (21_400, 21_400)


async def test_what_is_not_there_is_explained_too(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    told = (await client.get(f"{PLACE}/intervals/{when(0, 50)}/explain")).json()
    assert (told["wh"], told["state"], told["versions"]) == (None, "awaited", [])
    generation = await client.get(f"{PLACE}/intervals/{when(0)}/explain", params={"channel": "G"})
    assert (generation.json()["state"], generation.json()["words"]) == (None, "no meter owed this quarter hour")


@pytest.mark.parametrize("start", [when(2.6), "2026-05-11T00:00:00", "yesterday", when(0, 60), "1999-01-01T06:00:00Z"])
async def test_what_begins_no_quarter_hour_of_ours_is_refused(signed_in: SignIn, start: str) -> None:
    answer = await (await signed_in("rep.user")).get(f"{PLACE}/intervals/{start}/explain")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:metergate:problem:bad-request")
    assert answer.json()["faults"][0]["where"] == "path.start"


async def test_the_page_of_an_estimate_says_its_rule_and_its_versions(portal: Portal, street: Street) -> None:
    store: SqlIntervalStore = street.store
    app = full_app(portal, store, RegisterStore(portal.database))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test", headers=HTML) as client:
        browser = Browser(client)
        await browser.sign_in("rep.user")
        day = await browser.get(f"/usage{PLACE}?day={MONDAY}")
        (why,) = re.findall(r'href="([^"]+)" title="Why this value">estimated</a>', day.text)
        assert why == f"/usage{PLACE}/explain/{when(2.5)}?channel=C"
        page = await browser.get(why)
        assert page.status_code == 200
        assert "05/11/2026, 02:30 to 02:45" in page.text
        assert "Estimated: a straight line over 1 quarter hour" in page.text
        assert "monday.csv" in page.text
        assert "estimated here" in page.text
        lost = await browser.get(f"/usage{PLACE}/explain/{when(12, 1)}")
        assert "The registers counted 21.400 kWh on that day" in lost.text
        for wrong in (when(2.6), "2026-05-11T00:00:00", "yesterday", when(0, 60), "1999-01-01T06:00:00Z"):
            assert (await browser.get(f"/usage{PLACE}/explain/{wrong}")).status_code == 404, wrong
        assert (await browser.get(f"/usage{PLACE}/explain/{when(2.5)}?channel=X")).status_code == 404
        assert (await browser.get(f"/usage/meters/{esi(3)}/explain/{when(2.5)}")).status_code == 404


async def test_a_meter_that_one_does_not_see_is_explained_like_none(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    for rest in (f"intervals/{when(2.5)}/explain", "completeness?start=2026-05-11&end=2026-05-12"):
        foreign, none = [await client.get(f"/meters/{esi(each)}/{rest}") for each in (3, 99)]
        assert (foreign.status_code, foreign.content) == (404, none.content)


async def test_rpt_05_a_customer_is_told_of_the_latest_data_only(signed_in: SignIn, street: Street) -> None:
    """RPT-05: "Current Version = latest data only (all a customer ever sees)"."""
    await street.load(day_of(1, MONDAY, without(shape(MONDAY), 10)), name="collected by gw-1")
    await street.run(MONDAY)
    client = await signed_in("maria.customer")
    told = (await client.get(f"/meters/{esi(1)}/intervals/{when(2.5)}/explain")).json()
    assert told["state"] == "estimated"
    assert [each["ours"] for each in told["versions"]] == [True]
    assert told["receipts"] == []
    assert "replaced" not in told["words"]


async def test_completeness_tells_each_day_by_state(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    told = (await client.get(f"{PLACE}/completeness", params={"start": "2026-05-10", "end": "2026-05-12"})).json()
    assert [(each["day"], each["expected"], each["states"]) for each in told["days"]] == [
        ("2026-05-10", 96, {"impossible": 96}),
        ("2026-05-11", 96, {"present": 95, "estimated": 1}),
        ("2026-05-12", 96, {"estimated": 96}),
    ]
    assert told["percent"] == 66.67
    refused = await client.get(f"{PLACE}/completeness", params={"start": "2026-05-10", "end": "2026-07-09"})
    assert (refused.status_code, refused.json()["reason"]) == (422, "future")


async def test_green_button_says_by_which_rule_a_value_was_estimated(signed_in: SignIn, street: Street) -> None:
    wednesday = MONDAY + 2 * DAY
    await street.load(day_of(5, wednesday, estimated=[7]))
    client = await signed_in("rep.user")
    params = {"start": str(MONDAY), "end": str(wednesday), "format": "green_button"}
    feed = Feed((await client.get(f"{PLACE}/usage", params=params)).text)
    blocks = [list(block.findall("{*}IntervalReading")) for _, block in feed.blocks()]
    codes = [[number(each, "ReadingQuality/quality") for each in readings] for readings in blocks]
    assert codes == [[0] * 10 + [9] + [0] * 85, [8] * 96, [0] * 7 + [17] + [0] * 88]
