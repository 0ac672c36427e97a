"""The command `metergate broker`: the embedded broker as a process of its own."""

import asyncio
import signal
from typing import Annotated

import typer

from gateway.config import load
from mqtt.broker import BrokerSettings, EmbeddedBroker


def broker(
    config_: Annotated[
        str, typer.Option("--config", "-c", help="Configuration: a file, or the name of one of ours.")
    ] = "demo.toml",
    over: Annotated[list[str] | None, typer.Option("--set", help="table.key=value to set over it.")] = None,
) -> None:
    """Run the embedded MQTT broker until it is told to stop; says `ready port=...` once it listens."""
    settings = load(config_, over or ()).section("broker", BrokerSettings)
    asyncio.run(_run(EmbeddedBroker(settings)))


async def _run(server: EmbeddedBroker) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await server.start()
    typer.echo(f"ready port={server.port}")
    await stopped.wait()
    await server.stop()
