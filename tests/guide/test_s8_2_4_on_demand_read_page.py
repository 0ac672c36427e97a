"""Guide 8.2.4, On Demand Read Report, as its page keeps it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import FailureReason
from gateway.messages import ReadStage
from tests.clock import HandClock, turns
from tests.portal.pages.house import Browser, House, open_house
from tests.portal.world import esi

METER = f"/usage/meters/{esi(1)}"
ASK = f"{METER}/reads"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
BUTTON = re.compile(r'<button id="odr-button"[^>]*>')


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The portal at 10:00 Central on 1 July 2026."""
    async with open_house(tmp_path, HandClock()) as house:
        yield house


async def signed_in(house: House, user_id: str = "rep.admin") -> Browser:
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


def button(page: str) -> str:
    found = BUTTON.search(page)
    assert found
    return found[0]


def is_disabled(page: str) -> bool:
    return " disabled" in button(page)


async def read_once(house: House, browser: Browser) -> str:
    """Press the button and let the meter answer; returns the page afterwards."""
    await browser.press(METER, ASK)
    request = await house.bus.request()
    await house.desk.handle([house.answers().done(request)])
    return (await browser.get(METER)).text


async def test_odr_01_the_button_is_on_the_meters_usage_page(house: House) -> None:
    """ODR-01: "Click 'On Demand Read' button"."""
    page = (await (await signed_in(house)).get(METER)).text
    assert ">On Demand Read</button>" in page
    assert not is_disabled(page)
    assert f'<form id="odr-form" method="post" action="{ASK}">' in page


async def test_odr_02_a_second_read_within_the_hour_is_refused_with_the_exact_second(house: House) -> None:
    """ODR-02: "request an On Demand Read of a Customer's meter once every hour, 24 times in a day"."""
    browser = await signed_in(house)
    page = await read_once(house, browser)
    assert "1 of 24 used today" in page
    refused = await browser.press(METER, ASK)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "3600"
    assert "07/01/2026 11:00:00</time></strong> Central" in refused.text
    assert house.requests() == []


async def test_odr_02_after_24_reads_the_page_says_midnight_central(house: House) -> None:
    """ODR-02, where a day of 25 hours lets 24 fit with one to spare: 1 November 2026."""
    clock = house.clock
    assert isinstance(clock, HandClock)
    clock.set(clock.now().replace(month=11, day=1, hour=5, minute=0))
    browser = await signed_in(house)
    for _ in range(24):
        page = await read_once(house, browser)
        clock.set(clock.now() + HOUR)
        browser = await signed_in(house)
    page = (await browser.get(METER)).text
    assert "24 of 24 used today" in page
    assert "11/02/2026 00:00:00</time></strong> Central" in page
    assert is_disabled(page)


async def test_odr_03_the_request_goes_out_at_once_and_click_here_shows_the_latest_data(house: House) -> None:
    """ODR-03: "Your On Demand Read request will be processed immediately. You may click the link provided 'Click here'
    to refresh the page after a few moments. The On Demand Read Report section will be refreshed with the latest data."
    """
    browser = await signed_in(house)
    pressed = await browser.press(METER, ASK)
    assert pressed.url.path == METER
    request = await house.bus.request()
    assert request.esi_id == esi(1)
    assert f'<a href="{METER}">Click here</a> to refresh the page after a few moments.' in pressed.text
    answers = house.answers()
    await house.desk.handle([answers.stage(request, ReadStage.ACCEPTED), answers.stage(request, ReadStage.ON_AIR)])
    waiting = (await browser.get(METER)).text
    assert '<li class="now" aria-current="step">On the radio' in waiting
    assert is_disabled(waiting)
    await house.desk.handle([answers.done(request)])
    refreshed = (await browser.get(METER)).text
    assert "12,345.678 <small>kWh</small>" in refreshed
    assert "N/A <small>kWh</small>" in refreshed
    assert "0.420 <small>kW</small>" in refreshed
    assert "07/01/2026 10:00:00" in refreshed


@pytest.mark.parametrize("reason", list(FailureReason))
async def test_odr_04_a_failure_shows_the_guides_words_with_its_cause_and_costs_nothing(
    house: House, reason: FailureReason
) -> None:
    """ODR-04: "Error! On Demand Read request could not be fulfilled. Please try again" ... "You may try to request
    again."
    """
    browser = await signed_in(house)
    await browser.press(METER, ASK)
    await house.desk.handle([house.answers().failed(await house.bus.request(), reason)])
    page = (await browser.get(METER)).text
    assert "Error! On Demand Read request could not be fulfilled. Please try again" in page
    assert "This request did not use up the hour: you may ask again at once." in page
    assert "0 of 24 used today" in page
    assert not is_disabled(page)
    assert (await browser.press(METER, ASK)).status_code == 200
    assert (await house.bus.request()).esi_id == esi(1)


async def test_odr_05_the_button_is_disabled_for_the_hour_and_enabled_on_its_last_second(house: House) -> None:
    """ODR-05: "If you have submitted a request within an hour and the request has been processed by SMT, this button
    will be disabled. You may come back ... after an hour."
    """
    clock = house.clock
    assert isinstance(clock, HandClock)
    browser = await signed_in(house)
    assert is_disabled(await read_once(house, browser))
    clock.set(clock.now() + HOUR - SECOND)
    browser = await signed_in(house)
    assert is_disabled((await browser.get(METER)).text)
    clock.set(clock.now() + SECOND)
    assert not is_disabled((await browser.get(METER)).text)


async def test_odr_06_the_limit_is_the_meters_whoever_asks(house: House) -> None:
    """ODR-06: "request an On Demand Read of a Customer's meter once every hour": the meter's, not the user's."""
    await read_once(house, await signed_in(house))
    for colleague in ("rep.user", "maria.customer", "wires.admin"):
        browser = await signed_in(house, colleague)
        assert is_disabled((await browser.get(METER)).text), colleague
        assert (await browser.press(METER, ASK)).status_code == 429, colleague


async def test_odr_06_who_asks_while_the_meter_is_read_is_shown_that_read(house: House) -> None:
    """ODR-06: two colleagues at once get one read, and the table names both."""
    first, second = await signed_in(house), await signed_in(house, "rep.user")
    await first.press(METER, ASK)
    request = await house.bus.request()
    await second.press(METER, ASK)
    await turns()
    assert house.requests() == []
    await house.desk.handle([house.answers().done(request)])
    assert "Rep Doe, Rep Doe" in (await second.get(METER)).text
    assert "Another party" in (await (await signed_in(house, "maria.customer")).get(METER)).text
