"""One statement that reads, compiled once, then asked through the driver alone: for what every request asks.

SQLAlchemy builds the statement, turns values into what the driver takes and back; what it costs around each execution
(a pooled connection, a transaction, cursors, a greenlet) would be most of a short answer's time. A question is its own
transaction: it sees one committed state.
"""

import asyncio
import json
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy import Dialect, Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql_dialect
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect

Change = Callable[[Any], Any]


class _Asked:
    """A statement in one dialect: its text, where each value goes, how a row comes back."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert "POSTCOMPILE" not in str(compiled), "a list of values has as many places as it is long: no question"
        required = {name for bind, name in compiled.bind_names.items() if bind.required}
        every = compiled.construct_params(dict.fromkeys(required)) or {}
        self.text = str(compiled)
        self._names = list(compiled.positiontup or ())
        self._fixed = {name: value for name, value in every.items() if name not in required}
        self._bind = {
            name: processor
            for bind, name in compiled.bind_names.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        columns = list(statement.selected_columns)
        kinds = (column.type.dialect_impl(dialect) for column in columns)
        changes = (kind.result_processor(dialect, None) for kind in kinds)
        self._changes: list[tuple[int, Change]] = [
            (place, change) for place, change in enumerate(changes) if change is not None
        ]
        self._row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]  # its names vary

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The values in their places, as the driver takes them."""
        every = {**self._fixed, **given}
        return [
            every[name] if (change := self._bind.get(name)) is None else change(every[name]) for name in self._names
        ]

    def row(self, raw: Any) -> Any:
        """A row with names, its values as the columns' types have them."""
        values = list(raw)
        for place, change in self._changes:
            values[place] = change(values[place])
        return self._row._make(values)


class Question:
    """A statement to be asked many times; its values are its named parameters. One that is not given is a KeyError."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._asked: dict[str, _Asked] = {}

    def of(self, dialect: Dialect) -> _Asked:
        """As one dialect says it."""
        asked = self._asked.get(dialect.name)
        if asked is None:
            asked = self._asked[dialect.name] = _Asked(self._statement, dialect)
        return asked


class Asker(Protocol):
    """Whoever can be asked."""

    async def ask(self, question: Question, values: Mapping[str, Any]) -> list[Any]:
        """All rows of a question's answer."""
        ...

    async def close(self) -> None:
        """No question comes any more."""
        ...


class SqliteAsker:
    """Asks a SQLite file in the loop's own thread, over one connection that cannot write."""

    def __init__(self, path: Path, lock_wait_s: float) -> None:
        self._path = path
        self._lock_wait_s = lock_wait_s
        self._dialect = sqlite_dialect()
        self._connection: sqlite3.Connection | None = None

    async def ask(self, question: Question, values: Mapping[str, Any]) -> list[Any]:
        """All rows of a question's answer."""
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=self._lock_wait_s, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("pragma query_only = on")
        asked = question.of(self._dialect)
        return [asked.row(raw) for raw in self._connection.execute(asked.text, asked.values(values)).fetchall()]

    async def close(self) -> None:
        """Give the file back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresAsker:
    """Asks PostgreSQL over a few connections of its own, each statement prepared once on each of them."""

    def __init__(self, dsn: str, most: int) -> None:
        self._dsn = dsn
        self._dialect = postgresql_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        self._free: list[asyncpg.Connection] = []
        self._places = asyncio.Semaphore(most)

    async def ask(self, question: Question, values: Mapping[str, Any]) -> list[Any]:
        """All rows of a question's answer. A connection that was lost while nobody asked is made anew."""
        asked = question.of(self._dialect)
        taken = asked.values(values)
        async with self._places:
            connection = self._free.pop() if self._free else await self._connected()
            try:
                try:
                    found = await connection.fetch(asked.text, *taken)
                except (asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError, ConnectionError):
                    connection.terminate()
                    connection = await self._connected()
                    found = await connection.fetch(asked.text, *taken)
            except BaseException:
                connection.terminate()
                raise
            self._free.append(connection)
        return [asked.row(raw.values()) for raw in found]

    async def _connected(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._dsn)
        # SQLAlchemy leaves JSON to the driver here, as it does on its own connections.
        await connection.set_type_codec("json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        return connection

    async def close(self) -> None:
        """Close every connection that is free."""
        while self._free:
            await self._free.pop().close()
