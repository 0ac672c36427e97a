"""Guide 8.2.4, On Demand Read Report, as clients of Smart Meter Texas meet it. Each test quotes its rule."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.database import Database
from portal.reads.ask import Joined, Refused
from portal.smt.facade import OVER_LIMIT, SUBMITTED
from tests.clock import HandClock
from tests.portal.smt.stand import Stand, standing
from tests.portal.world import settle, viewer, visible

LONG_DAY = datetime(2025, 11, 2, 5, 0, 1, tzinfo=UTC)
"""A second into the Chicago day that has 25 hours."""


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """The façade over the small world, on each database."""
    database, clock = Database.open(database_url), HandClock(LONG_DAY)
    await settle(database, clock.now())
    async with standing(database, clock) as standing_:
        yield standing_
    await database.close()


async def succeed(stand: Stand, token: str, number: int = 1) -> None:
    """Ask for a read that is granted, and let it succeed."""
    asked = await stand.ask(token, number)
    assert asked["statusReason"] == SUBMITTED, asked
    await stand.succeed(asked)


async def test_odr_01_whoever_sees_the_meter_may_ask(stand: Stand) -> None:
    """ODR-01: "You may request an On Demand Read of a Customer's meter during your viewing of any one of the Usage
    Report online." The customer, the REP of record and its TDSP may; ERCOT only looks.
    """
    for user_id in ("maria.customer", "rep.admin", "wires.admin"):
        await succeed(stand, await stand.token(user_id))
        await stand.clock.advance(3600)
    refused = await stand.ask(await stand.token("ercot.user"))
    assert (refused["statusCode"], refused["correlationId"]) == ("1", "")
    assert "REP of record" in refused["statusReason"]


async def test_odr_02_a_second_read_within_the_hour_is_refused_in_the_known_words(stand: Stand) -> None:
    """ODR-02: "SMT allows you to request an On Demand Read of a Customer's meter once every hour, 24 times in a day."
    The answer is a 200, and beside the known words stands when the next read may be had.
    """
    token = await stand.token()
    accepted_at = stand.clock.now()
    await succeed(stand, token)
    await stand.clock.advance(3599)
    refused = await stand.ask(token)
    assert refused["statusReason"] == OVER_LIMIT
    assert refused["statusCode"] == "1"
    assert refused["nextAllowedAt"] == (accepted_at + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert refused["usedToday"] == 1


async def test_odr_02_the_25th_read_of_a_25_hour_day_is_refused_until_midnight(stand: Stand) -> None:
    """ODR-02: "... 24 times in a day.": with one an hour only the day of 25 hours comes to it."""
    for _ in range(24):
        await succeed(stand, await stand.token())
        await stand.clock.advance(3600)
    refused = await stand.ask(await stand.token())
    assert refused["statusReason"] == OVER_LIMIT
    assert refused["usedToday"] == 24
    assert refused["nextAllowedAt"] == "2025-11-03T06:00:00.000000Z"
    await stand.clock.advance(3600)
    await succeed(stand, await stand.token())


async def test_odr_03_the_latest_data_are_shown_once_the_read_is_there(stand: Stand) -> None:
    """ODR-03: "Your On Demand Read request will be processed immediately. ... The On Demand Read Report section will
    be refreshed with the latest data."
    """
    token = await stand.token()
    await stand.succeed(await stand.ask(token), 9_707_386)
    before = await stand.latest(token)
    await stand.clock.advance(3600)
    asked = await stand.ask(token)
    waiting = await stand.latest(token)
    assert (waiting["odrstatus"], waiting["odrdate"]) == ("PENDING", before["odrdate"])
    await stand.succeed(asked, 9_751_212)
    after = await stand.latest(token)
    assert (after["odrstatus"], after["odrread"], after["odrusage"]) == ("COMPLETED", "9751.212", "43.826")
    assert after["odrdate"] != before["odrdate"]
    await stand.clock.advance(600)
    assert await stand.latest(token) == after


async def test_odr_04_a_failed_read_says_so_and_may_be_asked_again_at_once(stand: Stand) -> None:
    """ODR-04: "Error! On Demand Read request could not be fulfilled. Please try again ... You may try to request
    again." A failure uses up nothing, and the old value is not told as if it were new.
    """
    token = await stand.token()
    await stand.fail(await stand.ask(token))
    failed = await stand.latest(token)
    assert (failed["odrstatus"], failed["odrread"], failed["odrdate"]) == ("FAILED", None, None)
    assert failed["responseMessage"] == "Error! On Demand Read request could not be fulfilled. Please try again"
    await succeed(stand, token)
    assert (await stand.latest(token))["odrstatus"] == "COMPLETED"


async def test_odr_05_after_the_hour_another_request_is_granted(stand: Stand) -> None:
    """ODR-05: "If you have submitted a request within an hour and the request has been processed by SMT, this button
    will be disabled. You may ... make another request for the same Customer's meter after an hour." A request that is
    still being processed is joined instead, and its end serves both.
    """
    token = await stand.token()
    first = await stand.ask(token)
    await stand.clock.advance(5)
    second = await stand.ask(token)
    assert second["statusReason"] == SUBMITTED
    assert second["correlationId"] == first["correlationId"]
    await stand.succeed(first)
    assert (await stand.ask(token))["statusReason"] == OVER_LIMIT
    await stand.clock.advance(3600)
    await succeed(stand, token)


async def test_odr_06_the_limit_is_the_meters_whoever_asks_and_wherever(stand: Stand) -> None:
    """ODR-06: "... an On Demand Read of a Customer's meter once every hour ...": one limit for customer, REP and TDSP,
    and for the pages' desk and this façade together.
    """
    await succeed(stand, await stand.token("maria.customer"))
    for user_id in ("rep.admin", "wires.admin"):
        assert (await stand.ask(await stand.token(user_id)))["statusReason"] == OVER_LIMIT
    who = await viewer(stand.database, "rep.admin")
    meter = await visible(stand.database, who, 1, stand.clock.now())
    assert isinstance(await stand.desk.ask(meter, who), Refused)
    await stand.clock.advance(3600)
    asked = await stand.ask(await stand.token("maria.customer"))
    joined = await stand.desk.ask(meter, who)
    assert joined == Joined(id=asked["correlationId"])
