"""`metergate load`: interval files into the store, each of them whole or not at all.

What a file is, its first bytes tell: the interval CSV of Smart Meter Texas, LodeStar Enhanced, or register reads by day
or by month. A load may be killed
at any moment and run again: a file is one transaction, and its bytes are known by their digest.
"""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import bindparam, func, select

from gateway import config
from gateway.clock import Clock, SystemClock, central_date
from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.config import Config
from gateway.database import Database, over_database
from gateway.errors import BadInput
from portal.market.tables import premises
from portal.settings import PortalSettings, url_of
from portal.usage import load_report, lse_file
from portal.usage.ahead import ahead
from portal.usage.batch import Batch
from portal.usage.batches import lse_batches, smt_batches
from portal.usage.containers import KNOWN_BY, PIECE, Part, Told, parts
from portal.usage.drop_folder import DropFolder, Taken
from portal.usage.esi_ids import KnownMeters
from portal.usage.kernel.contract import Kernel
from portal.usage.lines import BYTE_ORDER_MARK
from portal.usage.load_progress import progress
from portal.usage.load_settings import LoadSettings
from portal.usage.pieces import LARGE, SMALL, Pieces, fill, filled
from portal.usage.register_files import (
    DAILY_SIGN,
    MONTHLY_SIGN,
    DailyRead,
    MonthlyUsage,
    parse_daily,
    parse_monthly,
)
from portal.usage.registers import RegisterStore
from portal.usage.sources import STANDARD_INPUT, Source, file_source, paths_below, spooled
from portal.usage.sql_store import SqlIntervalStore
from portal.usage.store import IntervalStore, Loaded, SourceFile

__all__ = ["PIECE", "command", "load_file"]

T = TypeVar("T")
PREMISES_AT_ONCE = 200_000
PIECES_AHEAD, BATCHES_AHEAD = 2, 4
"""What is read before it is parsed, some 16 MB, and parsed before it is stored, some 10 MB."""
NOTHING_STORED = "Nothing of this file was stored."


def command(
    config_: ConfigName,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, folders, or - for standard input: SMT interval CSV or LSE, plain, gzip or zip."),
    ] = None,
    watch: Annotated[Path | None, typer.Option(help="Load what is put into this folder, until told to stop.")] = None,
    over: Over = None,
) -> None:
    """Load interval files; a file that cannot be loaded whole is refused and leaves nothing."""
    if bool(files) == bool(watch):
        raise BadInput("name files to load, or a folder to --watch")
    configuration = config.load(config_, over or ())
    asyncio.run(over_database(_watch(watch, configuration) if watch else _load_files(files or (), configuration)))


class Loader:
    """Loads sources one after the other, says what became of each file, and counts."""

    def __init__(self, store: IntervalStore, registers: RegisterStore, clock: Clock, limits: LoadSettings) -> None:
        self._store, self._registers, self._clock, self._limits = store, registers, clock, limits
        self.known = KnownMeters()
        self.tally = load_report.Tally()

    async def load(self, source: Source) -> Taken:
        """Load every file of a source; those that are refused are said and counted, the others stand."""
        told = Taken()
        try:
            held = parts(source.opened, source.label, source.name, self._limits)
        except OSError as error:
            self._refuse(f"{source.label} cannot be read: {error.strerror}", told)
            return told
        except BadInput as refusal:
            self._refuse(f"{source.label}: {refusal}. {NOTHING_STORED}", told)
            return told
        for part in held:
            began = self._clock.monotonic()
            try:
                with progress(part.label, part.size, self._clock) as heard:
                    reading = Reading(part, self.known, self._clock, heard)
                    loaded, what = await load_part(self._store, self._registers, reading, self._clock)
            except BadInput as refusal:
                self._refuse(str(refusal), told)
                continue
            self.tally.add(loaded)
            line = load_report.sentence(part.label, loaded, self._clock.monotonic() - began, what)
            told.loaded.append(line)
            typer.echo(line)
            sys.stdout.flush()
        return told

    async def load_path(self, path: Path) -> Taken:
        """Load a file by its path."""
        try:
            source = file_source(path)
        except BadInput as refusal:
            told = Taken()
            self._refuse(str(refusal), told)
            return told
        return await self.load(source)

    def _refuse(self, words: str, told: Taken) -> None:
        self.tally.refused += 1
        told.refused.append(words)
        typer.echo(f"metergate: {words}", err=True)


