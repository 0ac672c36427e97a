"""Configuration: TOML in, frozen settings out, every wrong key named.

`data`, the first key of a file, is the folder for everything that metergate keeps; `{data}` in any text stands for it.
A settings class is a frozen dataclass made with @settings, its fields annotated with a pydantic Field description:
that sentence is the field's documentation, here and in docs/configuration.md. A file holds tables; whoever needs one
asks for it by its dotted name and its class. Secrets stand in files or the environment, never in the TOML itself.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from gateway.errors import BadConfig

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type[T]) -> type[T]:
    """Make a class a frozen, keyword-only dataclass that refuses unknown keys when it is read from a file."""
    cls.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]  # pydantic's own hook
    return dataclass(frozen=True, kw_only=True)(cls)


@settings
class Secret:
    """Where a secret is kept: a file (its text without the final newline) or an environment variable."""

    file: Annotated[Path | None, Field(description="A file that holds the secret and nothing else.")] = None
    env: Annotated[str | None, Field(description="An environment variable that holds the secret.")] = None

    def reveal(self) -> str:
        """The secret's text. Raises BadConfig if it is not where the configuration says."""
        if self.file is not None:
            try:
                return self.file.read_text(encoding="utf-8").rstrip("\n")
            except OSError as error:
                raise BadConfig(f"secret file {self.file} cannot be read: {error.strerror}") from None
            except UnicodeDecodeError:
                raise BadConfig(f"secret file {self.file} holds no text") from None
        if self.env is not None and self.env in os.environ:
            return os.environ[self.env]
        raise BadConfig(f"secret {self.env or '(neither file nor env)'} is not set")


@settings
class Credentials:
    """Who a process is to the broker: a user name with a password, or a client certificate with its key."""

    username: Annotated[str | None, Field(description="User name at the broker; a gateway's is its id.")] = None
    password: Annotated[Secret | None, Field(description="Password at the broker.")] = None
    certificate: Annotated[Path | None, Field(description="Client certificate (PEM) for mutual TLS.")] = None
    key: Annotated[Path | None, Field(description="Private key (PEM) of the client certificate.")] = None


@dataclass(frozen=True)
class Config:
    """A configuration file's tables, with what was set over them on the command line."""

    path: Path
    tables: Mapping[str, Any] = field(repr=False)

    @property
    def data(self) -> Path:
        """The folder for everything that metergate keeps."""
        return Path(str(self.tables.get("data", "var")))

    def section(self, name: str, kind: type[T]) -> T:
        """The table of a dotted name as its settings class; a missing table is an empty one. Raises BadConfig."""
        return decode(self.table(name), kind, f"{self.path}: [{name}]")

    def table(self, name: str) -> dict[str, Any]:
        """The raw table of a dotted name, empty if it is not there."""
        here: Any = self.tables
        for part in name.split("."):
            here = here.get(part, {}) if isinstance(here, Mapping) else {}
        return dict(here) if isinstance(here, Mapping) else {}


def decode(table: Mapping[str, Any], kind: type[T], where: str) -> T:
    """A table as its settings class. Raises BadConfig with every wrong key in words."""
    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadConfig(f"{where} {faults}") from None


def find(name: str) -> Path:
    """A configuration by path, or by its bare name among those that come with metergate. Raises BadConfig."""
    here = Path(__file__).resolve().parent
    for candidate in (Path(name), here / "configs" / name, here.parent / "configs" / name):
        if candidate.is_file():
            return candidate
    raise BadConfig(f"no configuration {name}: give a file, or the name of one that comes with metergate")


def load(name: str | Path, over: Sequence[str] = ()) -> Config:
    """Read a configuration; over holds `table.key=value` texts, values in TOML, that win. Raises BadConfig."""
    path = find(str(name))
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        for line in over:
            key, equals, value = line.partition("=")
            if not equals or not all(key.strip().split(".")):
                raise BadConfig(f"{line!r} sets nothing: it must read table.key=value")
            _put(tables, key.strip().split("."), _value(value.strip()))
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise BadConfig(f"{path}: {error}") from None
    return Config(path=path, tables=_placed(tables, str(tables.get("data", "var"))))


def _placed(value: Any, data: str) -> Any:
    """The same tables with every `{data}` in their texts replaced by the data folder."""
    if isinstance(value, dict):
        return {key: _placed(inner, data) for key, inner in value.items()}
    if isinstance(value, list):
        return [_placed(inner, data) for inner in value]
    return value.replace("{data}", data) if isinstance(value, str) else value


def _value(text: str) -> Any:
    """A value in TOML; a bare word that is no TOML counts as text, for a command line's sake."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(tables: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        tables = tables.setdefault(part, {})
        if not isinstance(tables, dict):
            raise BadConfig(f"{'.'.join(path)} does not lead into a table")
    tables[path[-1]] = value
