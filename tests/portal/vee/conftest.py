"""Fixtures of the ledger's tests: the small world with a store of intervals beside it, on both databases."""

import pytest

from gateway.database import Database
from portal.usage.sql_store import SqlIntervalStore
from tests.clock import HandClock
from tests.portal.vee.street import Street


@pytest.fixture
async def street(database: Database, clock: HandClock) -> Street:
    """The world's premises without any interval yet."""
    return Street(database, await SqlIntervalStore.opened(database), clock)
