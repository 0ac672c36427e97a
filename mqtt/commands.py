"""The command `metergate broker`: the embedded broker as a process of its own."""

import asyncio

import typer

from gateway.command_line import ConfigName, Over, stop_on_signals
from gateway.config import load
from mqtt.broker import BrokerSettings, EmbeddedBroker


def broker(
    config_: ConfigName = "demo.toml",
    over: Over = None,
) -> None:
    """Run the embedded MQTT broker until it is told to stop; says `ready port=...` once it listens."""
    settings = load(config_, over or ()).section("broker", BrokerSettings)
    asyncio.run(_run(EmbeddedBroker(settings)))


async def _run(server: EmbeddedBroker) -> None:
    stopped = asyncio.Event()
    stop_on_signals(stopped)
    await server.start()
    typer.echo(f"ready port={server.port}")
    await stopped.wait()
    await server.stop()
