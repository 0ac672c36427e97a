"""Fixtures of the tests of people: the small world with an operating team, and an office in it."""

from collections.abc import AsyncIterator

import pytest

from gateway.database import Database
from tests.clock import HandClock
from tests.portal.people.stand import TEAM_WORLD, Office
from tests.portal.world import settle


@pytest.fixture
async def database(database_url: str, clock: HandClock) -> AsyncIterator[Database]:
    """The small world with an operating team, in a database of its own."""
    database = Database.open(database_url)
    await settle(database, clock.now(), TEAM_WORLD)
    yield database
    await database.close()


@pytest.fixture
def office(database: Database, clock: HandClock) -> Office:
    """Acts as people of the world."""
    return Office.over(database, clock)
