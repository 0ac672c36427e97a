"""The lock under which a premise's story is told: whoever decides by what a premise is now takes it first."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from portal.market.tables import premise_histories
from portal.schema import insert_unless_there

_HISTORY = {name: insert_unless_there(name, premise_histories, "esi_id") for name in ("sqlite", "postgresql")}


async def lock_premises(connection: AsyncConnection, esi_ids: Collection[EsiId]) -> None:
    """Hold some premises until the transaction ends: no notice changes them meanwhile.

    They are taken in order, so that two who take several never wait in a circle. Whoever takes other rows of a premise
    too takes them after this.
    """
    ordered = sorted(esi_ids)
    for esi_id in ordered:
        await connection.execute(_HISTORY[connection.dialect.name], {"esi_id": esi_id})
    locked = select(premise_histories).where(premise_histories.c.esi_id.in_(ordered))
    await connection.execute(locked.order_by(premise_histories.c.esi_id).with_for_update())
