"""The quick search: by any part of what is said on the phone, exactly among the viewer's meters, on both databases."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, update

from gateway.database import Database
from portal.market.tables import premises
from portal.meters import quick_search as search
from portal.meters.quick_search import MOST_HITS, quick_search, searched_text
from portal.meters.tables import meters
from tests.clock import HandClock
from tests.portal.conftest import SignIn
from tests.portal.world import LONE_STAR, WORLD, esi, meter, premise, settle, since, viewer


async def found(
    database: Database, clock: HandClock, typed: str, user: str = "rep.admin", looked_through: int = 2_500
) -> list[str]:
    """The ESI IDs that somebody finds."""
    who = await viewer(database, user)
    hits = await quick_search(database, who, typed, clock.now(), looked_through=looked_through)
    return [hit.meter.esi_id for hit in hits.hits]


async def exchanged(database: Database, clock: HandClock) -> None:
    """Another street for premise 5, and another meter than M00001 on the wall of premise 1."""
    now = clock.now()
    new = {"number": "X90001", "esi_id": esi(1), "gateway": "gw-1", "installed_at": now, "provisioned_at": now}

    async def job(connection: Any) -> None:
        street = {"street_name": "Pecan Hollow", "street_type": "Ln", "city": "Round Rock"}
        of_premise = update(premises).where(premises.c.esi_id == esi(5))
        await connection.execute(of_premise.values(street))
        old = update(meters).where(meters.c.esi_id == esi(1)).values(removed_at=now)
        await connection.execute(old)
        await connection.execute(insert(meters).values(new))

    await database.write(job)


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        (esi(5), [5]),
        (esi(5)[4:15], [1, 2, 5]),
        ("000000005", [5]),
        ("m00002", [2]),
        ("00002", [2]),
        ("M00001", [1]),
        ("x9000", [1]),
        ("hollow", [5]),
        ("5 pecan", [5]),
        ("round  rock", [5]),
        ("maria", [1]),
        ("customer@EXAMPLE", [1]),
        ("maria doe austin", [1]),
        ("78701", [1, 2, 5]),
        ("maria pecan", []),
        ("M00003", []),
        (esi(3), []),
        ("100%", []),
        ("_____", []),
        ("el", []),
        ("\0elm\n", [1, 2]),
    ],
)
async def test_any_part_finds_a_meter_and_only_ones_own(
    database: Database, clock: HandClock, typed: str, numbers: list[int]
) -> None:
    await exchanged(database, clock)
    await clock.advance(1)
    assert await found(database, clock, typed) == [esi(number) for number in numbers]


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        (esi(5), [5]),
        (esi(5)[:12], [1, 2, 5]),
        ("m00002", [2]),
        ("m0000", [1, 2, 5]),
        ("x9000", [1]),
        ("pecan", [5]),
        ("PECAN HOL", [5]),
        ("5 pecan", [5]),
        ("1 pecan", []),
        ("doe", [1]),
        ("maria doe", [1]),
        ("maria.customer@", [1]),
        ("M00003", []),
        (esi(3), []),
        ("hollow", []),
    ],
)
async def test_with_many_meters_what_begins_so_is_found_by_index(
    database: Database, clock: HandClock, typed: str, numbers: list[int]
) -> None:
    await exchanged(database, clock)
    await clock.advance(1)
    assert await found(database, clock, typed, looked_through=2) == [esi(number) for number in numbers]


async def test_everybody_finds_his_own_and_customers_are_a_reps_alone(database: Database, clock: HandClock) -> None:
    for user, numbers in (
        ("rep.user", [1, 5]),
        ("blue.admin", [3, 4, 6]),
        ("maria.customer", [1]),
        ("wires.admin", [1, 2, 3, 4, 5]),
        ("ercot.user", [1, 2, 3, 4, 5, 6]),
    ):
        for looked_through in (2_500, 0):
            assert await found(database, clock, "10443720", user, looked_through) == [esi(each) for each in numbers]
            by_name = await found(database, clock, "doe", user, looked_through)
            assert by_name == ([esi(1)] if user == "rep.user" else []), user


async def test_no_more_than_eight_come_and_it_is_said_that_there_are_others(
    database_url: str, clock: HandClock
) -> None:
    numbers = range(100, 112)
    world = replace(
        WORLD, premises=[premise(each, since(LONE_STAR)) for each in numbers], meters=[meter(each) for each in numbers]
    )
    database = Database.open(database_url)
    await settle(database, clock.now(), world)
    who = await viewer(database, "rep.admin")
    for looked_through in (2_500, 3):
        hits = await quick_search(database, who, "M001", clock.now(), looked_through=looked_through)
        assert (len(hits.hits), hits.more, hits.complete) == (MOST_HITS, True, looked_through == 2_500)
    await database.close()


def test_what_is_typed_is_cut_and_blanks_are_one() -> None:
    assert searched_text("  4114\t pecan\n") == "4114 pecan"
    assert searched_text("a b") == "a b"
    assert searched_text(" ab ") == ""
    assert len(searched_text("x" * 500)) == search.MOST
    assert searched_text("a b c d e f g h") == "a b c d e f"


async def test_the_api_answers_with_hits_and_never_with_a_trace_of_others(signed_in: SignIn) -> None:
    client = await signed_in("rep.user")
    told = (await client.get("/meters/search", params={"q": "maria"})).json()
    assert told == {
        "hits": [
            {
                "meter": {
                    "esi_id": esi(1),
                    "number": "M00001",
                    "service_address": "1 Elm St",
                    "city": "Austin",
                    "state": "TX",
                    "zip": "78701",
                },
                "customer": "Maria Doe",
                "email": "maria.customer@example.com",
            }
        ],
        "more": False,
        "complete": True,
    }
    theirs, nobodys = [await client.get("/meters/search", params={"q": each}) for each in (esi(2), esi(77))]
    assert (theirs.status_code, theirs.content) == (200, nobodys.content)
    assert (await client.get("/meters/search")).json()["hits"] == []
