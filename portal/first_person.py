"""`metergate portal init`: the operating team's first account, with a link to set its password, shown once."""

import asyncio
from typing import Annotated

import typer

from gateway import config
from gateway.clock import SystemClock
from gateway.command_line import ConfigName, Over
from gateway.config import Config
from gateway.database import over_database
from gateway.dice import SystemDice
from gateway.errors import BadInput
from portal.accounts.credentials import Credentials, link_of
from portal.accounts.passwords import Passwords
from portal.acting import Acting
from portal.audit.log import COMMAND_LINE, Seal
from portal.faults import PeopleRefused
from portal.opening import open_database
from portal.registration.operating_team import found_team
from portal.registration.person_form import PersonForm, check_person
from portal.settings import PortalSettings, seal_key


def init(
    config_: ConfigName,
    user_id: Annotated[str, typer.Option(help="What the first administrator of the operating team signs in with.")],
    email: Annotated[str, typer.Option(help="Where mail to the operating team goes.")],
    first_name: Annotated[str, typer.Option(help="The administrator's first name.")],
    last_name: Annotated[str, typer.Option(help="The administrator's last name.")],
    over: Over = None,
) -> None:
    """Make the operating team's first account and show a link to set its password; refused if there is a team."""
    form = PersonForm(
        user_id=user_id, email=email, email_again=email, first_name=first_name, last_name=last_name, terms=True
    )
    asyncio.run(over_database(_init(config.load(config_, over or ()), form)))


async def _init(configuration: Config, form: PersonForm) -> None:
    """Raises BadInput for what is refused, in its words."""
    person = check_person(form)
    if isinstance(person, dict):
        raise BadInput(" ".join(f"{field}: {words}" for field, words in person.items()))
    settings = configuration.section("portal", PortalSettings)
    clock, dice = SystemClock(), SystemDice()
    credential = Credentials(settings.preset, Passwords(dice), dice).make_link()
    database = await open_database(settings)
    try:
        acting = Acting(database=database, seal=Seal(seal_key(settings)), clock=clock, address=settings.address)
        until = await acting.run(COMMAND_LINE, lambda act: found_team(act, person, credential))
    finally:
        await database.close()
    if isinstance(until, PeopleRefused):
        raise BadInput(" ".join([until.words, *until.faults.values()]))
    typer.echo(f"{person.user_id} may set a password here until {until:%Y-%m-%d %H:%M} UTC; the link works once:")
    typer.echo(link_of(credential, settings.address))
