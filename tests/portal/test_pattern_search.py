"""A pattern of an identifier finds the same meters, looked through or walked by index, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.database import Database
from portal.meters.pattern_search import search_by_pattern
from portal.meters.tables import meters
from tests.clock import HandClock
from tests.portal.world import LONE_STAR, WORLD, esi, meter, premise, settle, since, viewer

PEOPLE = ("rep.admin", "rep.user", "blue.admin", "wires.admin", "ercot.user", "maria.customer")
BY_NUMBER = ("m0*", "M0*", "*2", "*02", "m*3", "M0000*5", "x-*9", "*-z9", "*zz", "100*", "_*1", "%%*")
BY_ESI_ID = ("10443720*", "10*", "*01", "10*04", "1044372000000000*5", "*99", "ab*")


@pytest.fixture
async def street(database_url: str, clock: HandClock) -> AsyncIterator[Database]:
    """The small world with a street of meters, some with letters in both cases and hyphens in their numbers."""
    numbers = range(100, 160)
    odd = {100: "X-1-z9", 101: "x-1-Z9", 102: "mM02", 103: "Zz"}
    walls = [meter(each) for each in numbers]
    hung = [replace(each, number=type(each.number)(odd.get(100 + n, each.number))) for n, each in enumerate(walls)]
    street = [premise(each, since(LONE_STAR)) for each in numbers]
    world = replace(WORLD, premises=[*WORLD.premises, *street], meters=[*WORLD.meters, *hung])
    database = Database.open(database_url)
    await settle(database, clock.now(), world)
    yield database
    await database.close()


@pytest.mark.parametrize("user", PEOPLE)
async def test_both_ways_find_what_the_pattern_means_among_the_viewers_meters(
    street: Database, clock: HandClock, user: str
) -> None:
    who = await viewer(street, user)
    everything = await search_by_pattern(street, who, clock.now(), meters.c.esi_id, "1*", 500)
    found = 0
    for column, patterns in ((meters.c.number, BY_NUMBER), (meters.c.esi_id, BY_ESI_ID)):
        for pattern in patterns:
            head, _, tail = pattern.lower().partition("*")
            values = {each.esi_id: str(getattr(each, column.name)).lower() for each in everything}
            wanted = [
                esi_id
                for esi_id, text in sorted(values.items())
                if text.startswith(head) and text.endswith(tail) and len(text) >= len(head) + len(tail)
            ]
            for looked_through in (10_000, 0):
                hits = await search_by_pattern(street, who, clock.now(), column, pattern, 500, looked_through)
                assert [each.esi_id for each in hits] == wanted, (pattern, looked_through)
            found += len(wanted)
    assert found > 3


async def test_no_more_come_than_are_asked_for(street: Database, clock: HandClock) -> None:
    who = await viewer(street, "rep.admin")
    for looked_through in (10_000, 0):
        hits = await search_by_pattern(street, who, clock.now(), meters.c.esi_id, "1*", 7, looked_through)
        assert [each.esi_id for each in hits] == [esi(each) for each in (1, 2, 5, 100, 101, 102, 103)]
        few = await search_by_pattern(street, who, clock.now(), meters.c.number, "*1", 3, looked_through)
        assert len({each.esi_id for each in few}) == 3
