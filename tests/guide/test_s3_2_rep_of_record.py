"""Guide 3.2, Adding and Removing Smart Meters, as pages and API behave when a TDSP tells its notices."""

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from gateway.market_notices import RepChange
from portal.accounts.tables import accounts, duns_grants
from portal.companies.status import DunsStatus
from portal.companies.tables import duns_numbers
from portal.meters.tables import attachments
from tests.clock import HandClock
from tests.portal.market.telling import tell_from
from tests.portal.market.words import DAY, NEW, created, installed, provisioned, rep
from tests.portal.pages.house import House, open_house
from tests.portal.usage.files import meter_day
from tests.portal.world import BLUEBONNET, LONE_STAR, LONE_STAR_SECOND, esi

ROW = re.compile(r'href="/usage/meters/([0-9]+)"')
HERE, METER = esi(1), f"/usage/meters/{esi(1)}"
LONG_AGO = date(2026, 5, 6)


@pytest.fixture
def clock() -> HandClock:
    """10:00 Central on 1 July 2026."""
    return HandClock()


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house


async def listed(house: House, user_id: str) -> list[EsiId]:
    """The meters of a user's list."""
    browser = house.client()
    await browser.sign_in(user_id)
    return [EsiId(found) for found in ROW.findall((await browser.get("/account/meters")).text)]


async def status(house: House, user_id: str, path: str = METER) -> int:
    browser = house.client()
    await browser.sign_in(user_id)
    return (await browser.get(path)).status_code


async def test_ror_01_meters_come_and_go_by_the_tdsps_notices(house: House, clock: HandClock) -> None:
    """ROR-01: "Your Customers' Smart Meters are added or removed from your Account automatically. ... the TDSP will
    automatically notify SMT." """
    assert NEW not in await listed(house, "rep.admin")
    at = clock.now() - DAY
    comes = (created(at), installed(at, "N1"), provisioned(at, "N1"), rep(at, RepChange.MOVE_IN, LONE_STAR))
    assert await tell_from(house, *comes) == ["applied"] * 4
    assert NEW in await listed(house, "rep.admin")
    assert await tell_from(house, rep(clock.now(), RepChange.MOVE_OUT)) == ["applied"]
    assert NEW not in await listed(house, "rep.admin")


async def test_ror_02_a_notice_is_processed_when_it_is_received(house: House, clock: HandClock) -> None:
    """ROR-02: "SMT processes the transactions immediately upon receipt." """
    assert await tell_from(house, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE)) == ["applied"]
    assert await status(house, "blue.admin") == 200, "at the same instant, with nothing in between"


async def test_ror_02_one_that_is_told_ahead_holds_from_its_instant_on(house: House, clock: HandClock) -> None:
    """ROR-02: what is told before its day is kept until then."""
    ahead = rep(clock.now() + timedelta(hours=1), RepChange.SWITCH, BLUEBONNET, HERE)
    assert await tell_from(house, ahead) == ["waiting"]
    assert (await status(house, "rep.user"), await status(house, "blue.admin")) == (200, 404)
    clock.set(clock.now() + timedelta(hours=1))
    assert (await status(house, "rep.user"), await status(house, "blue.admin")) == (404, 200)


@pytest.mark.parametrize("change", [RepChange.SWITCH, RepChange.MASS_TRANSITION])
async def test_ror_03_a_switch_ends_the_previous_reps_access_and_not_the_customers(
    house: House, clock: HandClock, change: RepChange
) -> None:
    """ROR-03: "If SMT is notified of a Switch, then the previous REP will lose access to the data from that Smart
    Meter but the Customer's access is not affected." """
    assert await status(house, "rep.user") == 200
    await tell_from(house, rep(clock.now(), change, BLUEBONNET, HERE))
    assert await status(house, "rep.user") == 404
    assert await status(house, "maria.customer") == 200
    assert HERE not in await listed(house, "rep.user")


async def test_ror_04_a_move_out_ends_the_access_of_rep_and_customer(house: House, clock: HandClock) -> None:
    """ROR-04: "If SMT is notified of a Move Out, then both the previous REP and the previous Customer will lose
    access to the data from that Smart Meter." """
    assert (await status(house, "rep.user"), await status(house, "maria.customer")) == (200, 200)
    await tell_from(house, rep(clock.now(), RepChange.MOVE_OUT, None, HERE))
    assert (await status(house, "rep.user"), await status(house, "maria.customer")) == (404, 404)


