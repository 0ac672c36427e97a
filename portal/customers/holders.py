"""Who holds a meter: the customer's name and e-mail address for its REP of record (CUS-04); for him, his own meters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from gateway.identifiers import EsiId
from gateway.questions import Question
from portal.accounts.tables import accounts
from portal.customers.attaching import AttachedMeter
from portal.market.addresses import service_address
from portal.meters.tables import attachments
from portal.permissions import Action
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, visible_meters

MOST_METERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The customer who attached a meter."""

    name: str
    email: str
    attached_at: datetime


async def holder_row(connection: AsyncConnection, esi_id: EsiId) -> Row[Any] | None:
    """The account that holds a premise's meter with when it attached it; None if nobody does."""
    held = select(accounts, attachments.c.attached_at).join(attachments, attachments.c.account_id == accounts.c.id)
    return (await connection.execute(held.where(attachments.c.esi_id == esi_id))).one_or_none()


_HOLDER = Question(
    select(accounts.c.first_name, accounts.c.last_name, accounts.c.email, attachments.c.attached_at)
    .join(attachments, attachments.c.account_id == accounts.c.id)
    .where(attachments.c.esi_id == bindparam("esi_id", type_=attachments.c.esi_id.type))
)


async def ask_holder(database: Database, viewer: Viewer, meter: VisibleMeter) -> Holder | None:
    """The holder, for those who may know: a meter's REP of record. None for all others, and if nobody is."""
    if not viewer.may(Action.ASK_RELEASES):
        return None
    found = await database.ask(_HOLDER, esi_id=meter.esi_id)
    if not found:
        return None
    (row,) = found
    return Holder(name=f"{row.first_name} {row.last_name}", email=row.email, attached_at=row.attached_at)


async def own_meters(connection: AsyncConnection, viewer: Viewer, at: datetime) -> list[AttachedMeter]:
    """The meters that a customer attached and sees now, the newest last, at most 500."""
    if not viewer.may(Action.ATTACH_METERS):
        return []
    seen = visible_meters(viewer, at).add_columns(attachments.c.attached_at)
    rows = await connection.execute(seen.order_by(attachments.c.attached_at, attachments.c.esi_id).limit(MOST_METERS))
    return [
        AttachedMeter(
            esi_id=row.esi_id,
            number=row.number,
            service_address=service_address(row),
            city=row.city,
            state=row.state,
            zip=row.zip,
            attached_at=row.attached_at,
        )
        for row in rows
    ]
