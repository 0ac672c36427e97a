"""Fixtures of the pages' tests: a house on SQLite with a hand-moved clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import HandClock
from tests.portal.pages.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    """The small world behind the real application."""
    async with open_house(tmp_path, clock) as house:
        yield house
