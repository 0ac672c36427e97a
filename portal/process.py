"""`metergate portal`: the portal as a process, from its configuration, and the first person in."""

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Annotated

import typer

from gateway import config, wiring
from gateway.clock import SystemClock
from gateway.command_line import CONFIG_HELP, Over, stop_on_signals
from gateway.config import Config
from gateway.database import Database, over_database
from gateway.dice import SystemDice
from gateway.links import Backoff, keep
from gateway.memory import settle_memory
from gateway.ports import Bus
from gateway.read_policy import ReadLimits
from portal.accounts.expiry import keep_expiring
from portal.accounts.sessions import drop_stale
from portal.accounts.vault import secret_of
from portal.agreements.changing import keep_ending
from portal.app import full_app
from portal.context import Portal
from portal.first_person import init
from portal.http_server import HttpServer, http_server, listen
from portal.mail.running import mail_sender
from portal.opening import open_database
from portal.orders.files import may_go
from portal.saved_reports.running import Running, keep_running
from portal.settings import PortalSettings, url_of
from portal.usage.registers import RegisterStore
from portal.usage.sql_store import SqlIntervalStore
from portal.vee.explain import Explainer
from portal.vee.overview import Overview
from portal.webhooks.sender import WebhookSender
from portal.webhooks.transport import Postman

TIDY_S = 3600.0
COLLECTED_WAIT_S = 0.05
"""How long keeping what gateways collect waits for a load of files elsewhere; all requests wait meanwhile."""


command = typer.Typer(help="Run the portal until it is told to stop; or, with init, let the first person in.")
command.command()(init)


@command.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    config_: Annotated[str | None, typer.Option("--config", "-c", help=CONFIG_HELP)] = None,
    over: Over = None,
) -> None:
    """Run the portal until it is told to stop; or, with init, let the first person in."""
    if context.invoked_subcommand is not None:
        return
    if config_ is None:
        raise typer.BadParameter("name a configuration", param_hint="--config")
    asyncio.run(serve(config.load(config_, over or ())))


async def serve(configuration: Config) -> None:
    """Build the portal that a configuration describes and run it until SIGTERM or SIGINT."""
    clock, dice = SystemClock(), SystemDice()
    settings = configuration.section("portal", PortalSettings)
    limits = configuration.section("limits", ReadLimits)
    kind, options = wiring.part(configuration.table("bus"), f"{configuration.path}: [bus]")
    bus: Bus = kind(options, settings.credentials, None, clock, dice)
    database = await open_database(settings)
    intervals = Database.open(url_of(settings.intervals))
    keeping = Database.open(url_of(settings.intervals), COLLECTED_WAIT_S)
    mail = AsyncExitStack()
    try:
        store = await SqlIntervalStore.opened(intervals)
        folder = settings.files.folder
        sender = await mail.enter_async_context(mail_sender(database, settings.mail, folder, clock, may_go))
        collected = SqlIntervalStore(keeping)
        registers = RegisterStore(intervals)
        parts = Portal.over(
            database,
            bus,
            clock,
            dice,
            settings,
            limits,
            intervals=store,
            collected=collected,
            registers=registers,
            explainer=Explainer(database, intervals, store, clock, settings.vee),
            overview=Overview(intervals),
            secret=secret_of(settings, dice),
        )
        app = full_app(parts, store, registers)
        servers = {listen(settings.host, settings.port): http_server(app)}
        if settings.certificate is not None:
            secure = http_server(app, settings.certificate, settings.key)
            servers[listen(settings.host, settings.tls_port)] = secure
        postman = await mail.enter_async_context(Postman(settings.webhooks, clock))
        teller = WebhookSender(database, parts.acting, parts.vault, postman, settings.webhooks)
        schedules = Running(settings=settings.orders, dice=dice, clock=clock)
        stop = asyncio.Event()
        stop_on_signals(stop)
        serving = [asyncio.create_task(server.serve([place])) for place, server in servers.items()]
        working = [
            asyncio.create_task(keep("the bus", lambda: _on_bus(bus, parts), clock, Backoff())),
            asyncio.create_task(keep("the desks", lambda: over_database(parts.run()), clock, Backoff())),
            asyncio.create_task(keep("the mail", lambda: over_database(sender.run()), clock, Backoff())),
            asyncio.create_task(keep("webhooks", lambda: over_database(teller.run()), clock, Backoff())),
            asyncio.create_task(
                keep("schedules", lambda: over_database(keep_running(database, schedules)), clock, Backoff())
            ),
            asyncio.create_task(keep("expiries", lambda: over_database(keep_expiring(parts.acting)), clock, Backoff())),
            asyncio.create_task(keep("agreements", lambda: over_database(keep_ending(parts.acting)), clock, Backoff())),
            asyncio.create_task(keep("tidying", lambda: over_database(_tidy(parts)), clock, Backoff())),
        ]
        await asyncio.gather(*(server.listening.wait() for server in servers.values()))
        port, *secure_port = [place.getsockname()[1] for place in servers]
        settle_memory()
        print(f"ready port={port}", *(f"tls_port={number}" for number in secure_port), flush=True)
        await _until_stopped(stop, list(servers.values()), serving, working)
    finally:
        await mail.aclose()
        await database.close()
        await intervals.close()
        await keeping.close()


async def _on_bus(bus: Bus, parts: Portal) -> None:
    """Live through one connection to the bus, for gateways and TDSPs."""
    await bus.run(parts.desk.handle, parts.greet, market=parts.market.handle)


async def _until_stopped(
    stop: asyncio.Event,
    servers: list[HttpServer],
    serving: list[asyncio.Task[None]],
    working: list[asyncio.Task[None]],
) -> None:
    """Wait for the word to stop, or for a task that ended by itself; then finish answers, and everything else."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *serving, *working], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving)
    ended = [task for task in working if task.done()]
    for task in working:
        task.cancel()
    for task in working:
        with suppress(asyncio.CancelledError):
            await task
    assert stop.is_set() or not ended, "a part of the portal ended by itself"


async def _tidy(parts: Portal) -> None:
    """Remove, hour by hour, the sessions that have ended by themselves."""
    while True:
        stale = partial(drop_stale, times=parts.settings.sessions, now=parts.clock.now())
        await parts.database.write(stale)
        await parts.clock.sleep(TIDY_S)
