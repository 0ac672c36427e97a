"""The guide's rules are tried on a whole portal: the fixtures are the portal's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.database import Database
from tests.clock import HandClock
from tests.portal.conftest import (
    answers,
    app,
    bus,
    clock,
    database,
    guest,
    portal,
    signed_in,
)
from tests.portal.pages.house import House, open_house
from tests.portal.people.stand import TEAM_WORLD, Office
from tests.portal.vee.conftest import street
from tests.portal.world import settle

__all__ = ["answers", "app", "bus", "clock", "database", "guest", "portal", "signed_in", "street"]


@pytest.fixture
async def office(tmp_path: Path, clock: HandClock) -> AsyncIterator[Office]:
    """Acts as people of the small world with an operating team, on SQLite."""
    database = Database.open(f"sqlite:///{tmp_path}/people.db")
    await settle(database, clock.now(), TEAM_WORLD)
    yield Office.over(database, clock)
    await database.close()


@pytest.fixture
async def town(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world with an operating team, behind the real application."""
    async with open_house(tmp_path, clock, TEAM_WORLD) as house:
        yield house


@pytest.fixture
def clerk(town: House) -> Office:
    """Acts as people of the town, without pages."""
    return Office.over(town.database, town.clock)
