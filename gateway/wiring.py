"""`"drivers.zigbee:ZigBeeDriver"` to an object: the only dynamic import in the project."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gateway.config import decode
from gateway.errors import BadConfig

COMMANDS = "metergate.commands"
"""The entry-point group in which each package registers its sub-commands."""

SETTINGS = "metergate.settings"
"""The entry-point group in which each package registers the tables of a configuration that it reads."""

TOLD = "metergate.told"
"""The entry-point group in which each package registers what `metergate doctor` tells of it: a call for a sentence."""


def resolve(text: str) -> Any:
    """The object that `module:name` means. Raises BadConfig if there is none."""
    module, _, name = text.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadConfig(f"{text!r} cannot be used: {error}") from None


def user_of(table: Any) -> Any:
    """The class that a table's `use` names; it has a Settings class of its own. Raises BadConfig if there is none."""
    used = str(table.get("use", "")) if isinstance(table, Mapping) else ""
    kind = resolve(used)
    if not hasattr(kind, "Settings"):
        raise BadConfig(f"{used!r} is nothing that takes settings")
    return kind


def part(table: Mapping[str, Any], where: str) -> tuple[Any, Any]:
    """The class that a table's `use` names, and the rest of the table as its Settings. Raises BadConfig."""
    kind = user_of(table)
    return kind, decode({key: value for key, value in table.items() if key != "use"}, kind.Settings, where)


def commands() -> Iterator[tuple[str, EntryPoint]]:
    """Every registered sub-command by name, not loaded yet."""
    for entry in sorted(entry_points(group=COMMANDS), key=lambda entry: entry.name):
        yield entry.name, entry


def settings() -> Iterator[EntryPoint]:
    """Every registered table of a configuration by its name, with the settings class that reads it."""
    yield from sorted(entry_points(group=SETTINGS), key=lambda entry: entry.name)


def told() -> Iterator[str]:
    """What each package has to tell of itself on this machine."""
    for entry in sorted(entry_points(group=TOLD), key=lambda entry: entry.name):
        yield entry.load()()
