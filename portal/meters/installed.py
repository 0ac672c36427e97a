"""Since when a premise has had a meter: what its reports may reach back to."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.meters.tables import meters
from portal.visibility import VisibleMeter


async def first_installed(connection: AsyncConnection, meter: VisibleMeter) -> datetime:
    """When the first meter of the premise was installed: an exchange does not interrupt the history (MCH-01)."""
    first = select(func.min(meters.c.installed_at)).where(meters.c.esi_id == meter.esi_id)
    found: datetime = (await connection.execute(first)).scalar_one()
    return found
