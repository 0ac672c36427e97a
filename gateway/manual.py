"""The manual of every configuration key, made from the settings classes themselves."""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from gateway import wiring
from gateway.config import Credentials, Secret
from gateway.settings import CollectionSettings, ReportingSettings

HEADING = """# Configuration
Every key that a configuration may hold, by table. This page is made from the settings classes (`metergate manual`);
a test keeps the two equal.

- A configuration is a TOML file; `--config demo.toml` takes a path, or the name of one that comes with metergate.
- `--set table.key=value` on any command sets a key over the file's.
- `data`, the first key, is the folder for everything that metergate keeps (default `var`); `{data}` in any text stands
  for it.
- A *secret* is `{ file = "path" }` or `{ env = "NAME" }`, never the text itself.
- A table with `use = "module:Class"` names the class that it configures.
"""


def command() -> None:
    """Print the manual of every configuration key."""
    print(manual(), end="")


def manual() -> str:
    """The whole page, Markdown."""
    kinds = [(f"[{entry.name}]", entry.load()) for entry in wiring.settings()]
    kinds += [(kind.__name__, kind) for kind in (Credentials, Secret, CollectionSettings, ReportingSettings)]
    return HEADING + "".join(f"\n## {name}\n{_sentence(kind)}\n\n{''.join(_rows(kind))}" for name, kind in kinds)


def _rows(kind: type) -> Iterator[str]:
    assert is_dataclass(kind)
    hints = get_type_hints(kind, include_extras=True)
    yield "| key | default | meaning |\n|---|---|---|\n"
    for each in fields(kind):
        yield f"| `{each.name}` | {_default(each)} | {_meaning(hints[each.name])} |\n"


def _default(each: Any) -> str:
    if each.default is MISSING and each.default_factory is MISSING:
        return "required"
    value = each.default if each.default is not MISSING else each.default_factory()
    if value is None or is_dataclass(value) or value in ({}, ()):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(annotation: Any) -> str:
    description = next((note.description for note in getattr(annotation, "__metadata__", ()) if note.description), "")
    inner = [get_origin(annotation) and get_args(annotation)[0], *get_args(get_args(annotation)[0])]
    reference = next((f" See {kind.__name__}." for kind in (Secret, Credentials) if kind in inner), "")
    return f"{description}{reference}".replace("|", "\\|")


def _sentence(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())
