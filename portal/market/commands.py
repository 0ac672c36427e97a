"""`metergate market`: notices from files, for the operator of a TDSP's feed."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from gateway import config
from gateway.clock import SystemClock
from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.config import Config
from gateway.database import Database, over_database
from gateway.dice import SystemDice
from gateway.errors import BadIdentifier, BadInput
from gateway.identifiers import Duns
from portal.market.csv_file import BadRow, Row, read
from portal.market.desk import MarketDesk
from portal.market.feed import Sender
from portal.market.tables import NoticeSource, NoticeState
from portal.opening import open_database
from portal.settings import PortalSettings
from portal.usage.drop_folder import DropFolder, Taken

app = typer.Typer(no_args_is_help=True, help="TDSPs' notices: premises, meters, REPs of record.")
AT_ONCE = 500
"""Rows of a file in one transaction."""


@app.callback()
def group() -> None:
    """Keep `load` a command of its own name."""


@app.command()
def load(
    config_: ConfigName,
    tdsp: Annotated[str, typer.Option(help="The DUNS number of the TDSP whose notices these are.")],
    files: Annotated[list[Path] | None, typer.Argument(help="CSV files of notices.")] = None,
    watch: Annotated[Path | None, typer.Option(help="Load what is put into this folder, until told to stop.")] = None,
    over: Over = None,
) -> None:
    """Load notices. Every row is a notice of its own, known by its id: load a file again, and nothing changes."""
    if bool(files) == bool(watch):
        raise BadInput("name files to load, or a folder to --watch")
    try:
        duns = Duns(tdsp)
    except BadIdentifier as error:
        raise BadInput(f"--tdsp: {error}") from None
    configuration = config.load(config_, over or ())
    refused = asyncio.run(over_market(configuration, duns, files or [], watch))
    if refused:
        raise typer.Exit(1)


async def over_market(configuration: Config, tdsp: Duns, files: list[Path], watch: Path | None) -> int:
    """Load files, or watch a folder; returns how many rows were refused. Raises BadInput, LinkLost."""
    settings, clock = configuration.section("portal", PortalSettings), SystemClock()
    database = await open_database(settings)
    loaded: list[Loader] = []

    async def work() -> None:
        loader = await Loader.of(database, MarketDesk(database, clock, SystemDice(), settings.market), tdsp)
        loaded.append(loader)
        if watch is None:
            for path in files:
                await loader.load(path)
            return
        stop = asyncio.Event()
        stop_on_signals(stop)
        with DropFolder.opened(watch, settings.load, clock, loader.load) as folder:
            typer.echo(f"ready watching={watch}")
            sys.stdout.flush()
            await folder.run(stop)

    try:
        await over_database(work())
    finally:
        await database.close()
    return 0 if watch is not None else loaded[0].refused


class Loader:
    """Loads files of one TDSP, says what became of them, and counts what was refused."""

    def __init__(self, desk: MarketDesk, sender: Sender) -> None:
        self._desk = desk
        self._sender = sender
        self.refused = 0

    @classmethod
    async def of(cls, database: Database, desk: MarketDesk, tdsp: Duns) -> "Loader":
        """For the TDSP that has a DUNS number. Raises BadInput if none has it."""
        sender = await desk.sender(tdsp)
        if sender is None:
            raise BadInput(f"no TDSP has the DUNS number {tdsp}")
        return cls(desk, sender)

    async def load(self, path: Path) -> Taken:
        """Load one file; refused rows are said, all others stand."""
        taken, counts = Taken(), dict.fromkeys(NoticeState, 0)
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                rows = read(lines)
                while batch := list(islice(rows, AT_ONCE)):
                    await self._take(path, batch, taken, counts)
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(f"{path}: {getattr(error, 'strerror', None) or 'it holds bytes that are not UTF-8'}", taken)
        applied, waiting = counts[NoticeState.APPLIED], counts[NoticeState.WAITING]
        line = f"{path}: {applied:,} applied, {waiting:,} waiting for their instant, {len(taken.refused):,} refused"
        taken.loaded.append(line)
        typer.echo(line)
        sys.stdout.flush()
        return taken

    async def _take(self, path: Path, batch: list[Row | BadRow], taken: Taken, counts: dict[NoticeState, int]) -> None:
        rows = [row for row in batch if isinstance(row, Row)]
        outcomes = await self._desk.take(self._sender, [row.notice for row in rows], NoticeSource.FILE) if rows else []
        told: Iterator[str | None] = (
            None if outcome.reason is None else f"line {row.line}, id {outcome.id}: {outcome.words} ({outcome.reason})"
            for row, outcome in zip(rows, outcomes, strict=True)
        )
        for row in batch:
            words = str(row) if isinstance(row, BadRow) else next(told)
            if words is not None:
                self._refuse(f"{path}: {words}", taken)
        for outcome in outcomes:
            counts[outcome.state] += 1

    def _refuse(self, words: str, taken: Taken) -> None:
        self.refused += 1
        taken.refused.append(words)
        typer.echo(f"metergate: {words}", err=True)
