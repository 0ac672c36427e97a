"""Fixtures of the whole suite: every database test runs on SQLite and on a private PostgreSQL; every log line is made.

Hypothesis has no deadlines here, for the machine is shared, and says with each failure how to see it again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.log_records import watched
from tests.postgres import PrivatePostgres

settings.register_profile("metergate", deadline=None, print_blob=True)
settings.load_profile("metergate")


@pytest.fixture(autouse=True)
def log_records_can_be_written() -> Iterator[None]:
    """A test fails if a record that it caused could not be formatted, at whatever level and in whatever task."""
    with watched() as formatting:
        yield
    assert not formatting.faults, "\n".join(formatting.faults)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """One private PostgreSQL for the session; each test gets a database of its own in it."""
    with PrivatePostgres.started() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.db"
        return
    server: PrivatePostgres = request.getfixturevalue("postgres")
    with server.fresh_database() as url:
        yield url
