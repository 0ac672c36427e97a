"""What our commands have in common: the options that name a configuration, and stopping at a signal."""

import asyncio
import signal
from typing import Annotated

import typer

CONFIG_HELP = "Configuration: a file, or the name of one of ours."
ConfigName = Annotated[str, typer.Option("--config", "-c", help=CONFIG_HELP)]
"""A configuration by path or by bare name, as gateway.config.load takes it."""

Over = Annotated[list[str] | None, typer.Option("--set", help="table.key=value to set over it.")]
"""Settings over the file's, as gateway.config.load takes them."""


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set an event at SIGTERM and SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
