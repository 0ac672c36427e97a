"""Who may attach which meter, as a rule over all cases, and in transactions on both databases."""

import asyncio
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import update

from gateway.identifiers import MeterNumber
from portal.acting import actor_of
from portal.audit.tables import audit
from portal.customers.attaching import AttachedMeter, Attaching, OnTheWall, attach, decide, detach
from portal.customers.guessing import MOST_MISSES, Guesses
from portal.customers.pairs import Pair
from portal.faults import PeopleRefusal, PeopleRefused
from portal.meters.tables import meters
from portal.seed import SeedWorld, seed
from tests.clock import HandClock
from tests.portal.people.stand import Office
from tests.portal.world import BEGAN, CHEAP, esi, person, viewer

HERE, OTHER = 1, 2


def pair(number: int, meter: str | None = None) -> Pair:
    return Pair(esi_id=esi(number), number=MeterNumber(meter or f"M{number:05d}"))


async def tried(office: Office, number: int, user_id: str = "maria.customer", meter: str | None = None) -> str:
    """What came of an attempt, in a word."""
    who = await viewer(office.database, user_id)
    answer = await office.acting.run(actor_of(who), lambda act: attach(act, who, pair(number, meter)))
    return str(answer.reason) if isinstance(answer, PeopleRefused) else "attached"


@pytest.mark.parametrize(
    ("there", "number", "provisioned", "holder"),
    list(product([True, False], ["A1", "a1", "A2"], [None, -1, 0, 1], [None, HERE, OTHER])),
)
def test_a_meter_is_attached_if_the_pair_matches_it_is_provisioned_and_nobody_has_it(
    there: bool, number: str, provisioned: int | None, holder: int | None
) -> None:
    at = None if provisioned is None else BEGAN + timedelta(seconds=provisioned)
    wall = OnTheWall(number=MeterNumber("A1"), provisioned_at=at, holder_id=holder) if there else None
    result = decide(wall, MeterNumber(number), HERE, BEGAN)
    is_pair = there and number != "A2" and provisioned in (-1, 0)
    expected = {None: Attaching.ATTACHED, HERE: Attaching.ALREADY, OTHER: Attaching.HELD}[holder]
    assert result is (expected if is_pair else Attaching.NO_SUCH_PAIR)
    guest = decide(wall, MeterNumber(number), None, BEGAN)
    assert (guest is Attaching.ALREADY) is False


async def test_of_many_customers_at_once_one_has_the_meter(office: Office) -> None:
    await register(office, "second.customer")
    people = ["maria.customer", "second.customer"] * 5
    results = await asyncio.gather(*(tried(office, 2, who) for who in people))
    assert sorted(results) == ["attached"] * 5 + ["held"] * 5
    assert [row.action for row in await office.rows(audit, subject_kind="meter")] == ["meter.attach"]


async def test_only_customers_attach_and_only_their_own_is_taken_off(office: Office) -> None:
    for user_id in ("rep.admin", "wires.admin", "team.admin", "ercot.user", "coach.user"):
        assert await tried(office, 2, user_id) == "not_for_you"
    await register(office, "second.customer")
    for user_id, reason in (("second.customer", PeopleRefusal.NOT_THERE), ("maria.customer", None)):
        who = await viewer(office.database, user_id)
        answer = await office.run(lambda act, who=who: detach(act, who, esi(1)), user_id)  # type: ignore[misc]
        assert getattr(answer, "reason", None) is reason, user_id
    assert await tried(office, 1, "second.customer") == "attached"


async def test_a_meter_off_the_wall_or_before_its_provisioning_is_no_pair(office: Office, clock: HandClock) -> None:
    later = update(meters).where(meters.c.number == "M00002").values(provisioned_at=clock.now() + timedelta(days=1))
    gone = update(meters).where(meters.c.number == "M00003").values(removed_at=clock.now())
    for change in (later, gone):
        await office.database.write(lambda connection, change=change: connection.execute(change))  # type: ignore[misc]
    assert [await tried(office, number) for number in (2, 3, 99)] == ["no_such_pair"] * 3
    clock.set(clock.now() + timedelta(days=1))
    assert await tried(office, 2) == "attached"


async def test_ten_misses_an_hour_and_no_more_however_many_come_at_once(office: Office, clock: HandClock) -> None:
    guesses, who = Guesses(clock), await viewer(office.database, "maria.customer")

    async def guess(number: int, address: str = "10.0.0.1", meter: str | None = None) -> Any:
        answer = await guesses.attach(office.acting, who, address, pair(number, meter))
        return answer.reason if isinstance(answer, PeopleRefused) else answer

    assert isinstance(await guess(2), AttachedMeter), "what is right is no miss"
    results = await asyncio.gather(*(guess(3, f"10.0.1.{n}", f"X{n}") for n in range(30)))
    assert results.count(PeopleRefusal.NO_SUCH_PAIR) == MOST_MISSES
    assert results.count(PeopleRefusal.TOO_OFTEN) == 30 - MOST_MISSES
    assert await guess(3, "10.0.2.1") is PeopleRefusal.TOO_OFTEN, "the account has missed too often, wherever it is"
    clock.set(clock.now() + timedelta(hours=1))
    assert isinstance(await guess(3), AttachedMeter)


async def test_an_address_that_missed_too_often_waits_with_whatever_account(office: Office, clock: HandClock) -> None:
    guesses = Guesses(clock)
    await register(office, "second.customer")
    first, second = [await viewer(office.database, each) for each in ("maria.customer", "second.customer")]
    for n in range(MOST_MISSES):
        await guesses.attach(office.acting, first, "10.0.0.1", pair(3, f"X{n}"))
    answer = await guesses.attach(office.acting, second, "10.0.0.1", pair(3))
    assert isinstance(answer, PeopleRefused)
    assert (answer.reason, answer.retry_in_s) == (PeopleRefusal.TOO_OFTEN, 3600.0)
    assert isinstance(await guesses.attach(office.acting, second, "10.0.0.2", pair(3)), AttachedMeter)


async def register(office: Office, user_id: str) -> None:
    """One more customer, Active."""
    world = SeedWorld(companies=(), accounts=(person(user_id),), gateways=(), premises=(), meters=())
    await office.database.write(lambda connection: seed(connection, world, CHEAP, office.clock.now()))
