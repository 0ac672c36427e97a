"""Guide 8.2.4, On Demand Read Report: rules ODR-01 to ODR-06 and the readings AMB-07 that bind.

The guide: "SMT allows you to request an On Demand Read of a Customer's meter once every hour, 24 times in a day."
Each rule is tried at the desk, which holds it, and over the API, which tells it.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gateway.clock import central_date, next_central_midnight
from gateway.database import Database
from gateway.errors import FailureReason
from portal.context import Portal
from portal.reads.ask import Answer, Asked, AskRefusal, Joined, Refused
from portal.reads.status import ReadStatus
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.wire import Answers, WireBus
from tests.portal.world import esi, viewer, visible

AUTUMN_MIDNIGHT = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
"""The start of the Chicago day of 25 hours."""


async def ask(portal: Portal, user: str = "rep.user", number: int = 1) -> Answer:
    who = await viewer(portal.database, user)
    return await portal.desk.ask(await visible(portal.database, who, number, portal.clock.now()), who)


async def read_once(portal: Portal, bus: WireBus, answers: Answers, user: str = "rep.user") -> None:
    """A read that succeeds at the instant at which it was asked for."""
    assert isinstance(await ask(portal, user), Asked)
    await portal.desk.handle([answers.done(await bus.request())])


async def post(client: httpx.AsyncClient, number: int = 1) -> httpx.Response:
    return await client.post(f"/meters/{esi(number)}/reads")


async def test_odr_01_a_read_of_a_customers_meter_is_asked_for_on_demand(signed_in: SignIn, bus: WireBus) -> None:
    """ODR-01. "You may request an On Demand Read of a Customer's meter during your viewing of any one of the Usage
    Report online."
    """
    asked = await post(await signed_in("rep.user"))
    assert asked.status_code == 202
    assert (await bus.request()).esi_id == esi(1)


@pytest.mark.parametrize(("after_s", "granted"), [(0.001, False), (3599.999, False), (3600.0, True), (3600.001, True)])
async def test_odr_02_a_meter_is_read_at_most_once_every_hour_whose_end_is_inclusive(
    portal: Portal, bus: WireBus, clock: HandClock, answers: Answers, after_s: float, granted: bool
) -> None:
    """ODR-02. "SMT allows you to request an On Demand Read of a Customer's meter once every hour ..." """
    await read_once(portal, bus, answers)
    accepted_at = clock.now()
    clock.set(accepted_at + timedelta(seconds=after_s))
    answer = await ask(portal)
    if granted:
        assert isinstance(answer, Asked)
    else:
        assert isinstance(answer, Refused)
        assert (answer.reason, answer.next_allowed_at) == (AskRefusal.HOUR, accepted_at + timedelta(hours=1))


@pytest.mark.parametrize(("after_s", "status", "retry_after"), [(3599.999, 429, "1"), (3600.0, 202, None)])
async def test_odr_02_the_api_says_exactly_when_the_next_read_is_allowed(
    signed_in: SignIn,
    portal: Portal,
    bus: WireBus,
    clock: HandClock,
    answers: Answers,
    after_s: float,
    status: int,
    retry_after: str | None,
) -> None:
    """ODR-02. "... once every hour ..." """
    client = await signed_in("rep.user")
    await post(client)
    await portal.desk.handle([answers.done(await bus.request())])
    accepted_at = clock.now()
    clock.set(accepted_at + timedelta(seconds=after_s))
    again = await post(client)
    assert (again.status_code, again.headers.get("retry-after")) == (status, retry_after)
    if status == 429:
        assert datetime.fromisoformat(again.json()["retry_at"]) == accepted_at + timedelta(hours=1)


async def test_odr_02_the_hour_runs_from_the_gateways_acceptance_of_the_read_that_succeeded(
    portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    """ODR-02, AMB-07. "... once every hour ...": not from the asking, not from the answer."""
    await ask(portal)
    request = await bus.request()
    accepted_at = clock.now() + timedelta(seconds=7)
    clock.set(accepted_at + timedelta(seconds=60))
    await portal.desk.handle([answers.done(request, accepted_at=accepted_at)])
    answer = await ask(portal)
    assert isinstance(answer, Refused)
    assert answer.next_allowed_at == accepted_at + timedelta(hours=1)


async def test_odr_02_the_day_of_25_hours_has_24_reads(
    portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    """ODR-02. "... 24 times in a day.": with one an hour only the 25-hour day reaches the limit."""
    for hour in range(24):
        clock.set(AUTUMN_MIDNIGHT + timedelta(hours=hour))
        await read_once(portal, bus, answers)
    clock.set(AUTUMN_MIDNIGHT + timedelta(hours=24))
    assert central_date(clock.now()) == central_date(AUTUMN_MIDNIGHT)
    answer = await ask(portal)
    assert isinstance(answer, Refused)
    midnight = next_central_midnight(clock.now())
    assert midnight == AUTUMN_MIDNIGHT + timedelta(hours=25)
    assert (answer.reason, answer.used_today, answer.per_day) == (AskRefusal.DAY, 24, 24)
    assert answer.next_allowed_at == midnight
    clock.set(midnight - timedelta(milliseconds=1))
    assert isinstance(await ask(portal), Refused)
    clock.set(midnight)
    first = await ask(portal)
    assert isinstance(first, Asked)
    assert first.used_today == 0


async def test_odr_02_the_api_counts_the_day_for_its_reader(
    signed_in: SignIn, portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    """ODR-02. "... 24 times in a day." """
    for hour in range(24):
        clock.set(AUTUMN_MIDNIGHT + timedelta(hours=hour))
        await read_once(portal, bus, answers)
    clock.set(AUTUMN_MIDNIGHT + timedelta(hours=24, minutes=30))
    refused = await post(await signed_in("rep.user"))
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1800"
    body = refused.json()
    assert (body["reason"], body["used_today"], body["per_day"]) == ("day", 24, 24)


async def test_odr_03_a_request_is_processed_at_once_and_shows_the_latest_data(
    signed_in: SignIn, portal: Portal, bus: WireBus, answers: Answers
) -> None:
    """ODR-03. "Your On Demand Read request will be processed immediately. ... The On Demand Read Report section will
    be refreshed with the latest data."
    """
    client = await signed_in("rep.user")
    read_id = (await post(client)).json()["id"]
    waiting = asyncio.create_task(client.get(f"/reads/{read_id}", params={"wait": 20, "since": "sent"}))
    request = await bus.request()
    assert request.id == read_id
    await portal.desk.handle([answers.done(request)])
    await portal.desk.wait(request.id, 10)
    await waiting
    (latest,) = (await client.get(f"/meters/{esi(1)}/reads")).json()
    assert (latest["id"], latest["status"]) == (read_id, "done")


async def test_odr_04_a_failed_read_gives_the_hour_back_at_once(portal: Portal, bus: WireBus, answers: Answers) -> None:
    """ODR-04. "Error! On Demand Read request could not be fulfilled. Please try again ... You may try to request
    again."
    """
    for _ in range(3):
        failed = await ask(portal)
        assert isinstance(failed, Asked)
        assert failed.used_today == 0
        await portal.desk.handle([answers.failed(await bus.request())])
    assert isinstance(await ask(portal), Asked)


async def test_odr_04_a_read_that_nobody_answered_gives_the_hour_back(
    portal: Portal, bus: WireBus, clock: HandClock
) -> None:
    """ODR-04. "If the On Demand data is NOT successfully retrieved ... You may try to request again." """
    first = await ask(portal)
    assert isinstance(first, Asked)
    async with asyncio.timeout(10):
        while (read := await portal.desk.wait(first.id, 0.01)) is None or read.status is not ReadStatus.FAILED:
            await clock.advance(5)
    assert isinstance(await ask(portal), Asked)


async def test_odr_04_the_api_says_why_a_read_failed(
    signed_in: SignIn, portal: Portal, bus: WireBus, answers: Answers
) -> None:
    """ODR-04. "If the On Demand data is NOT successfully retrieved, you will see a message ..." """
    client = await signed_in("rep.user")
    read_id = (await post(client)).json()["id"]
    await portal.desk.handle([answers.failed(await bus.request(), FailureReason.LINK_LOST, "the radio is gone")])
    read = (await client.get(f"/reads/{read_id}")).json()
    assert (read["status"], read["reason"], read["detail"]) == ("failed", "link_lost", "the radio is gone")
    assert read["value"] is None
    assert (await post(client)).status_code == 202


async def test_odr_04_a_success_that_comes_after_the_failure_replaces_it_and_counts(
    portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    """ODR-04, AMB-07. "... the request has been processed by SMT": late, but it has been."""
    first = await ask(portal)
    assert isinstance(first, Asked)
    request, accepted_at = await bus.request(), clock.now()
    await portal.desk.handle([answers.failed(request)])
    await portal.desk.handle([answers.done(request, accepted_at=accepted_at)])
    read = await portal.desk.wait(first.id, 5)
    assert read is not None
    assert read.status is ReadStatus.DONE
    again = await ask(portal)
    assert isinstance(again, Refused)
    assert (again.used_today, again.next_allowed_at) == (1, accepted_at + timedelta(hours=1))


async def test_odr_05_a_request_in_the_air_is_joined_and_one_that_was_processed_blocks_the_hour(
    portal: Portal, bus: WireBus, answers: Answers
) -> None:
    """ODR-05. "If you have submitted a request within an hour and the request has been processed by SMT, this button
    will be disabled."
    """
    first = await ask(portal)
    joined = await ask(portal)
    assert isinstance(first, Asked)
    assert joined == Joined(id=first.id)
    await portal.desk.handle([answers.done(await bus.request())])
    assert isinstance(await ask(portal), Refused)


async def test_odr_05_after_the_hour_another_request_may_be_made(
    signed_in: SignIn, portal: Portal, bus: WireBus, clock: HandClock, answers: Answers
) -> None:
    """ODR-05. "You may come back to the Usage Report screen to make another request for the same Customer's meter
    after an hour."
    """
    await read_once(portal, bus, answers)
    clock.set(clock.now() + timedelta(hours=1))
    assert (await post(await signed_in("rep.user"))).status_code == 202


async def test_odr_06_the_limit_is_the_meters_and_not_the_users(portal: Portal, bus: WireBus, answers: Answers) -> None:
    """ODR-06. "... an On Demand Read of a Customer's meter once every hour ...": whoever asks, and for each meter."""
    await read_once(portal, bus, answers, "rep.user")
    for user in ("rep.admin", "wires.admin", "maria.customer"):
        answer = await ask(portal, user)
        assert isinstance(answer, Refused), user
        assert answer.used_today == 1
    assert isinstance(await ask(portal, "rep.admin", 2), Asked)


async def test_odr_06_two_hundred_who_race_get_one_read(portal: Portal, database: Database, bus: WireBus) -> None:
    """ODR-06, AMB-07. At most one read of a meter is in flight, however many ask."""
    who = await viewer(database, "rep.user")
    meter = await visible(database, who, 1, portal.clock.now())
    answers = await asyncio.gather(*(portal.desk.ask(meter, who) for _ in range(200)))
    assert len([answer for answer in answers if isinstance(answer, Asked)]) == 1
    assert len([answer for answer in answers if isinstance(answer, Joined)]) == 199
