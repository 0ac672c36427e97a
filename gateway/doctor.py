"""`metergate doctor`: look at a configuration and a machine, and say what to do about what is wrong."""

import asyncio
import os
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from rich.console import Console
from rich.markup import escape
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway import assignments, config, wiring
from gateway.clock import SystemClock
from gateway.command_line import ConfigName, Over
from gateway.config import Config, Secret
from gateway.database import Database
from gateway.errors import BadConfig, MetergateError

PACKAGES = ("gateway", "drivers", "simulators", "portal", "mqtt")
CONNECT_S = 3.0
FREE_BYTES = 1 << 30
CERTIFICATE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what it is, and what to do about it; no advice means that it is well."""

    what: str
    advice: str = ""


def command(
    config_: ConfigName,
    over: Over = None,
    radios: Annotated[bool, typer.Option("--radios", help="Also connect to radios, which cuts off a gateway.")] = False,
) -> None:
    """Check a configuration and this machine, and say what to do."""
    findings = asyncio.run(examine(config.load(config_, over or ()), radios=radios))
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print("[red]✗[/]" if finding.advice else "[green]✓[/]", escape(finding.what))
        if finding.advice:
            console.print("   ", escape(finding.advice))
    sick = sum(bool(finding.advice) for finding in findings)
    console.print(f"{len(findings)} checks, {sick} to mend" if sick else f"{len(findings)} checks, all well")
    raise typer.Exit(1 if sick else 0)


async def examine(configuration: Config, *, radios: bool = False) -> list[Finding]:
    """Everything that can be told about a configuration on this machine, without changing anything.

    Radios on the network are contacted only if radios is set: they serve one host, and the newest wins.
    """
    found = [*_machine(), *_tables(configuration), *_secrets(configuration), *_files(configuration)]
    found += [finding async for finding in _databases(configuration)]
    found += [finding async for finding in _connections(configuration, radios=radios)]
    return found


def _tried(what: str, attempt: Callable[[], object]) -> Finding:
    """A finding of something that raises in words when it is not well."""
    try:
        attempt()
    except (MetergateError, OSError, ValueError) as error:
        return Finding(what, str(error))
    return Finding(what)


def _machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(f"Python {version}", "" if supported else "Install Python 3.11, 3.12 or 3.13.")
    yield from map(Finding, wiring.told())
    owners = packages_distributions()
    for package in PACKAGES:
        others = ", ".join(sorted(set(owners.get(package, [])) - {"metergate"}))
        advice = f"{others} installs it too: give metergate a virtual environment of its own."
        yield Finding(f"package {package} is ours alone", advice if others else "")


def _tables(configuration: Config) -> Iterator[Finding]:
    """Each table against the settings class that reads it."""
    known = {entry.name: entry.load for entry in wiring.settings()}
    for name, table in configuration.tables.items():
        if name == "drivers" and isinstance(table, Mapping):
            for driver, options in table.items():
                yield _table(configuration, f"drivers.{driver}", partial(_settings_of, options))
        elif name != "data":
            used = isinstance(table, Mapping) and "use" in table
            yield _table(configuration, name, partial(_settings_of, table) if used else known.get(name, _nobody))


def _table(configuration: Config, where: str, reader: Callable[[], Any]) -> Finding:
    options = {key: value for key, value in configuration.table(where).items() if key != "use"}
    return _tried(f"table [{where}]", lambda: config.decode(options, reader(), f"[{where}]"))


def _settings_of(table: Any) -> Any:
    return wiring.user_of(table).Settings


def _nobody() -> Any:
    raise BadConfig("Nothing reads this table: is it spelt right?")


def _secrets(configuration: Config) -> Iterator[Finding]:
    for where, table in _walk("", configuration.tables):
        if _is_secret(table):
            yield _tried(f"secret {where}", partial(_revealed, where, table))


def _is_secret(table: Any) -> bool:
    return isinstance(table, Mapping) and bool(table) and set(table) <= {"file", "env"}


def _revealed(where: str, table: Mapping[str, Any]) -> str:
    """A secret's text. Raises BadConfig if it is not there, or is nothing at all."""
    revealed = config.decode(table, Secret, where).reveal()
    if not revealed.strip():
        raise BadConfig("It is empty.")
    return revealed


