"""`"drivers.zigbee:ZigBeeDriver"` to an object: the only dynamic import in the project."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gateway.errors import BadConfig

COMMANDS = "metergate.commands"
"""The entry-point group in which each package registers its sub-commands."""

SETTINGS = "metergate.settings"
"""The entry-point group in which each package registers the tables of a configuration that it reads."""


def resolve(text: str) -> Any:
    """The object that `module:name` means. Raises BadConfig if there is none."""
    module, _, name = text.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadConfig(f"{text!r} cannot be used: {error}") from None


def commands() -> Iterator[tuple[str, EntryPoint]]:
    """Every registered sub-command by name, not loaded yet."""
    for entry in sorted(entry_points(group=COMMANDS), key=lambda entry: entry.name):
        yield entry.name, entry


def settings() -> Iterator[EntryPoint]:
    """Every registered table of a configuration by its name, with the settings class that reads it."""
    yield from sorted(entry_points(group=SETTINGS), key=lambda entry: entry.name)
