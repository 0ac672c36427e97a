"""Fixtures of the portal's tests: a hand-moved clock and a migrated, settled database on each engine."""

from collections.abc import AsyncIterator

import pytest

from gateway.database import Database
from tests.clock import HandClock
from tests.portal.world import settle


@pytest.fixture
def clock() -> HandClock:
    """A clock that the test moves."""
    return HandClock()


@pytest.fixture
async def database(database_url: str, clock: HandClock) -> AsyncIterator[Database]:
    """The small world in a database of its own."""
    database = Database.open(database_url)
    await settle(database, clock.now())
    yield database
    await database.close()
