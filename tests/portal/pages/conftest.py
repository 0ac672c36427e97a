"""Fixtures of the pages' tests: a house on SQLite with a hand-moved clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import HandClock
from tests.portal.pages.house import House, open_house
from tests.portal.people.stand import TEAM_WORLD, Office


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house


@pytest.fixture
async def town(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world with an operating team, behind the real application."""
    async with open_house(tmp_path, clock, TEAM_WORLD) as house:
        yield house


@pytest.fixture
def office(town: House) -> Office:
    """Acts as people of that world, without pages."""
    return Office.over(town.database, town.clock)
