"""`metergate gateway`: one gateway as a process, from its configuration."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from gateway import assignments, config, wiring
from gateway.clock import SystemClock
from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.config import Config
from gateway.database import Database
from gateway.dice import SystemDice
from gateway.errors import LinkLost
from gateway.han.sealing import KEY_BYTES, private_key
from gateway.journal import SqlJournal
from gateway.journal.collected import SqlCollectionJournal
from gateway.journal.devices import DeviceBook
from gateway.journal.meters import MeterBook
from gateway.memory import settle_memory
from gateway.ports import Bus, Driver
from gateway.read_policy import ReadLimits
from gateway.settings import GatewaySettings
from gateway.supervisor import Gateway


def command(
    config_: ConfigName,
    over: Over = None,
) -> None:
    """Run a gateway until it is told to stop."""
    asyncio.run(serve(config.load(config_, over or ())))


async def serve(configuration: Config) -> None:
    """Build the gateway that a configuration describes and run it until SIGTERM or SIGINT."""
    clock, dice = SystemClock(), SystemDice()
    settings = configuration.section("gateway", GatewaySettings)
    drivers: dict[str, Driver] = {}
    for name, table in configuration.table("drivers").items():
        kind, options = wiring.part(table, f"{configuration.path}: [drivers.{name}]")
        drivers[name] = kind(name, options, clock, dice)
    meters = assignments.read(settings.assignments, drivers)
    kind, options = wiring.part(configuration.table("bus"), f"{configuration.path}: [bus]")
    bus: Bus = kind(options, settings.credentials, settings.id, clock, dice)
    limits = configuration.section("limits", ReadLimits)
    sealing = private_key(settings.sealing_key, dice.secret(KEY_BYTES)) if settings.sealing_key else None
    database = Database.open(settings.database)
    try:
        gateway = Gateway(
            settings=settings,
            limits=limits,
            journal=await _journal(database, dice.request_id(clock.now())),
            devices=DeviceBook(database),
            meters=MeterBook(database),
            collected=SqlCollectionJournal(database),
            bus=bus,
            drivers=drivers,
            assignments=meters,
            clock=clock,
            boot_id=dice.request_id(clock.now()),
            sealing=sealing,
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
