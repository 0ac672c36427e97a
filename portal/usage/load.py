"""`metergate load`: interval files of Smart Meter Texas into the store, each of them whole or not at all."""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from sqlalchemy import select

from gateway import config
from gateway.clock import Clock, SystemClock, central_date
from gateway.command_line import ConfigName, Over
from gateway.config import Config
from gateway.database import Database
from gateway.errors import BadInput
from portal.market.tables import premises
from portal.settings import PortalSettings, url_of
from portal.usage.intervals import MeterDay
from portal.usage.smt_file import parse
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import IntervalStore, Loaded, SourceFile

PIECE = 1 << 20
"""Bytes read at once."""


def command(
    files: Annotated[list[Path], typer.Argument(help="Interval CSV files as Smart Meter Texas exports them.")],
    config_: ConfigName,
    over: Over = None,
) -> None:
    """Load interval files; a file that cannot be loaded whole is refused and leaves nothing."""
    asyncio.run(_load_files(files, config.load(config_, over or ())))


async def _load_files(files: Sequence[Path], configuration: Config) -> None:
    clock = SystemClock()
    settings = configuration.section("portal", PortalSettings)
    known = await known_meters(url_of(settings.database))
    database = Database.open(url_of(settings.intervals))
    try:
        store = await SqlIntervalStore.opened(database)
        for path in files:
            started = clock.monotonic()
            with _progress(path) as told:
                loaded = await load_file(store, path, known, clock, told)
            typer.echo(_sentence(path, loaded, clock.monotonic() - started))
    finally:
        await database.close()


async def known_meters(url: str) -> frozenset[str]:
    """The ESI IDs of all premises that the portal with this database knows."""
    database = Database.open(url)
    try:
        async with database.reading() as connection:
            esi_ids = await connection.scalars(select(premises.c.esi_id))
            return frozenset(esi_ids)
    finally:
        await database.close()


async def load_file(
    store: IntervalStore, path: Path, known: Container[str], clock: Clock, told: Callable[[int], None]
) -> Loaded:
    """Load one file; told is given the bytes of each piece read. Raises BadInput with the file's name in its words."""
    reading = _Reading(path, known, clock, told)
    try:
        source = SourceFile(name=path.name, sha256=reading.sha256(), received_at=clock.now())
        return await store.load(source, reading.meter_days)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except BadInput as refusal:
        raise BadInput(f"{path}: {refusal}. Nothing of this file was stored.") from None


class _Reading:
    """A file read twice: once for its digest, which tells whether it was loaded before, and once for its rows."""

    def __init__(self, path: Path, known: Container[str], clock: Clock, told: Callable[[int], None]) -> None:
        self._path = path
        self._known = known
        self._today = central_date(clock.now())
        self._told = told
        self._digest = ""

    def sha256(self) -> str:
        """The digest of the file's bytes."""
        digest = hashlib.sha256()
        for piece in self._pieces():
            digest.update(piece)
        self._digest = digest.hexdigest()
        return self._digest

    def meter_days(self) -> Iterator[MeterDay]:
        """The file's meter-days, from the bytes that the digest is of. Raises BadInput."""
        digest = hashlib.sha256()

        def noted() -> Iterator[bytes]:
            for piece in self._pieces():
                digest.update(piece)
                self._told(len(piece))
                yield piece

        yield from parse(noted(), self._known, self._today)
        if digest.hexdigest() != self._digest:
            raise BadInput("the file was changed while it was read")

    def _pieces(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


@contextmanager
def _progress(path: Path) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, with rate and remaining time; silence elsewhere. Yields what to call with bytes read."""
    columns = (TextColumn("{task.description}"), BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(path.name, total=path.stat().st_size if path.is_file() else None)
        yield lambda count: bar.advance(task, count)


def _sentence(path: Path, loaded: Loaded, seconds: float) -> str:
    if loaded.already:
        return f"{path}: loaded before as version {loaded.version}; nothing changed"
    counts = f"{loaded.new:,} new, {loaded.revised:,} revised, {loaded.identical:,} identical meter-days"
    return f"{path}: {counts} in {seconds:.1f} s, version {loaded.version}"
