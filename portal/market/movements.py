"""Meters that come to a REP and leave it as notices take effect, told to the webhooks of both.

Who sees a meter is asked before and after the tables are made to say what the premise's story says now: before at the
last instant at which nothing new had taken effect yet, for spans to come stand in the tables before their time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from portal.companies.kinds import Kind
from portal.companies.tables import companies
from portal.market.tables import NoticeState
from portal.visibility import companies_seeing
from portal.webhooks.events import tell
from portal.webhooks.tables import EventKind
from portal.webhooks.told import rep_changed


def last_settled(rows: Sequence[Row[Any]], now: datetime) -> datetime:
    """The last instant that what stands in the tables was already true for: just before the first of a premise's
    notices that waited and take effect now, or now itself. One that came just now, however late, had no part in it."""
    waited = [row for row in rows if row.state is NoticeState.WAITING and row.received_at < now]
    due = [row.effective_at for row in waited if row.effective_at <= now]
    return min(due) - timedelta(microseconds=1) if due else now


async def reps_seeing(connection: AsyncConnection, esi_id: EsiId, at: datetime) -> frozenset[int]:
    """The REPs' companies that see the meter of a premise at an instant, by what stands in the tables."""
    seeing = companies_seeing([esi_id], at)
    found = select(seeing.c.company_id).join(companies, companies.c.id == seeing.c.company_id)
    return frozenset((await connection.scalars(found.where(companies.c.kind == Kind.REP))).all())


async def tell_of_movements(connection: AsyncConnection, esi_id: EsiId, held: frozenset[int], now: datetime) -> None:
    """Tell the companies that a meter left or came to, given those that had it before."""
    holding = await reps_seeing(connection, esi_id, now)
    moved = [rep_changed(esi_id, "left", company_id) for company_id in sorted(held - holding)]
    moved += [rep_changed(esi_id, "came", company_id) for company_id in sorted(holding - held)]
    await tell(connection, EventKind.REP_CHANGED, moved, now)
