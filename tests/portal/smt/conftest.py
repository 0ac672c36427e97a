"""The façade over the small world, on each database."""

from collections.abc import AsyncIterator

import pytest

from gateway.database import Database
from tests.clock import HandClock
from tests.portal.smt.stand import Stand, standing


@pytest.fixture
async def stand(database: Database, clock: HandClock) -> AsyncIterator[Stand]:
    """A façade with its desk, its gateway on a wire and a client."""
    async with standing(database, clock) as stand:
        yield stand