async def _load_files(names: Sequence[Path], configuration: Config) -> None:
    """Load what is named; the exit code is 1 if a file was refused."""
    async with _opened(configuration) as (loader, settings, clock):
        began = clock.monotonic()
        loader.known = await known_meters(url_of(settings.database))
        paths = [path for name in names for path in paths_below(name, settings.load)]
        for path in paths:
            if path == STANDARD_INPUT:
                with spooled(sys.stdin.buffer, settings.load) as source:
                    await loader.load(source)
            else:
                await loader.load_path(path)
        if loader.tally.files != 1:
            typer.echo(load_report.total(loader.tally, clock.monotonic() - began))
        if loader.tally.refused:
            raise typer.Exit(1)


async def _watch(folder: Path, configuration: Config) -> None:
    """Load what is put into a folder until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with _opened(configuration) as (loader, settings, clock):

        async def take(path: Path) -> Taken:
            loader.known = await known_meters(url_of(settings.database))
            return await loader.load_path(path)

        with DropFolder.opened(folder, settings.load, clock, take) as watched:
            typer.echo(f"ready watching={folder}")
            sys.stdout.flush()
            await watched.run(stop)


@asynccontextmanager
async def _opened(configuration: Config) -> AsyncIterator[tuple[Loader, PortalSettings, Clock]]:
    """A loader over the store that a configuration names."""
    clock, settings = SystemClock(), configuration.section("portal", PortalSettings)
    database = Database.open(url_of(settings.intervals))
    try:
        store = await SqlIntervalStore.opened(database)
        yield Loader(store, RegisterStore(database), clock, settings.load), settings, clock
    finally:
        await database.close()


async def known_meters(url: str) -> KnownMeters:
    """The meters of all premises that the portal with this database knows."""
    database = Database.open(url)
    some = select(premises.c.esi_id).where(premises.c.esi_id > bindparam("after"))
    some = some.order_by(premises.c.esi_id).limit(PREMISES_AT_ONCE)
    esi_id = some.subquery().c.esi_id
    joined = select(
        func.max(esi_id), func.aggregate_strings(esi_id, ",")
    )  # a row for each would take ten times as long
    found: list[str] = []
    try:
        async with database.reading() as connection:
            last, text = (await connection.execute(joined, {"after": ""})).one()
            while last is not None:
                found += text.split(",")
                last, text = (await connection.execute(joined, {"after": last})).one()
    finally:
        await database.close()
    return KnownMeters(found)


async def load_file(
    store: IntervalStore,
    path: Path,
    known: KnownMeters,
    clock: Clock,
    told: Told,
    kernel: Kernel | None = None,
) -> Loaded:
    """Load one plain or gzip interval file; told hears of its bytes. Raises BadInput with its name in its words."""
    source = file_source(path)
    (part,) = parts(source.opened, source.label, source.name, LoadSettings())
    loaded, _ = await load_part(store, None, Reading(part, known, clock, told, kernel), clock)
    return loaded


async def load_part(
    store: IntervalStore, registers: RegisterStore | None, reading: "Reading", clock: Clock
) -> tuple[Loaded, str]:
    """Load one file; returns what became of it, and what it counts. Raises BadInput with its label in its words.

    Without a store of registers, what holds them is read as an interval file, and so refused.
    """
    label = reading.part.label
    try:
        name, now = reading.part.name, clock.now()
        # The digest is taken while the file is parsed; one that seems to come again is known by it without parsing.
        known = reading.sha256() if await store.has_file(name) else reading.digest
        source = SourceFile(name=name, sha256=known, received_at=now)
        if registers and reading.begins(DAILY_SIGN):
            return await registers.load(source, DailyRead, reading.daily_reads), "daily reads"
        if registers and reading.begins(MONTHLY_SIGN):
            return await registers.load(source, MonthlyUsage, reading.monthly_usage), "billing periods"
        return await store.load_batches(source, reading.batches), "meter-days"
    except _Unreadable as error:
        raise BadInput(f"{label} cannot be read: {error}") from None
    except BadInput as refusal:
        raise BadInput(f"{label}: {refusal}. {NOTHING_STORED}") from None


class _Unreadable(BadInput):
    """Bytes that the system does not give us."""


class Reading:
    """A file read for its rows and, in the same pass, for its digest, each in a thread beside whoever stores them."""

    def __init__(self, part: Part, known: KnownMeters, clock: Clock, told: Told, kernel: Kernel | None = None) -> None:
        self.part = part
        self._kernel = kernel
        self._known = known
        self._today = central_date(clock.now())
        self._told = told
        self._before = ""
        self._digest = hashlib.sha256()
        self._head: bytes | None = None

    def sha256(self) -> str:
        """The digest of the file's bytes (of a packed file those that were packed), in a pass for it alone.

        What is parsed afterwards must be the same bytes.
        """
        digest = hashlib.sha256()
        with _readable(), self.part.opened(_unheard) as read, memoryview(bytearray(PIECE)) as memory:
            while count := read(memory):
                digest.update(memory[:count])
        self._before = digest.hexdigest()
        return self._before

    def digest(self) -> str:
        """The digest of the bytes that were parsed."""
        return self._digest.hexdigest()

    def begins(self, sign: bytes) -> bool:
        """Whether the file begins with these bytes."""
        if self._head is None:
            with _readable(), self.part.opened(_unheard) as read, memoryview(bytearray(KNOWN_BY)) as memory:
                self._head = bytes(memory[: fill(read, memory)])
        return self._head.removeprefix(BYTE_ORDER_MARK).startswith(sign)

    def batches(self) -> Iterator[Batch]:
        """The file's meter-days. Raises BadInput."""
        parse = lse_batches if self.begins(lse_file.SIGN) else smt_batches
        pieces = ahead(self._filled(), PIECES_AHEAD)
        return ahead(self._parsed(parse(pieces, self._known, self._today, kernel=self._kernel)), BATCHES_AHEAD)

    def daily_reads(self) -> Iterator[DailyRead]:
        """The file's daily reads. Raises BadInput."""
        return self._parsed(parse_daily(self._noted(), self._known, self._today))

    def monthly_usage(self) -> Iterator[MonthlyUsage]:
        """The file's billing periods. Raises BadInput."""
        return self._parsed(parse_monthly(self._noted(), self._known, self._today))

    def _parsed(self, rows: Iterator[T]) -> Iterator[T]:
        yield from rows
        if self._before not in ("", self.digest()):
            raise BadInput("the file was changed while it was read")

    def _filled(self) -> Pieces:
        """The file's bytes in memory that is used again, noted for its digest."""
        self._digest = hashlib.sha256()
        with _readable(), self.part.opened(self._told) as read:

            def noted(into: memoryview) -> int:
                count = read(into)
                self._digest.update(into[:count])
                return count

            size = min(max(SMALL, self.part.size + 1), LARGE)
            # Those ahead, the one that is parsed, and the one that is filled.
            yield from filled(noted, size, kept=PIECES_AHEAD + 2)

    def _noted(self) -> Iterator[bytes]:
        self._digest = hashlib.sha256()
        with _readable():
            for piece in self.part.pieces(self._told):
                self._digest.update(piece)
                yield piece


@contextmanager
def _readable() -> Iterator[None]:
    """What the system says of the file is told apart from what it says of the database here."""
    try:
        yield
    except OSError as error:
        raise _Unreadable(error.strerror) from None


def _unheard(_count: int) -> None:
    """Nobody hears of a reading beside that of the rows."""
