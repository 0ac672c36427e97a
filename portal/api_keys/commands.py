"""`metergate keys`: the operator makes, lists and ends companies' API keys."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer

from gateway import config
from gateway.clock import CENTRAL, SystemClock
from gateway.command_line import ConfigName, Over
from gateway.database import Database, over_database
from gateway.dice import SystemDice
from gateway.errors import BadInput
from portal.api_keys.keys import SECRET_BYTES, keys_of, make_key, new_key, revoke_key
from portal.api_keys.tables import Scope
from portal.files.credentials import company_named
from portal.opening import open_database
from portal.settings import PortalSettings

app = typer.Typer(no_args_is_help=True, help="API keys of companies' programs.")
Company = Annotated[str, typer.Argument(help="The company: its name or its number.")]


@app.command()
def make(
    config_: ConfigName,
    company: Company,
    name: Annotated[str, typer.Argument(help="What the key is for, as people will read it.")],
    scope: Annotated[list[Scope], typer.Option(help="What it opens; may be given several times.")],
    days: Annotated[int | None, typer.Option(help="Days after which it ends by itself.", min=1)] = None,
    over: Over = None,
) -> None:
    """Make a key; it is shown once, now."""
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise BadInput("a key's name has 1 to 60 printable characters")
    now, key = SystemClock().now(), new_key(SystemDice().secret(SECRET_BYTES))
    expires_at = None if days is None else now + timedelta(days=days)

    async def work(database: Database) -> None:
        async with database.reading() as connection:
            company_id = await company_named(connection, company)
        making = partial(
            make_key,
            key=key,
            company_id=company_id,
            name=name,
            scopes=set(scope),
            made_by=None,
            expires_at=expires_at,
            now=now,
        )
        await database.write(making)

    _run(config_, over, work)
    typer.echo(f"{name}, for {company}: {', '.join(sorted(set(scope)))}")
    typer.echo(f"The key, which is not shown again: {key}")


@app.command("list")
def list_(config_: ConfigName, company: Company, over: Over = None) -> None:
    """A company's keys, newest first."""

    async def work(database: Database) -> None:
        async with database.reading() as connection:
            found = await keys_of(connection, await company_named(connection, company))
        now = SystemClock().now()
        for key in found:
            ended = key.revoked_at or (key.expires_at if key.expires_at and key.expires_at <= now else None)
            state = "stands" if ended is None else f"ended {ended.astimezone(CENTRAL):%Y-%m-%d %H:%M}"
            used = "never used" if key.last_used_at is None else f"used {key.last_used_at.astimezone(CENTRAL):%Y-%m-%d}"
            typer.echo(f"{key.id:>5}  {key.prefix}...  {key.name}  {', '.join(key.scopes)}  {used}  {state}")
        if not found:
            typer.echo(f"{company} has no API key")

    _run(config_, over, work)


@app.command()
def revoke(
    config_: ConfigName,
    company: Company,
    key_id: Annotated[int, typer.Argument(help="The key's number, as the list shows it.")],
    over: Over = None,
) -> None:
    """End a key at once."""

    async def work(database: Database) -> None:
        async with database.reading() as connection:
            company_id = await company_named(connection, company)
        ending = partial(revoke_key, company_id=company_id, key_id=key_id, now=SystemClock().now())
        if not await database.write(ending):
            raise BadInput(f"{company} has no key {key_id}")

    _run(config_, over, work)
    typer.echo(f"key {key_id} opens nothing any more")


def _run(config_: str, over: list[str] | None, work: Callable[[Database], Awaitable[None]]) -> None:
    """Do something with the market's database that a configuration names."""
    settings = config.load(config_, over or ()).section("portal", PortalSettings)

    async def opened() -> None:
        database = await open_database(settings)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(over_database(opened()))
