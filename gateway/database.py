"""A database, SQLite or PostgreSQL, with the write discipline that both need, and the column types of our values.

On SQLite there is one writer at a time: every writing transaction starts with BEGIN IMMEDIATE, and the jobs of one
turn of the loop share a transaction, so that one flush to disk serves them all. On PostgreSQL every job has its own
transaction and locks the row that it decides upon (`with_for_update`, which SQLite ignores).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, DateTime, Dialect, String, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from gateway.errors import BadConfig, LinkLost
from gateway.identifiers import Identifier
from gateway.questions import Asker, PostgresAsker, Question, SqliteAsker
from gateway.sqlite_inline import connect

T = TypeVar("T")
Job = Callable[[AsyncConnection], Awaitable[T]]
"""Work inside a write transaction. It may run again from the start, so it changes nothing but the database."""

JOBS_PER_COMMIT = 256
POSTGRES_CONNECTIONS = 12
POSTGRES_ASKERS = 8
ATTEMPTS = 4
LOCK_WAIT_S = 20.0
RETRIED_SQLSTATES = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: PostgreSQL undid the transaction for no fault of its own."""
MIGRATION_LOCK = 7_204_118
"""The number of PostgreSQL's advisory lock under which any schema of ours changes."""


class Instant(TypeDecorator[datetime]):
    """A column of aware instants, kept and returned in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a naive value is a programmer's error."""
        if value is None:
            return None
        assert value.tzinfo is not None, "instants are aware"
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As an aware instant in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class IdentifierType(TypeDecorator[Any]):
    """A column of one kind of identifier; what the database holds was checked on its way in."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[Identifier], length: int = 40) -> None:
        super().__init__(length)
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """As plain text, which is what the drivers know."""
        return None if value is None else str.__str__(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """As the identifier, without checking it again."""
        return None if value is None else str.__new__(self.kind, value)


class Database:
    """One database: read from it with `reading`, ask it short questions with `ask`, change it with `write`."""

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine, asker: Asker, *, grouped: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._asker = asker
        self._grouped = grouped
        self._jobs: deque[tuple[Job[Any], asyncio.Future[Any]]] = deque()
        self._drain: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, url: str, lock_wait_s: float = LOCK_WAIT_S) -> Self:
        """By URL: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`. Raises BadConfig.

        On SQLite a writer waits lock_wait_s for another process's transaction, and the whole process with it.
        """
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise BadConfig("a database is named by its URL: sqlite:///path or postgresql://user@host/name") from None
        if parsed.drivername == "sqlite" and parsed.database:
            path = Path(parsed.database)
            path.parent.mkdir(parents=True, exist_ok=True)
            reader, writer = _sqlite(path, "BEGIN", 8, lock_wait_s), _sqlite(path, "BEGIN IMMEDIATE", 1, lock_wait_s)
            return cls(reader, writer, SqliteAsker(path, lock_wait_s), grouped=True)
        if parsed.drivername.startswith("postgresql"):
            engine = create_async_engine(
                parsed.set(drivername="postgresql+asyncpg"), pool_size=POSTGRES_CONNECTIONS, max_overflow=0
            )
            dsn = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
            return cls(engine, engine, PostgresAsker(dsn, POSTGRES_ASKERS), grouped=False)
        raise BadConfig(f"{parsed.render_as_string()} is neither a SQLite file nor a PostgreSQL database")

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writer.dialect.name

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading one consistent state."""
        async with self._connection(self._reader) as connection:
            yield connection

    async def ask(self, question: Question, **values: Any) -> list[Any]:
        """The rows of one question, which is a transaction of its own (gateway/questions.py)."""
        return await self._asker.ask(question, values)

    async def write(self, job: Job[T]) -> T:
        """Run a job in a write transaction and return its value once that is committed."""
        if not self._grouped:
            return await self._alone(job)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.append((job, future))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._commit_groups())
        return await future

    async def close(self) -> None:
        """Finish what was begun and close every connection."""
        if self._drain is not None:
            await self._drain
        await self._asker.close()
        await self._reader.dispose()
        await self._writer.dispose()

    async def migrate(self, scripts: Path) -> None:
        """Bring the schema to its newest revision with the Alembic scripts of a folder, all in one transaction."""

        def upgrade(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":
                # Processes that start together take turns; on SQLite the writing transaction sees to that.
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            alembic = AlembicConfig()
            alembic.set_main_option("script_location", str(scripts).replace("%", "%%"))
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, "head")

        async with self._writer.begin() as connection:
            await connection.run_sync(upgrade)

    @asynccontextmanager
    async def _connection(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """A connection, given back at the end. An inline one needs no shield against cancellation: it never waits."""
        if not self._grouped:
            async with engine.connect() as connection:
                yield connection
            return
        connection = await engine.connect()
        try:
            yield connection
        finally:
            await connection.close()

    async def _alone(self, job: Job[T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                async with self._connection(self._writer) as connection, connection.begin():
                    return await job(connection)
            except DBAPIError as error:
                again = getattr(error.orig, "sqlstate", None) in RETRIED_SQLSTATES
                if not again or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _commit_groups(self) -> None:
        """Commit what has gathered, a group at a time; a group that fails is run again job by job."""
        while self._jobs:
            await asyncio.sleep(0)
            group = [self._jobs.popleft() for _ in range(min(len(self._jobs), JOBS_PER_COMMIT))]
            try:
                async with self._connection(self._writer) as connection:
                    values = [await job(connection) for job, _ in group]
                    await connection.commit()
            except Exception:  # whatever one job raised, it alone shall hear of it: all run again, each by itself
                await self._one_by_one(group)
                continue
            for (_, future), value in zip(group, values, strict=True):
                if not future.done():
                    future.set_result(value)

    async def _one_by_one(self, group: list[tuple[Job[Any], asyncio.Future[Any]]]) -> None:
        for job, future in group:
            try:
                value = await self._alone(job)
            except Exception as error:  # handed to whoever asked for the job
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(value)


async def over_database(work: Awaitable[None]) -> None:
    """Do work that ends when its database does. Raises LinkLost for that, so that it can be taken up again."""
    try:
        await work
    except (DBAPIError, OSError) as lost:
        raise LinkLost(f"the database: {lost}") from None
    except ExceptionGroup as group:  # not except*: what that raises comes out as a group again
        lost_ones, others = group.split((DBAPIError, OSError))
        if lost_ones is None or others is not None:
            raise
        raise LinkLost(f"the database: {_first(lost_ones)}") from None


def _first(error: BaseException) -> BaseException:
    """The first of the exceptions that a group, or a group of groups, holds."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _sqlite(path: Path, begin: str, connections: int, lock_wait_s: float) -> AsyncEngine:
    """An engine of inline connections whose transactions start as said."""
    engine = create_async_engine(
        "sqlite+aiosqlite:///" + str(path),
        async_creator=partial(connect, path, lock_wait_s),
        pool_size=connections,
        max_overflow=64 if connections > 1 else 0,
    )
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
