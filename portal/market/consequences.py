"""What follows from notices beyond its premise: who left loses meter and devices, what came down is withdrawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId, GatewayId, RequestId
from gateway.messages import Command
from portal.han.departures import remove_all
from portal.han.status import OPEN, CommandKind
from portal.han.tables import han_commands
from portal.market.tables import market_notices
from portal.meters import assignment
from portal.meters.steps import Step
from portal.meters.tables import attachments, meter_assignments, meters

MOST_AT_ONCE = 100


@dataclass(slots=True, kw_only=True)
class Acts:
    """How consequences are brought about: ids for commands, how long a gateway has, and what is to be sent."""

    now: datetime
    new_id: Callable[[], RequestId]
    patience: timedelta
    sent: list[tuple[GatewayId, Command]] = field(default_factory=list)


async def carry_departure(
    connection: AsyncConnection, esi_id: EsiId, place: int, left_at: datetime, acts: Acts
) -> None:
    """End the attachment of whoever left, and ask for the removal of his devices, once (ROR-04).

    A meter between two gateways is asked later; the notice stays marked until then.
    """
    was_his = (attachments.c.esi_id == esi_id, attachments.c.attached_at <= left_at)
    await connection.execute(delete(attachments).where(*was_his))
    here = select(meters).where(meters.c.esi_id == esi_id, meters.c.removed_at.is_(None)).with_for_update()
    meter = (await connection.execute(here)).one_or_none()
    asked = [] if meter is None else await remove_all(connection, meter, left_at, acts.new_id, acts.patience, acts.now)
    carried = asked is not None
    acts.sent += asked or []
    note = update(market_notices).where(market_notices.c.id == place)
    await connection.execute(note.values(to_carry=not carried, carried_at=acts.now if carried else None))


async def withdraw_removed(connection: AsyncConnection, acts: Acts) -> None:
    """Let gateways withdraw the meters that are not on a wall any more.

    One that is moving is withdrawn afterwards, and one whose devices are being removed once that has ended.
    """
    moved = meters.outerjoin(meter_assignments, meter_assignments.c.meter_id == meters.c.id)
    settled = or_(meter_assignments.c.step.is_(None), meter_assignments.c.step == Step.SERVED)
    removing = exists().where(
        han_commands.c.meter_id == meters.c.id,
        han_commands.c.kind == CommandKind.REMOVE,
        han_commands.c.status.in_([str(status) for status in OPEN]),
    )
    gone = (meters.c.removed_at.is_not(None), meters.c.gateway.is_not(None))
    served = select(meters.c.id).select_from(moved).where(*gone, settled, ~removing)
    for meter_id in (await connection.scalars(served.order_by(meters.c.id).limit(MOST_AT_ONCE))).all():
        asked = await assignment.ask(connection, meter_id, None, acts.new_id(), None, acts.now)
        acts.sent += asked or []
