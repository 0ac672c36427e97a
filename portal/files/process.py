"""`metergate files`: the companies' folders over FTPS and SFTP, filled with the daily files and cleared of old ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Annotated

import typer

from gateway import config
from gateway.clock import Clock, SystemClock, central_date
from gateway.command_line import Over, stop_on_signals
from gateway.config import Config
from gateway.database import Database, over_database
from gateway.dice import SystemDice
from gateway.errors import BadInput
from gateway.links import Backoff, keep
from gateway.memory import settle_memory
from portal.accounts.passwords import Passwords
from portal.files.door import FileDoor
from portal.files.lse_dropper import LseDropper
from portal.files.lse_drops import forget_drops
from portal.files.retention import remove_old
from portal.opening import open_database
from portal.settings import PortalSettings, url_of
from portal.usage.sql_store import SqlIntervalStore

app = typer.Typer(invoke_without_command=True, help="Serve the companies' folders over FTPS and SFTP.")

TIDY_S = 3600.0
LONGEST_BACK = timedelta(days=1500)
ConfigHere = Annotated[str, typer.Option("--config", "-c", help="Configuration: a file, or the name of one of ours.")]


@app.callback()
def command(context: typer.Context, config_: ConfigHere = "", over: Over = None) -> None:
    """Serve the companies' folders over FTPS and SFTP until told to stop, and drop the daily LSE files into them."""
    if context.invoked_subcommand is None:
        if not config_:
            raise BadInput("name a configuration with --config")
        asyncio.run(serve(config.load(config_, over or ())))


@app.command()
def drop(
    config_: Annotated[str, typer.Option("--config", "-c", help="Configuration: a file, or the name of one of ours.")],
    day: Annotated[str, typer.Option(help="The Chicago day, as 2026-11-24; without it yesterday.")] = "",
    over: Over = None,
) -> None:
    """Make the LSE files of a day that are not in their place yet, at once and with what there is; for cron."""
    asyncio.run(over_database(_drop(config.load(config_, over or ()), day)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What both commands work with."""

    settings: PortalSettings
    clock: Clock
    database: Database
    dropper: LseDropper


@asynccontextmanager
async def parts_of(configuration: Config) -> AsyncIterator[Parts]:
    """The market's database and the intervals, opened. Raises BadConfig, LinkLost."""
    settings, clock = configuration.section("portal", PortalSettings), SystemClock()
    async with AsyncExitStack() as stack:
        database = await open_database(settings)
        stack.push_async_callback(database.close)
        intervals = Database.open(url_of(settings.intervals))
        stack.push_async_callback(intervals.close)
        store = await SqlIntervalStore.opened(intervals)
        dropper = LseDropper(database, store, clock, settings.files)
        yield Parts(settings=settings, clock=clock, database=database, dropper=dropper)


async def serve(configuration: Config) -> None:
    """Serve, drop and clear until SIGTERM or SIGINT."""
    # Imported here, so that no other command loads them: each brings a protocol of its own.
    from portal.files.ftps_server import FtpsServer
    from portal.files.sftp_server import SftpServer, fingerprint

    async with parts_of(configuration) as parts:
        settings, files, clock = parts.settings, parts.settings.files, parts.clock
        door = FileDoor(parts.database, Passwords(SystemDice()), clock, files.most_per_user)
        sftp = SftpServer(door, files, clock)
        ftps = None
        if settings.certificate is not None:
            ftps = FtpsServer(door, files, settings.certificate, settings.key)
        stop = asyncio.Event()
        stop_on_signals(stop)
        async with AsyncExitStack() as stack:
            said = []
            if ftps is not None:
                said.append(f"ftps_port={ftps.start()}")
                stack.push_async_callback(ftps.stop)
            said += [f"sftp_port={await sftp.start()}", f"host_key={fingerprint(sftp.key)}"]
            stack.push_async_callback(sftp.stop)
            working = [
                asyncio.create_task(
                    keep("the LSE files", lambda: over_database(parts.dropper.run()), clock, Backoff())
                ),
                asyncio.create_task(keep("clearing", lambda: over_database(_clear(parts)), clock, Backoff())),
                asyncio.create_task(sftp.run()),
                *([asyncio.create_task(ftps.wait())] if ftps is not None else []),
            ]
            settle_memory()
            print("ready", *said, flush=True)
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([stopped, *working], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            ended = [task for task in working if task.done()]
            for task in working:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            assert stop.is_set() or not ended, "a part of the server ended by itself"


async def _clear(parts: Parts) -> None:
    """Remove, hour by hour, what has been kept for long enough."""
    files = parts.settings.files
    while True:
        now = parts.clock.now()
        clearing = partial(remove_old, files.folder, files.kept_days, now)
        await asyncio.get_running_loop().run_in_executor(None, clearing)
        before = central_date(now) - timedelta(days=max(files.lse_days, files.kept_days) + 1)
        await parts.database.write(partial(forget_drops, before=before))
        await parts.clock.sleep(TIDY_S)


async def _drop(configuration: Config, text: str) -> None:
    async with parts_of(configuration) as parts:
        today = central_date(parts.clock.now())
        try:
            day = date.fromisoformat(text) if text else today - timedelta(days=1)
        except ValueError:
            raise BadInput(f"{text[:40]!r} is not a day such as 2026-11-24") from None
        if not today - LONGEST_BACK <= day < today:
            raise BadInput(f"{day} is not a day that is over, or is too long ago")
        made = await parts.dropper.drop(day, at_once=True)
        typer.echo(f"{day}: {made} LSE files made")
