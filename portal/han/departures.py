"""Removing the devices of somebody who left: a command for each, recorded in the transaction that says so."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.messages import RemoveDevice
from gateway.han.words import Stage
from gateway.identifiers import Eui64, GatewayId, RequestId
from gateway.messages import Command
from portal.han.commands import NewCommand, add_command
from portal.han.status import OPEN, CommandKind
from portal.han.tables import han_commands, han_devices
from portal.meters.steps import Step
from portal.meters.tables import meter_assignments

Sent = list[tuple[GatewayId, Command]]


async def remove_all(
    connection: AsyncConnection,
    meter: Any,
    left_at: datetime,
    new_id: Callable[[], RequestId],
    patience: timedelta,
    now: datetime,
) -> Sent | None:
    """Ask for the removal of every device that a meter had when somebody left, and of those that were joining.

    meter is its row, locked. None if they cannot be asked for now, for the meter is between two gateways; the gateway
    has all of patience to answer, for nobody repeats this.
    """
    devices = await _devices(connection, meter.id, left_at)
    if not devices:
        return []
    if meter.gateway is None:
        return None if await _is_moving(connection, meter.id) else []
    sent: Sent = []
    for device in devices:
        command_id = new_id()
        message = RemoveDevice(
            id=command_id, meter=meter.number, device=device, requested_at=now, deadline_at=now + patience
        )
        new = NewCommand(
            message=message,
            kind=CommandKind.REMOVE,
            gateway=meter.gateway,
            account_id=None,
            meter_id=meter.id,
            meter=meter.number,
            esi_id=meter.esi_id,
            device=device,
        )
        await add_command(connection, new, now)
        sent.append((meter.gateway, message))
    return sent


async def _devices(connection: AsyncConnection, meter_id: int, left_at: datetime) -> list[Eui64]:
    """The devices that may be on the network or are joining, but for those whose join was asked for since.

    One that failed counts: it may have left by itself and come back with its key.
    """
    joins = and_(han_commands.c.meter_id == meter_id, han_commands.c.kind == CommandKind.JOIN)
    since = exists().where(joins, han_commands.c.device == han_devices.c.device, han_commands.c.asked_at > left_at)
    there = select(han_devices.c.device).where(
        han_devices.c.meter_id == meter_id, han_devices.c.stage != Stage.REMOVED, ~since
    )
    opened = select(han_commands.c.device).where(
        joins, han_commands.c.status.in_([str(status) for status in OPEN]), han_commands.c.asked_at <= left_at
    )
    found = {*(await connection.scalars(there)), *(await connection.scalars(opened))}
    return sorted(device for device in found if device is not None)


async def _is_moving(connection: AsyncConnection, meter_id: int) -> bool:
    step = await connection.scalar(select(meter_assignments.c.step).where(meter_assignments.c.meter_id == meter_id))
    return step in (Step.WITHDRAWING, Step.ASSIGNING)
