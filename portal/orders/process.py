"""`metergate reports`: a process that makes report orders; any number of them may run beside each other."""

import asyncio
import os
import socket
from contextlib import suppress

from gateway import config
from gateway.clock import SystemClock
from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.config import Config
from gateway.database import Database, over_database
from gateway.dice import SystemDice
from gateway.links import Backoff, keep
from portal.opening import open_database
from portal.orders.ending import Ending
from portal.orders.letters import post_of
from portal.orders.worker import Worker
from portal.reports.rows import Sources
from portal.settings import PortalSettings, url_of
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.vee.explain import Explainer


def command(
    config_: ConfigName,
    over: Over = None,
) -> None:
    """Make the reports that people order, until told to stop."""
    asyncio.run(serve(config.load(config_, over or ())))


async def serve(configuration: Config) -> None:
    """Work on the orders of the portal that a configuration describes, until SIGTERM or SIGINT."""
    clock, dice = SystemClock(), SystemDice()
    settings = configuration.section("portal", PortalSettings)
    database = await open_database(settings)
    intervals = Database.open(url_of(settings.intervals))
    try:
        store = await SqlIntervalStore.opened(intervals)
        rules = Explainer(database, intervals, store, clock, settings.vee)
        sources = Sources(intervals=store, registers=RegisterStore(intervals), rules=rules)
        name = f"{socket.gethostname()}:{os.getpid()}"
        ending = Ending(settings=settings.orders, by=post_of(settings))
        worker = Worker(database, sources, ending, settings.files.folder, clock, dice, name)
        stop = asyncio.Event()
        stop_on_signals(stop)
        working = asyncio.create_task(keep("the queue", lambda: over_database(worker.run()), clock, Backoff()))
        print("ready", flush=True)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, working], return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    finally:
        await database.close()
        await intervals.close()
