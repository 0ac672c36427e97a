"""Fixtures of the tests of files: both servers over the small world, on each engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.database import Database
from tests.portal.files.stand import BLUEBONNET, LONE_STAR, Stand, stand


@pytest.fixture
async def servers(database: Database, tmp_path: Path) -> AsyncIterator[Stand]:
    """Both servers, and a file in each company's folder."""
    async with stand(database, tmp_path, SystemClock()) as servers:
        servers.place(LONE_STAR, "mine.lse", b"lone star\n")
        servers.place(BLUEBONNET, "theirs.lse", b"bluebonnet\n")
        yield servers
