"""Commands to gateways as rows: added with their outbox row in one transaction, given up when nobody answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, get_args

from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Instant
from gateway.han.words import NEXT_STEP, Cause
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber, RequestId
from gateway.messages import Command
from portal.han.status import OPEN, TRANSITIONS, CommandKind, CommandStatus, Told
from portal.han.tables import han_commands, han_outbox
from portal.webhooks.events import tell
from portal.webhooks.tables import EventKind
from portal.webhooks.told import join_finished

_MESSAGES: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Command)}
MOST_AT_ONCE = 500
NOT_ANSWERED = "The gateway gave no answer before the deadline."
_IS_OPEN = han_commands.c.status.in_([str(status) for status in OPEN])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommand:
    """A command to be recorded and sent: the message, and what it is to people; one for a network has no meter."""

    message: Command
    kind: CommandKind
    gateway: GatewayId
    account_id: int | None
    meter_id: int | None = None
    meter: MeterNumber | None = None
    esi_id: EsiId | None = None
    device: Eui64 | None = None
    event: int | None = None
    notice: Mapping[str, Any] | None = field(default=None)


async def add_command(connection: AsyncConnection, new: NewCommand, now: datetime) -> None:
    """Record a command as queued, with the message that its gateway must be sent."""
    row = {
        "id": new.message.id,
        "kind": new.kind,
        "meter_id": new.meter_id,
        "meter": new.meter,
        "esi_id": new.esi_id,
        "gateway": new.gateway,
        "device": new.device,
        "account_id": new.account_id,
        "event": new.event,
        "notice": new.notice,
        "status": CommandStatus.QUEUED,
        "asked_at": now,
        "deadline_at": getattr(new.message, "deadline_at", None),
    }
    name = type(new.message).__name__
    body = _MESSAGES[name].dump_json(new.message).decode()
    await connection.execute(insert(han_commands), row)
    await connection.execute(insert(han_outbox), {"command_id": new.message.id, "message": name, "body": body})


async def waiting(connection: AsyncConnection) -> list[tuple[GatewayId, Command]]:
    """What gateways must still be sent, oldest first."""
    kept = select(han_commands.c.gateway, han_outbox.c.message, han_outbox.c.body).join(han_commands)
    rows = await connection.execute(kept.order_by(han_commands.c.asked_at, han_commands.c.id))
    return [(row.gateway, _MESSAGES[row.message].validate_json(row.body)) for row in rows]


async def how_many_wait(connection: AsyncConnection) -> int:
    """How many commands wait for their end."""
    return await connection.scalar(select(func.count()).select_from(han_outbox)) or 0


async def note_sent(connection: AsyncConnection, command_id: RequestId, now: datetime) -> None:
    """The broker has a command."""
    sent = update(han_commands).where(han_commands.c.id == command_id, han_commands.c.sent_at.is_(None))
    await connection.execute(sent.values(sent_at=now))
    queued = update(han_commands).where(han_commands.c.id == command_id, han_commands.c.status == CommandStatus.QUEUED)
    await connection.execute(queued.values(status=TRANSITIONS[CommandStatus.QUEUED, Told.SENT]))


async def leave_outbox(connection: AsyncConnection, command_id: RequestId) -> None:
    """A command has ended: its message is sent no more, and what was sealed in it is gone."""
    await connection.execute(delete(han_outbox).where(han_outbox.c.command_id == command_id))


async def expire(connection: AsyncConnection, now: datetime, grace_s: float) -> list[RequestId]:
    """Give up the commands whose deadline and grace are over; returns their ids."""
    over = han_commands.c.deadline_at < bindparam("before", type_=Instant)
    found = select(han_commands).where(_IS_OPEN, over).order_by(han_commands.c.id)
    rows = await connection.execute(
        found.limit(MOST_AT_ONCE).with_for_update(), {"before": now - timedelta(seconds=grace_s)}
    )
    expired = [(dict(row), TRANSITIONS[row["status"], Told.TIMED_OUT]) for row in rows.mappings()]
    for row, status in expired:
        given_up = {
            "status": status,
            "cause": Cause.EXPIRED,
            "detail": NOT_ANSWERED,
            "next_step": NEXT_STEP[Cause.EXPIRED],
            "recorded_at": now,
        }
        row.update(given_up)
        await connection.execute(update(han_commands).where(han_commands.c.id == row["id"]).values(given_up))
        await leave_outbox(connection, row["id"])
    await tell_joins(connection, [row for row, _ in expired], now)
    return [row["id"] for row, _ in expired]


async def tell_joins(connection: AsyncConnection, ended: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Tell webhooks of the joins among some commands that ended."""
    joins = [join_finished(row) for row in ended if row["kind"] is CommandKind.JOIN]
    await tell(connection, EventKind.JOIN_FINISHED, joins, now, of_devices=True)


async def next_deadline(connection: AsyncConnection) -> datetime | None:
    """The earliest deadline of an open command."""
    deadline: datetime | None = await connection.scalar(select(func.min(han_commands.c.deadline_at)).where(_IS_OPEN))
    return deadline
