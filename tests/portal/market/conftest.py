"""The market feed's tests: the small world, with a market desk of its own."""

import pytest

from gateway.database import Database
from gateway.dice import SeededDice
from portal.market.desk import MarketDesk
from tests.clock import HandClock


@pytest.fixture
def feed(database: Database, clock: HandClock) -> MarketDesk:
    """A market desk over the small world; nothing runs."""
    return MarketDesk(database, clock, SeededDice(3))
