"""A file as a version of what it tells: its row, all it brings in one savepoint, and a refusal as a value."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import BadInput
from portal.schema import insert_unless_there
from portal.usage.store import Loaded, SourceFile
from portal.usage.tables import source_files


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a file brought: unknown before, different from the current version, equal to it."""

    new: int = 0
    revised: int = 0
    identical: int = 0


Keep = Callable[[AsyncConnection, int], Awaitable[Counts]]
"""Keeps what a file tells as a version, inside the transaction; may be called again if that starts over."""


async def load_version(database: Database, source: SourceFile, keep: Keep) -> Loaded:
    """Keep a file, all or nothing, unless its bytes were loaded before. Raises BadInput for a file that is refused.

    On PostgreSQL a load of the same bytes that is under way elsewhere is waited for.
    """

    async def job(connection: AsyncConnection) -> Loaded | BadInput:
        # A refusal undoes the savepoint and travels as a value: a job that raises is run again.
        try:
            async with connection.begin_nested():
                return await _load(connection, source, keep)
        except BadInput as refusal:
            return refusal
        except (_LoadedBefore, IntegrityError):
            version = await _known(connection, source)
            if version is None:
                raise
            return Loaded(version=version, already=True)

    outcome = await database.write(job)
    if isinstance(outcome, BadInput):
        raise outcome
    return outcome


class _LoadedBefore(Exception):
    """The same bytes stand already."""


async def _known(connection: AsyncConnection, source: SourceFile) -> int | None:
    known = select(source_files.c.id).where(source_files.c.sha256 == source.digest())
    version: int | None = await connection.scalar(known)
    return version


async def _load(connection: AsyncConnection, source: SourceFile, keep: Keep) -> Loaded:
    """The file's row first: by its digest it decides who loads these bytes, or its digest does once it is known."""
    row = {"name": source.name[:255], "received_at": source.received_at, "meter_days": 0}
    if isinstance(source.sha256, str):
        statement = insert_unless_there(connection.dialect.name, source_files, "sha256")
        statement = statement.values(**row, sha256=source.sha256)
    else:
        statement = insert(source_files).values(**row, sha256=await _stand_in(connection))
    version = await connection.scalar(statement.returning(source_files.c.id))
    if version is None:
        raise _LoadedBefore
    counts = await keep(connection, version)
    if not isinstance(source.sha256, str) and await _known(connection, source) is not None:
        raise _LoadedBefore
    brought = update(source_files).where(source_files.c.id == version)
    await connection.execute(brought.values(meter_days=counts.new + counts.revised, sha256=source.digest()))
    return Loaded(version=version, already=False, new=counts.new, revised=counts.revised, identical=counts.identical)


async def _stand_in(connection: AsyncConnection) -> str:
    """What stands for a digest that is not known yet: no other load under way has the same."""
    if connection.dialect.name == "sqlite":  # there is one writer
        return "being loaded"
    return f"being loaded by {await connection.scalar(select(func.pg_backend_pid()))}"
