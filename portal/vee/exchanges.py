"""Registers that were read off meters at their exchange, by whoever exchanged them."""

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.errors import BadInput
from gateway.identifiers import EsiId, MeterNumber
from portal.meters.tables import meters
from portal.vee.tables import exchange_registers


async def keep_register(
    market: Database,
    intervals: Database,
    meter: tuple[EsiId, MeterNumber],
    registers: tuple[int, int | None],
    now: datetime,
    *,
    stop: bool,
) -> datetime:
    """Keep a meter's stop or start register in Wh, delivered and received, in place of an earlier word.

    Returns the instant of its removal or installation. Raises BadInput if it has not been there, or is there still.
    """
    esi_id, number = meter
    at_which = meters.c.removed_at if stop else meters.c.installed_at
    wanted = select(at_which).where(meters.c.esi_id == esi_id, meters.c.number == number)
    async with market.reading() as connection:
        found = (await connection.scalars(wanted.order_by(meters.c.installed_at.desc()).limit(1))).all()
    if not found:
        raise BadInput(f"the meter {number} has never hung at {esi_id}")
    at: datetime | None = found[0]
    if at is None:
        raise BadInput(f"the meter {number} has not been removed from {esi_id}; a stop register is read at its removal")
    columns = exchange_registers.c
    delivered_wh, received_wh = registers
    row = {
        "esi_id": esi_id,
        "meter": number,
        "at": at,
        "delivered_wh": delivered_wh,
        "received_wh": received_wh,
        "told_at": now,
    }

    async def job(connection: AsyncConnection) -> None:
        of_it = (columns.esi_id == esi_id, columns.meter == number, columns.at == at)
        await connection.execute(delete(exchange_registers).where(*of_it))
        await connection.execute(insert(exchange_registers).values(row))

    await intervals.write(job)
    return at