def _walk(where: str, table: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every table in a configuration, by its dotted name."""
    if isinstance(table, Mapping):
        yield where, table
        for key, value in table.items():
            yield from _walk(f"{where}.{key}".lstrip("."), value)


def _files(configuration: Config) -> Iterator[Finding]:
    listed = configuration.table("gateway").get("assignments")
    if isinstance(listed, str):
        yield _tried(f"assignments {listed}", lambda: assignments.read(Path(listed), configuration.table("drivers")))
    for where, table in _walk("", configuration.tables):
        certificate, key, authority = (table.get(name) for name in ("certificate", "key", "ca_file"))
        if isinstance(certificate, str):
            yield _certificate(f"{where}.certificate", Path(certificate))
            if isinstance(key, str):
                yield _tried(f"{where}.key {key}", partial(_opens, Path(certificate), Path(key)))
        if isinstance(authority, str):
            yield _certificate(f"{where}.ca_file", Path(authority))


def _certificate(where: str, path: Path) -> Finding:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return Finding(f"{where} {path}", f"It cannot be read: {error}")
    left = certificate.not_valid_after_utc - SystemClock().now()
    if left <= timedelta():
        return Finding(f"{where} ended at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", f"Renew {path} now.")
    well = left > timedelta(days=CERTIFICATE_DAYS)
    return Finding(f"{where} is valid for {left.days} days", "" if well else f"Renew {path} soon.")


def _opens(certificate: Path, key: Path) -> None:
    """Raises OSError if a private key cannot be read, wants a password or is another certificate's."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")


async def _databases(configuration: Config) -> AsyncIterator[Finding]:
    for where, table in _walk("", configuration.tables):
        for key in ("database", "intervals"):
            url = table.get(key)
            if isinstance(url, Mapping) and _is_secret(url):
                try:
                    url = _revealed(where, url)
                except MetergateError:
                    continue  # told among the secrets
            if isinstance(url, str) and "://" in url:
                yield await _database(f"{where}.{key} answers", url)


async def _database(what: str, url: str) -> Finding:
    try:
        place = make_url(url)
        path = Path(place.database) if place.drivername == "sqlite" and place.database else None
        if path is None or path.exists():
            async with asyncio.timeout(CONNECT_S):
                await _answers(Database.open(url))
    except DBAPIError as error:
        return Finding(what, str(error.orig)[:300])
    except TimeoutError:
        return Finding(what, f"No answer within {CONNECT_S:.0f} s: is it started, and reached from here?")
    except (MetergateError, SQLAlchemyError, OSError) as error:
        return Finding(what, f"{type(error).__name__}: {str(error)[:300]}")
    return Finding(what) if path is None else _room(what, path)


async def _answers(database: Database) -> None:
    try:
        async with database.reading() as connection:
            await connection.execute(text("select 1"))
    finally:
        await database.close()


def _room(what: str, path: Path) -> Finding:
    """Whether a SQLite file can be written, or made if it is not there yet, and has room on its disk."""
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not os.access(there, os.W_OK):
        return Finding(what, f"This user may not write {there}.")
    free = shutil.disk_usage(there).free
    if free < FREE_BYTES:
        return Finding(what, f"Only {free >> 20} MiB are free on its disk: make room.")
    return Finding(what if there == path else f"{what.removesuffix(' answers')} can be made")


async def _connections(configuration: Config, *, radios: bool) -> AsyncIterator[Finding]:
    bus = configuration.table("bus")
    if "use" in bus:
        host, port = str(bus.get("host", "127.0.0.1")), bus.get("port", 1883)
        yield await _reaches("the broker", host, port, "Is it started (metergate broker, or one of yours)?")
    for name, table in configuration.table("drivers").items():
        radio = str(table.get("radio", "")) if isinstance(table, Mapping) else ""
        if radio.startswith("socket://"):
            host, _, port = radio.removeprefix("socket://").rpartition(":")
            if radios:
                yield await _reaches(f"the radio of {name}", host, port, "Is it on, and reachable from this machine?")
            else:
                yield Finding(f"the radio of {name} at {host}:{port} is left in peace (--radios connects to it)")
        elif radio:
            yield _device(f"the radio of {name}, {radio}", Path(radio))


def _device(what: str, path: Path) -> Finding:
    if not path.exists():
        return Finding(what, "There is no such device: plug it in.")
    usable = os.access(path, os.R_OK | os.W_OK)
    return Finding(what, "" if usable else "This user may not use it: add the user to the group dialout.")


async def _reaches(what: str, host: str, port: Any, advice: str) -> Finding:
    """Whether somebody listens there; what the port is has not been checked yet."""
    what = f"{what} at {host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, int(port))
    except TimeoutError:
        return Finding(what, f"No answer within {CONNECT_S:.0f} s. {advice}")
    except (OSError, ValueError, OverflowError, TypeError) as error:
        return Finding(what, f"{error}. {advice}")
    writer.close()
    return Finding(what)
