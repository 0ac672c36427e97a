"""Premises with every meter that they have had, from the market's database: a piece at a time, or one."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, select

from gateway.database import Database
from gateway.identifiers import EsiId
from portal.companies.tables import companies
from portal.market.tables import premises
from portal.meters.tables import meters
from portal.vee.expected import Installation, Premise

_INSTALLED = (
    select(
        meters.c.esi_id,
        meters.c.number,
        meters.c.installed_at,
        meters.c.provisioned_at,
        meters.c.removed_at,
        meters.c.gateway,
        meters.c.generation_capable,
        meters.c.multiplier,
        companies.c.name,
    )
    .join(premises, premises.c.esi_id == meters.c.esi_id)
    .join(companies, companies.c.id == premises.c.tdsp_id)
    .order_by(meters.c.esi_id, meters.c.installed_at, meters.c.id)
)


async def premise_of(market: Database, esi_id: EsiId) -> Premise | None:
    """One premise, None if it has never had a meter."""
    found = await _read(market, _INSTALLED.where(meters.c.esi_id == esi_id))
    return found[0] if found else None


async def every_premise(market: Database, before: datetime, piece: int) -> AsyncIterator[Sequence[Premise]]:
    """All premises with a meter installed before an instant, so many premises at a time, by ESI ID."""
    after = ""
    while True:
        some = select(premises.c.esi_id).where(premises.c.esi_id > after).order_by(premises.c.esi_id).limit(piece)
        async with market.reading() as connection:
            esi_ids = (await connection.scalars(some)).all()
        if not esi_ids:
            return
        between = meters.c.esi_id.between(esi_ids[0], esi_ids[-1])
        found = await _read(market, _INSTALLED.where(between, meters.c.installed_at < before))
        if found:
            yield found
        after = esi_ids[-1]


async def _read(market: Database, statement: Select[Any]) -> list[Premise]:
    async with market.reading() as connection:
        rows = (await connection.execute(statement)).all()
    made: list[Premise] = []
    for esi_id, group in groupby(rows, key=attrgetter("esi_id")):
        some = list(group)
        installations = tuple(_installation(row) for row in some)
        made.append(Premise(esi_id=esi_id, tdsp=some[0].name, installations=installations))
    return made


def _installation(row: Any) -> Installation:
    return Installation(
        meter=row.number,
        installed_at=row.installed_at,
        provisioned_at=row.provisioned_at,
        removed_at=row.removed_at,
        gateway=row.gateway,
        generates=row.generation_capable is True,
        multiplier=1.0 if row.multiplier is None else float(row.multiplier),
    )