async def test_ror_05_a_move_in_gives_the_meter_to_the_rep_and_not_to_the_customer(
    house: House, clock: HandClock
) -> None:
    """ROR-05: "If SMT is notified of a Move In, then the incoming REP will immediately gain access ... However, the
    incoming Customer will need to manually add the Smart Meter to their own SMT account." """
    await tell_from(house, rep(clock.now(), RepChange.MOVE_OUT, None, HERE))
    await tell_from(house, rep(clock.now(), RepChange.MOVE_IN, BLUEBONNET, HERE))
    assert await status(house, "blue.admin") == 200
    assert await status(house, "maria.customer") == 404, "nobody has attached it yet"

    async def attach(connection: AsyncConnection) -> None:
        maria = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == "maria.customer"))
        row = {"esi_id": HERE, "account_id": maria, "attached_at": clock.now() + timedelta(seconds=1)}
        await connection.execute(insert(attachments), row)

    await house.database.write(attach)
    clock.set(clock.now() + timedelta(hours=1))
    await tell_from(house, rep(clock.now(), RepChange.SWITCH, LONE_STAR, HERE))
    assert await status(house, "maria.customer") == 200, "the meter was free for her to add"


async def test_ror_05_a_move_in_without_a_move_out_frees_the_meter_too(house: House, clock: HandClock) -> None:
    """ROR-05: who lived there before does not see what the incoming customer uses."""
    await tell_from(house, rep(clock.now(), RepChange.MOVE_IN, BLUEBONNET, HERE))
    assert [await status(house, who) for who in ("rep.user", "blue.admin", "maria.customer")] == [404, 200, 404]


async def test_ror_06_only_the_current_rep_sees_the_meter_and_all_of_its_history(
    house: House, clock: HandClock
) -> None:
    """ROR-06: "You can only see Smart Meters for which your Company is the current ROR. You will have access to
    available historical data if you are the current ROR. If a transaction is processed that changes the ROR status to
    another REP, you will no longer be able to see any data from the Smart Meter - including data for the time period
    in which you were the ROR." """
    await house.report(meter_day([250] * 96, LONG_AGO, HERE))
    day = f"{METER}?day={LONG_AGO}"
    assert (await status(house, "rep.user", day), await status(house, "blue.admin", day)) == (200, 404)
    await tell_from(house, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, HERE))
    assert await status(house, "rep.user", day) == 404
    browser = house.client()
    await browser.sign_in("blue.admin")
    assert "0.250" in (await browser.get(day)).text, "a day from before its time is shown"
    for path in (f"/api/v1/meters/{HERE}", f"/api/v1/premises/{HERE}", METER):
        assert await status(house, "rep.user", path) == 404


async def test_ror_07_the_reps_number_must_be_active_and_granted(house: House, clock: HandClock) -> None:
    """ROR-07 (guide 4.3, 5.1): access also needs the REP of record's DUNS number to be Active and granted."""
    await tell_from(house, rep(clock.now(), RepChange.SWITCH, LONE_STAR_SECOND, HERE))
    assert await status(house, "rep.admin") == 200, "administrators hold every number"
    assert await status(house, "rep.user") == 404, "this number is not granted to him"
    second = select(duns_numbers.c.id).where(duns_numbers.c.duns == LONE_STAR_SECOND).scalar_subquery()

    async def grant(connection: AsyncConnection) -> None:
        user = select(accounts.c.id).where(accounts.c.user_key == "rep.user").scalar_subquery()
        await connection.execute(insert(duns_grants).values(account_id=user, duns_id=second))

    async def suspend(connection: AsyncConnection) -> None:
        number = update(duns_numbers).where(duns_numbers.c.duns == LONE_STAR_SECOND)
        await connection.execute(number.values(status=DunsStatus.SUSPENDED))

    await house.database.write(grant)
    assert await status(house, "rep.user") == 200
    await house.database.write(suspend)
    assert (await status(house, "rep.admin"), await status(house, "rep.user")) == (404, 404)
