"""`metergate files-access`: who may fetch a company's files over FTPS and SFTP."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import config
from gateway.clock import CENTRAL, SystemClock
from gateway.command_line import ConfigName, Over
from gateway.database import Database, over_database
from gateway.dice import SystemDice
from gateway.errors import BadInput
from portal.accounts.passwords import Passwords
from portal.companies.status import CompanyStatus
from portal.files import credentials
from portal.settings import PortalSettings, url_of

app = typer.Typer(no_args_is_help=True, help="Who may fetch a company's files over FTPS and SFTP.")

T = TypeVar("T")
PASSWORD_BYTES = 18
SHORTEST = 15
UserName = Annotated[str, typer.Argument(help="The user name for FTPS and SFTP.")]


@app.command("set")
def set_(
    config_: ConfigName,
    company: Annotated[str, typer.Argument(help="The company: its name or its number.")],
    user_name: UserName,
    prompt: Annotated[bool, typer.Option("--prompt", help="Ask for the password instead of making one.")] = False,
    over: Over = None,
) -> None:
    """Let a company in under a user name, or give that another password; a made one is shown once, now."""
    credentials.check_user_name(user_name)
    password = _asked() if prompt else new_password(SystemDice().secret(PASSWORD_BYTES))

    async def job(connection: AsyncConnection, kept: str) -> None:
        company_id = await credentials.company_named(connection, company)
        await credentials.set_password(connection, company_id, user_name, kept, SystemClock().now())

    async def work(database: Database) -> None:
        kept = await Passwords(SystemDice()).hash(password)
        await _write(database, partial(job, kept=kept))

    _run(config_, over, work)
    typer.echo(f"{user_name} may sign in for {company}.")
    if not prompt:
        typer.echo(f"Its password, which is not shown again: {password}")


@app.command("add-key")
def add_key(
    config_: ConfigName,
    user_name: UserName,
    key: Annotated[Path, typer.Argument(help="The file of an SSH public key, such as id_ed25519.pub.")],
    over: Over = None,
) -> None:
    """Let a user name sign in over SFTP with an SSH key too."""
    text = _public_key(key)
    _run(config_, over, lambda database: _write(database, partial(credentials.add_key, user_name=user_name, key=text)))
    typer.echo(f"{user_name} may sign in over SFTP with that key.")


@app.command()
def revoke(config_: ConfigName, user_name: UserName, over: Over = None) -> None:
    """End a user name for good; an open session of it ends at its next command."""
    now = SystemClock().now()
    _run(config_, over, lambda database: _write(database, partial(credentials.revoke, user_name=user_name, now=now)))
    typer.echo(f"{user_name} may not sign in any more.")


@app.command("list")
def list_(config_: ConfigName, over: Over = None) -> None:
    """Every user name, its company, and whether it may sign in."""

    async def work(database: Database) -> None:
        async with database.reading() as connection:
            rows = await credentials.credentials(connection)
        for row in rows:
            state = "may sign in" if row.company_status is CompanyStatus.ACTIVE else f"company {row.company_status}"
            state = state if row.revoked_at is None else f"revoked {row.revoked_at.astimezone(CENTRAL):%Y-%m-%d}"
            count = len(row.public_keys)
            keys = f"  {count} SSH key{'s' if count > 1 else ''}" if count else ""
            typer.echo(f"{row.user_name:<24}  {row.company} ({row.company_id})  {state}{keys}")
        if not rows:
            typer.echo("nobody may fetch files: metergate files-access set lets a company in")

    _run(config_, over, work)


def new_password(chance: bytes) -> str:
    """A password that nobody guesses, of letters, digits, hyphens and underscores."""
    return base64.urlsafe_b64encode(chance).decode("ascii")


def _run(config_: str, over: list[str] | None, work: Callable[[Database], Awaitable[None]]) -> None:
    """Do something with the market's database that a configuration names."""
    settings = config.load(config_, over or ()).section("portal", PortalSettings)

    async def opened() -> None:
        database = Database.open(url_of(settings.database))
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(over_database(opened()))


async def _write(database: Database, job: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    return await database.write(job)


def _asked() -> str:
    """A password from a terminal, typed twice. Raises BadInput."""
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < SHORTEST or not password.isprintable():
        raise BadInput(f"a password has at least {SHORTEST} characters")
    return password


def _public_key(path: Path) -> str:
    """A key as OpenSSH writes it, without its comment. Raises BadInput."""
    # Imported here: no other command needs to know SSH.
    import asyncssh

    from portal.files.sftp_server import key_text

    try:
        return key_text(asyncssh.read_public_key(path))
    except (OSError, ValueError, asyncssh.KeyImportError) as error:
        raise BadInput(f"{path} holds no SSH public key: {error}") from None
