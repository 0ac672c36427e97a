"""`metergate mail`: which letters wait or have failed, and trying one again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Row

from gateway import config
from gateway.clock import CENTRAL, SystemClock
from gateway.command_line import ConfigName, Over
from gateway.config import Config
from gateway.database import Database, over_database
from gateway.errors import BadInput
from portal.mail.outbox import outstanding, try_again
from portal.settings import PortalSettings, url_of

app = typer.Typer(no_args_is_help=True, help="Mail: letters that wait or have failed.")


@app.command("list")
def list_(
    config_: ConfigName,
    every: Annotated[bool, typer.Option("--all", help="Those that were sent too.")] = False,
    most: Annotated[int, typer.Option(help="The newest of them, at most.", min=1, max=10_000)] = 100,
    over: Over = None,
) -> None:
    """Letters that were not sent, newest first, and why; what they say is not shown."""
    asyncio.run(over_database(_list(config.load(config_, over or ()), every, most)))


@app.command()
def retry(
    config_: ConfigName,
    letter: Annotated[int, typer.Argument(help="The letter's number, as list shows it.")],
    over: Over = None,
) -> None:
    """Try a letter at once that has failed, or waits for its next try."""
    asyncio.run(over_database(_retry(config.load(config_, over or ()), letter)))


def state_of(row: Row[Any]) -> str:
    """Where a letter stands, in a word and its time."""
    if row.sent_at is not None:
        return f"sent {_moment(row.sent_at)}"
    if row.failed_at is not None:
        return f"failed {_moment(row.failed_at)}"
    return "waits" if row.attempts == 0 else f"waits until {_moment(row.next_at)}"


def lines_of(rows: Sequence[Row[Any]]) -> list[str]:
    """The letters as lines for a terminal; what came from outside is printable by its checks."""
    return [
        f"{row.id:>6}  {_moment(row.created_at)}  {state_of(row):<31}  {row.recipient}  {row.subject}"
        + (f"\n        attempt {row.attempts}: {row.error}" if row.error else "")
        for row in rows
    ]


async def _list(configuration: Config, every: bool, most: int) -> None:
    database = Database.open(url_of(configuration.section("portal", PortalSettings).database))
    try:
        async with database.reading() as connection:
            rows = await outstanding(connection, most, every=every)
    finally:
        await database.close()
    for line in lines_of(rows) or ["no letter was ever posted" if every else "no letter waits"]:
        typer.echo(line)


async def _retry(configuration: Config, letter: int) -> None:
    database = Database.open(url_of(configuration.section("portal", PortalSettings).database))
    try:
        now = SystemClock().now()
        if not await database.write(lambda connection: try_again(connection, letter, now)):
            raise BadInput(f"there is no letter {letter} to send again: it was sent, or is being sent")
    finally:
        await database.close()
    typer.echo(f"letter {letter} is tried as soon as a portal with a mail server runs")


def _moment(at: Any) -> str:
    return f"{at.astimezone(CENTRAL):%Y-%m-%d %H:%M:%S}"
