"""`metergate gateway`: one gateway as a process, from its configuration."""

import asyncio
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from gateway import assignments, config, wiring
from gateway.clock import SystemClock
from gateway.config import Config
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.errors import BadConfig, LinkLost
from gateway.journal import SqlJournal
from gateway.memory import settle_memory
from gateway.ports import Bus, Driver
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway, stop_on_signals


def command(
    config_: Annotated[str, typer.Option("--config", "-c", help="Configuration: a file, or the name of one of ours.")],
    over: Annotated[list[str] | None, typer.Option("--set", help="table.key=value to set over it.")] = None,
) -> None:
    """Run a gateway until it is told to stop."""
    asyncio.run(serve(config.load(config_, over or ())))


async def serve(configuration: Config) -> None:
    """Build the gateway that a configuration describes and run it until SIGTERM or SIGINT."""
    clock, dice = SystemClock(), SystemDice()
    settings = configuration.section("gateway", GatewaySettings)
    meters = assignments.read(settings.assignments)
    drivers = _drivers(configuration, clock, dice)
    homeless = sorted({meter.driver for meter in meters.values()} - set(drivers))
    if homeless:
        raise BadConfig(f"{settings.assignments} names drivers that are not configured: {', '.join(homeless)}")
    bus, limits = _bus(configuration, settings, clock, dice), configuration.section("limits", ReadLimits)
    database = Database.open(settings.database)
    try:
        gateway = Gateway(
            settings=settings,
            limits=limits,
            journal=await _journal(database, dice.request_id(clock.now())),
            bus=bus,
            drivers=drivers,
            assignments=meters,
            clock=clock,
            boot_id=dice.request_id(clock.now()),
        )
        stop = asyncio.Event()
        stop_on_signals(stop)
        settle_memory()
        print(f"ready gateway={settings.id} meters={len(meters)}", flush=True)
        await gateway.run(stop)
    finally:
        await database.close()


async def _journal(database: Database, name: str) -> SqlJournal:
    """The journal in a database. Raises LinkLost if that cannot be used now."""
    try:
        return await SqlJournal.opened(database, name)
    except (SQLAlchemyError, OSError) as error:
        raise LinkLost(f"the journal cannot be opened: {getattr(error, 'orig', None) or error}") from None


def _bus(configuration: Config, settings: GatewaySettings, clock: SystemClock, dice: SystemDice) -> Bus:
    kind, options = _part(configuration.table("bus"), f"{configuration.path}: [bus]")
    bus: Bus = kind(options, settings.credentials, settings.id, clock, dice)
    return bus


def _drivers(configuration: Config, clock: SystemClock, dice: SystemDice) -> dict[str, Driver]:
    drivers = {}
    for name, table in configuration.table("drivers").items():
        kind, options = _part(table, f"{configuration.path}: [drivers.{name}]")
        drivers[name] = kind(name, options, clock, dice)
    return drivers


def _part(table: dict[str, Any], where: str) -> tuple[Any, Any]:
    """The class that a table's `use` names, and the rest of the table as that class's Settings."""
    rest = dict(table)
    kind = wiring.resolve(str(rest.pop("use", "")))
    if not hasattr(kind, "Settings"):
        raise BadConfig(f"{where} use: {kind!r} is nothing that takes settings")
    return kind, config.decode(rest, kind.Settings, where)
