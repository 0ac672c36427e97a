"""`metergate doctor`: look at a configuration and a machine, and say what to do about what is wrong."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from cryptography import x509
from rich.console import Console
from rich.markup import escape
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway import assignments, config, wiring
from gateway.clock import SystemClock
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
    config_: Annotated[str, typer.Option("--config", "-c", help="Configuration: a file, or the name of one of ours.")],
    over: Annotated[list[str] | None, typer.Option("--set", help="table.key=value to set over it.")] = None,
) -> None:
    """Check a configuration and this machine, and say what to do."""
    findings = asyncio.run(examine(config.load(config_, over or ())))
    console = Console(highlight=False)
    for finding in findings:
        console.print("[red]✗[/]" if finding.advice else "[green]✓[/]", escape(finding.what))
        if finding.advice:
            console.print("   ", escape(finding.advice))
    sick = sum(bool(finding.advice) for finding in findings)
    console.print(f"{len(findings)} checks, {sick} to mend" if sick else f"{len(findings)} checks, all well")
    raise typer.Exit(1 if sick else 0)


async def examine(configuration: Config) -> list[Finding]:
    """Everything that can be told about a configuration on this machine, without changing anything but empty files."""
    found = [*_machine(), *_tables(configuration), *_secrets(configuration), *_files(configuration)]
    found += [finding async for finding in _databases(configuration)]
    found += [finding async for finding in _connections(configuration)]
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
    owners = packages_distributions()
    for package in PACKAGES:
        others = ", ".join(sorted(set(owners.get(package, [])) - {"metergate"}))
        advice = f"{others} installs it too: give metergate a virtual environment of its own."
        yield Finding(f"package {package} is ours alone", advice if others else "")


def _tables(configuration: Config) -> Iterator[Finding]:
    """Each table against the settings class that reads it."""
    known = {entry.name: entry.load for entry in wiring.settings()}
    for name, table in configuration.tables.items():
        if name == "drivers":
            for driver, options in table.items():
                yield _table(configuration, f"drivers.{driver}", _user_of(options))
        elif name != "data":
            used = isinstance(table, dict) and "use" in table
            yield _table(configuration, name, _user_of(table) if used else known.get(name, _nobody))


def _table(configuration: Config, where: str, reader: Callable[[], Any]) -> Finding:
    options = {key: value for key, value in configuration.table(where).items() if key != "use"}
    return _tried(f"table [{where}]", lambda: config.decode(options, reader(), f"[{where}]"))


def _user_of(table: dict[str, Any]) -> Callable[[], Any]:
    return lambda: wiring.resolve(str(table.get("use", ""))).Settings


def _nobody() -> Any:
    raise BadConfig("Nothing reads this table: is it spelt right?")


def _secrets(configuration: Config) -> Iterator[Finding]:
    for where, table in _walk("", configuration.tables):
        if table and set(table) <= {"file", "env"}:
            secret = config.decode(table, Secret, where)
            yield _tried(f"secret {where}", secret.reveal)


def _walk(where: str, table: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table in a configuration, by its dotted name."""
    if isinstance(table, dict):
        yield where, table
        for key, value in table.items():
            yield from _walk(f"{where}.{key}".lstrip("."), value)


def _files(configuration: Config) -> Iterator[Finding]:
    listed = configuration.table("gateway").get("assignments")
    if listed:
        yield _tried(f"assignments {listed}", lambda: assignments.read(Path(listed)))
    for where, table in _walk("", configuration.tables):
        path = table.get("certificate")
        if isinstance(path, str):
            yield _certificate(f"{where}.certificate", Path(path))


def _certificate(where: str, path: Path) -> Finding:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return Finding(f"{where} {path}", f"It cannot be read: {error}")
    left = certificate.not_valid_after_utc - SystemClock().now()
    well = left > timedelta(days=CERTIFICATE_DAYS)
    return Finding(f"{where} is valid for {left.days} days", "" if well else f"Renew {path} soon.")


async def _databases(configuration: Config) -> AsyncIterator[Finding]:
    for where, table in _walk("", configuration.tables):
        for key in ("database", "intervals"):
            url = table.get(key)
            if isinstance(url, str) and "://" in url:
                yield await _database(f"{where}.{key}", url)


async def _database(where: str, url: str) -> Finding:
    try:
        database = Database.open(url)
        async with database.reading() as connection:
            await connection.execute(text("select 1"))
        await database.close()
    except (MetergateError, SQLAlchemyError, OSError) as error:
        return Finding(f"{where} answers", f"{type(error).__name__}: {str(error)[:300]}")
    if url.startswith("sqlite:///"):
        free = shutil.disk_usage(Path(url.removeprefix("sqlite:///")).parent).free
        if free < FREE_BYTES:
            return Finding(f"{where} answers", f"Only {free >> 20} MiB are free on its disk: make room.")
    return Finding(f"{where} answers")


async def _connections(configuration: Config) -> AsyncIterator[Finding]:
    bus = configuration.table("bus")
    if "host" in bus:
        yield await _reaches("the broker", str(bus["host"]), int(bus.get("port", 1883)), "Start it: metergate broker.")
    for name, table in configuration.table("drivers").items():
        radio = str(table.get("radio", ""))
        if radio.startswith("socket://"):
            parts = urlsplit(radio)
            advice = "Is it on, and free for this machine?"
            yield await _reaches(f"the radio of {name}", str(parts.hostname), parts.port or 0, advice)
        elif radio:
            yield _device(f"the radio of {name}, {radio}", Path(radio))


def _device(what: str, path: Path) -> Finding:
    if not path.exists():
        return Finding(what, "There is no such device: plug it in.")
    usable = os.access(path, os.R_OK | os.W_OK)
    return Finding(what, "" if usable else "This user may not use it: add the user to the group dialout.")


async def _reaches(what: str, host: str, port: int, advice: str) -> Finding:
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Finding(f"{what} at {host}:{port}", f"{error or 'No answer'}. {advice}")
    writer.close()
    return Finding(f"{what} at {host}:{port}")
