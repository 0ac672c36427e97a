"""Guide 3.3, Effect of a Meter Change, and when a new meter is seen (10.1), as pages and API behave."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.dice import SeededDice
from gateway.market_notices import RepChange
from portal.market.desk import MarketDesk
from tests.clock import HandClock
from tests.portal.market.telling import tell_from
from tests.portal.market.words import DAY, NEW, created, exchanged, installed, provisioned, rep
from tests.portal.pages.house import House, open_house
from tests.portal.usage.files import meter_day
from tests.portal.world import LONE_STAR, esi

HERE, METER = esi(1), f"/usage/meters/{esi(1)}"
BEFORE = date(2026, 5, 6)
WHO = ("rep.user", "maria.customer", "wires.admin")


@pytest.fixture
def clock() -> HandClock:
    """10:00 Central on 1 July 2026."""
    return HandClock()


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house


async def page(house: House, user_id: str, path: str) -> tuple[int, str]:
    browser = house.client()
    await browser.sign_in(user_id)
    answer = await browser.get(path)
    return answer.status_code, answer.text


async def test_mch_01_a_new_smart_meter_changes_the_number_and_nothing_else(house: House, clock: HandClock) -> None:
    """MCH-01: "the ESI ID for the Smart Meter will remain the same but the Meter Number will change. ... You will
    continue to have access to the usage data captured by the Smart Meter and your SMT service will be
    uninterrupted." """
    await house.report(meter_day([250] * 96, BEFORE, HERE))
    old = {user_id: await page(house, user_id, f"{METER}?day={BEFORE}") for user_id in WHO}
    assert await tell_from(house, exchanged(clock.now(), "M00001", "N00002", HERE)) == ["applied"]
    for user_id in WHO:
        status, text = await page(house, user_id, f"{METER}?day={BEFORE}")
        assert status == old[user_id][0] == 200
        assert "M00001" in old[user_id][1]
        assert "N00002" in text
        assert "M00001" not in text
        assert "0.250" in text, "the old meter's usage"
        assert HERE in text


async def test_mch_01_the_number_changes_at_its_instant_and_not_before(house: House, clock: HandClock) -> None:
    """MCH-01: an exchange that is told ahead takes effect then."""
    at = clock.now() + timedelta(hours=2)
    assert await tell_from(house, exchanged(at, "M00001", "N00002", HERE)) == ["waiting"]
    assert "M00001" in (await page(house, "rep.user", METER))[1]
    clock.set(at)
    assert await MarketDesk(house.database, clock, SeededDice(3)).take_effect() == 1
    status, text = await page(house, "rep.user", METER)
    assert (status, "N00002" in text, "M00001" in text) == (200, True, False)


async def test_mch_02_a_conventional_meter_ends_access_to_the_old_ones_data(house: House, clock: HandClock) -> None:
    """MCH-02: "If the old Smart Meter is replaced with a conventional meter, your access to the usage data that was
    collected by the old Smart Meter will no longer be available via SMT." """
    await house.report(meter_day([250] * 96, BEFORE, HERE))
    assert await tell_from(house, exchanged(clock.now(), "M00001", None, HERE)) == ["applied"]
    for user_id in WHO:
        for path in (METER, f"{METER}?day={BEFORE}", f"/api/v1/meters/{HERE}"):
            assert (await page(house, user_id, path))[0] == 404


async def test_mch_03_a_meter_is_visible_once_its_tdsp_has_provisioned_it(house: House, clock: HandClock) -> None:
    """MCH-03 (guide 10.1): an installed meter may not be seen yet: "not yet provisioned"."""
    at = clock.now() - 60 * DAY
    await tell_from(house, created(at), installed(at, "N1"), rep(at, RepChange.MOVE_IN, LONE_STAR))
    path = f"/usage/meters/{NEW}"
    assert ((await page(house, "rep.user", path))[0], (await page(house, "wires.admin", path))[0]) == (404, 200)
    await tell_from(house, provisioned(clock.now(), "N1"))
    assert (await page(house, "rep.user", path))[0] == 200
