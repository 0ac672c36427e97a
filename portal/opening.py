"""How a process opens the market's database; of the portal it loads no more than that."""

from pathlib import Path

from sqlalchemy.exc import DBAPIError

import portal
from gateway.database import Database
from gateway.errors import LinkLost
from portal.settings import PortalSettings, url_of

MIGRATIONS = Path(portal.__file__).parent / "migrations"


async def open_database(settings: PortalSettings) -> Database:
    """The market's database, opened and brought to its newest schema. Raises LinkLost if it cannot be used now."""
    database = Database.open(url_of(settings.database))
    try:
        await database.migrate(MIGRATIONS)
    except (DBAPIError, OSError) as error:
        await database.close()
        raise LinkLost(f"the database cannot be opened: {getattr(error, 'orig', None) or error}") from None
    return database
