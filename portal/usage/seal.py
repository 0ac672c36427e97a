"""`metergate seal`: a month that is over leaves the order of its loading for the one in which it is read."""

import asyncio
from datetime import date, datetime
from typing import Annotated

import typer

from gateway import config
from gateway.clock import SystemClock, central_date
from gateway.command_line import ConfigName, Over
from gateway.config import Config
from gateway.database import Database
from gateway.errors import BadInput
from portal.settings import PortalSettings, url_of
from portal.usage.row_keys import first_of, month_number
from portal.usage.sealing import open_months, seal
from portal.usage.sql_store import SqlIntervalStore


def command(
    config_: ConfigName,
    month: Annotated[
        str, typer.Argument(help="The month to seal, as 2026-05; without it all of those before one.")
    ] = "",
    before: Annotated[str, typer.Option(help="Seal every month before this one; without it, before last month.")] = "",
    over: Over = None,
) -> None:
    """Seal months of intervals, so that they take fewer disk pages to read; each is sealed whole or not at all."""
    asyncio.run(_seal(month, before, config.load(config_, over or ())))


async def _seal(month: str, before: str, configuration: Config) -> None:
    if month and before:
        raise BadInput("either a month or --before a month, not both")
    clock = SystemClock()
    now = month_number(central_date(clock.now()))
    limit = _number(before) if before else now - 1
    if max(limit - 1, _number(month) if month else 0) >= now:
        raise BadInput("a month can be sealed once it is over")
    database = Database.open(url_of(configuration.section("portal", PortalSettings).intervals))
    try:
        await SqlIntervalStore.opened(database)
        months = [_number(month)] if month else await open_months(database, limit)
        for each in months:
            began = clock.monotonic()
            done = await seal(database, each, clock)
            words = f"{done.blocks:,} meter-days sealed in {clock.monotonic() - began:.1f} s"
            typer.echo(f"{first_of(each):%Y-%m}: {'sealed before' if done.already else words}")
        if not months:
            typer.echo(f"nothing to seal before {first_of(limit):%Y-%m}")
    finally:
        await database.close()


def _number(text: str) -> int:
    """A month by its words. Raises BadInput."""
    try:
        day: date = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  # a month is of no zone
    except ValueError:
        raise BadInput(f"{text} is not a month such as 2026-05") from None
    if day.year < 2000:
        raise BadInput(f"{text} is before 2000")
    return month_number(day)
