"""SQLite connections that run inside the event loop's thread, in the shape SQLAlchemy's aiosqlite dialect expects.

Short indexed statements cost less than the hop to a thread, and a loop of virtual time cannot have threads at all.
Every coroutine here finishes without suspending. Statements that run long belong on an aiosqlite engine instead.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self


class InlineCursor:
    """A sqlite3 cursor whose calls can be awaited."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.arraysize = cursor.arraysize

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the last statement's rows, None if it had none."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row id of the last insert."""
        return self._cursor.lastrowid

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""
        self._cursor.execute(operation, parameters)

    async def executemany(self, operation: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""
        self._cursor.executemany(operation, rows)

    async def fetchall(self) -> list[Any]:
        """All remaining rows."""
        return self._cursor.fetchall()

    async def fetchone(self) -> Any:
        """The next row, or None."""
        return self._cursor.fetchone()

    async def close(self) -> None:
        """Free the statement."""
        self._cursor.close()


class InlineConnection:
    """A sqlite3 connection whose calls can be awaited; transactions are begun by whoever uses it."""

    def __init__(self, path: str, wait_s: float) -> None:
        self._connection: sqlite3.Connection | None = sqlite3.connect(path, timeout=wait_s, isolation_level=None)

    @property
    def isolation_level(self) -> str | None:
        """None: the driver begins nothing by itself."""
        return None

    def cursor(self) -> InlineCursor:
        """A cursor of its own."""
        return InlineCursor(self._open().cursor())

    async def commit(self) -> None:
        """End the transaction, if one is open, and keep it."""
        self._open().commit()

    async def rollback(self) -> None:
        """End the transaction, if one is open, and undo it."""
        self._open().rollback()

    async def create_function(self, *arguments: Any, **keywords: Any) -> None:
        """Register a function for use in SQL."""
        self._open().create_function(*arguments, **keywords)

    async def close(self) -> None:
        """Close; a second time does nothing."""
        self.stop()

    def stop(self) -> None:
        """Close at once."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection


async def connect(path: Path, wait_s: float) -> InlineConnection:
    """Open a database file in write-ahead mode; wait_s is how long a statement waits for another process's lock.

    Commits are flushed to disk before they return (synchronous FULL).
    """
    connection = InlineConnection(str(path), wait_s)
    cursor = connection.cursor()
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "temp_store = memory"):
        await cursor.execute(f"pragma {pragma}")
    await cursor.close()
    return connection
