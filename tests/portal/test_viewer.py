"""Whoever enters holds his own DUNS numbers and nobody else's."""

from sqlalchemy import select, update

from gateway.database import Database
from portal.accounts.entry import EntryRefusal
from portal.accounts.tables import accounts
from portal.companies.status import DunsStatus
from portal.companies.tables import duns_numbers
from portal.viewer import load_viewer
from tests.clock import HandClock
from tests.portal.people.stand import TEAM_WORLD
from tests.portal.world import LONE_STAR, LONE_STAR_SECOND, person, settle, viewer


async def test_what_is_granted_to_a_colleague_is_not_granted_to_me(database_url: str, clock: HandClock) -> None:
    database = Database.open(database_url)
    colleague = person("rep.colleague", "Lone Star Power", duns=(LONE_STAR_SECOND,))
    await settle(database, clock.now(), TEAM_WORLD)
    await settle(database, clock.now(), type(TEAM_WORLD)(companies=TEAM_WORLD.companies, accounts=(colleague,)))
    assert (await viewer(database, "rep.user")).duns == {LONE_STAR}
    assert (await viewer(database, "rep.colleague")).duns == {LONE_STAR_SECOND}
    suspended = update(duns_numbers).where(duns_numbers.c.duns == LONE_STAR).values(status=DunsStatus.SUSPENDED)
    await database.write(lambda connection: connection.execute(suspended))
    async with database.reading() as connection:
        mine = await connection.scalar(select(accounts.c.id).where(accounts.c.user_key == "rep.user"))
        assert mine is not None
        assert await load_viewer(connection, mine) is EntryRefusal.DUNS
    await database.close()
