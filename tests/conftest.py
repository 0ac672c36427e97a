"""Fixtures of the whole suite: every database test runs on SQLite and on a private PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PrivatePostgres


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
