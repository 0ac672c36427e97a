"""Asking for something beside reads: what is refused at once, and what becomes a command, in one transaction.

Who may is said in who_may.py. The gateway decides again, and finally.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.messages import (
    DescribeDevice,
    JoinDevice,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
    SendNotice,
)
from gateway.han.notices import Notice
from gateway.han.sealing import BadSeal, Place, seal
from gateway.han.states import GONE
from gateway.identifiers import Eui64, GatewayId, RequestId
from gateway.keys import InstallCode
from gateway.messages import Command
from portal.gateways.tables import gateways
from portal.han.commands import NewCommand, add_command
from portal.han.settings import DeviceSettings
from portal.han.status import OPEN, CommandKind
from portal.han.tables import han_commands, han_devices
from portal.meters import assignment
from portal.meters.steps import Step
from portal.meters.tables import meters
from portal.visibility import VisibleMeter


class DeviceRefusal(StrEnum):
    """Why a command was not given."""

    NOT_FOR_YOU = "not_for_you"
    NO_AGREEMENT = "no_agreement"
    NO_GATEWAY = "no_gateway"
    NO_SUCH_GATEWAY = "no_such_gateway"
    NO_SEALING_KEY = "no_sealing_key"
    AT_ANOTHER_METER = "at_another_meter"
    JOINING = "joining"
    MOVING = "moving"
    UNKNOWN_DEVICE = "unknown_device"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRefused:
    """No command, and why."""

    reason: DeviceRefusal
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A command was recorded and will be sent; event is the id of a notice."""

    id: RequestId
    event: int | None = None


Sent = list[tuple[GatewayId, Command]]
Plain = type[RemoveDevice] | type[RekeyDevice] | type[PingDevice] | type[DescribeDevice]
KINDS: dict[Plain, CommandKind] = {
    RemoveDevice: CommandKind.REMOVE,
    RekeyDevice: CommandKind.REKEY,
    PingDevice: CommandKind.PING,
    DescribeDevice: CommandKind.DESCRIBE,
}
_NOTICE: TypeAdapter[Any] = TypeAdapter(Notice)
_NO_GATEWAY = DeviceRefused(
    reason=DeviceRefusal.NO_GATEWAY, words="No gateway serves this meter now. Assign it to one first."
)
MAX_EVENT = 0xFFFFFFFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for what meter under which ids, and the randomness that a seal takes."""

    id: RequestId
    meter: VisibleMeter
    account_id: int
    settings: DeviceSettings


async def ask_join(
    connection: AsyncConnection,
    asking: Asking,
    device: Eui64,
    code: InstallCode,
    window_s: int,
    ephemeral: bytes,
    now: datetime,
) -> tuple[Given | DeviceRefused, Sent]:
    """Give a join: the code is sealed here, to the gateway that serves the meter, and kept in no other form."""
    serving = await _serving(connection, asking.meter.id)
    if serving is None:
        return _NO_GATEWAY, []
    at = await connection.scalar(
        select(meters.c.number)
        .join(han_devices, han_devices.c.meter_id == meters.c.id)
        .where(han_devices.c.device == device, han_devices.c.stage.not_in(GONE), meters.c.id != asking.meter.id)
    )
    if at is not None:
        words = f"Device {device} is at another meter. Remove it there first."
        return DeviceRefused(reason=DeviceRefusal.AT_ANOTHER_METER, words=words), []
    if await _is_joining(connection, device):
        return DeviceRefused(reason=DeviceRefusal.JOINING, words=f"A join of device {device} is under way."), []
    place = Place(gateway=serving.gateway, device=device, request=asking.id)
    sealed = sealed_to(serving.sealing_key, code, place, ephemeral)
    if isinstance(sealed, DeviceRefused):
        return sealed, []
    message = JoinDevice(
        id=asking.id,
        meter=asking.meter.number,
        device=device,
        sealed_code=sealed,
        window_s=window_s,
        requested_at=now,
        deadline_at=now + timedelta(seconds=window_s + asking.settings.key_s),
    )
    return await _give(connection, asking, CommandKind.JOIN, message, serving.gateway, device, now)


async def ask_device(
    connection: AsyncConnection, asking: Asking, plain: Plain, device: Eui64, now: datetime
) -> tuple[Given | DeviceRefused, Sent]:
    """Give a command of a device that the meter has, or whose join is under way there."""
    serving = await _serving(connection, asking.meter.id)
    if serving is None:
        return _NO_GATEWAY, []
    if not await _is_here(connection, asking.meter.id, device):
        words = f"This meter has no device {device}."
        return DeviceRefused(reason=DeviceRefusal.UNKNOWN_DEVICE, words=words), []
    deadline_at = now + timedelta(seconds=asking.settings.deadline_s)
    message = plain(id=asking.id, meter=asking.meter.number, device=device, requested_at=now, deadline_at=deadline_at)
    return await _give(connection, asking, KINDS[plain], message, serving.gateway, device, now)


async def ask_notice(
    connection: AsyncConnection, asking: Asking, device: Eui64 | None, make: Callable[[int], Notice], now: datetime
) -> tuple[Given | DeviceRefused, Sent]:
    """Give a notice to one device or to all of a meter; make is handed the next event id of the meter."""
    serving = await _serving(connection, asking.meter.id)
    if serving is None:
        return _NO_GATEWAY, []
    if device is not None and not await _is_here(connection, asking.meter.id, device):
        words = f"This meter has no device {device}."
        return DeviceRefused(reason=DeviceRefusal.UNKNOWN_DEVICE, words=words), []
    used = select(func.max(han_commands.c.event)).where(han_commands.c.meter_id == asking.meter.id)
    event = max(int(now.timestamp()), (await connection.scalar(used) or 0) + 1)
    notice = make(min(event, MAX_EVENT))
    message = SendNotice(
        id=asking.id,
        meter=asking.meter.number,
        device=device,
        notice=notice,
        requested_at=now,
        deadline_at=now + timedelta(seconds=asking.settings.deadline_s),
    )
    kind = CommandKind(notice.kind)
    return await _give(connection, asking, kind, message, serving.gateway, device, now)


async def ask_assignment(
    connection: AsyncConnection,
    asking: Asking,
    withdraw_id: RequestId,
    company_id: int | None,
    target: tuple[GatewayId, str, str],
    code: InstallCode | None,
    ephemeral: bytes,
    now: datetime,
) -> tuple[Given | DeviceRefused, Sent]:
    """Begin to move a meter to a gateway of its TDSP: (gateway, driver, address), with its code if it must join."""
    gateway, driver, address = target
    wanted = select(gateways.c.sealing_key).where(gateways.c.id == gateway, gateways.c.tdsp_id == company_id)
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        words = f"You have no gateway {gateway}."
        return DeviceRefused(reason=DeviceRefusal.NO_SUCH_GATEWAY, words=words), []
    sealed_code = None
    if code is not None:
        place = Place(gateway=gateway, device=Eui64(address), request=asking.id)
        sealed = sealed_to(row.sealing_key, code, place, ephemeral)
        if isinstance(sealed, DeviceRefused):
            return sealed, []
        sealed_code = sealed
    goal = assignment.Target(
        gateway=gateway, driver=driver, address=address, sealed_code=sealed_code, assign_id=asking.id
    )
    return await _move(connection, asking, goal, withdraw_id, now)


async def ask_withdrawal(
    connection: AsyncConnection, asking: Asking, now: datetime
) -> tuple[Given | DeviceRefused, Sent]:
    """Begin to take a meter away from its gateway."""
    here = await assignment.standing(connection, asking.meter.id)
    if here.step is Step.UNSERVED:
        return _NO_GATEWAY, []
    return await _move(connection, asking, None, asking.id, now)


def sealed_to(key: str | None, code: InstallCode, place: Place, ephemeral: bytes) -> str | DeviceRefused:
    """A code that only that gateway can open, or why there is none."""
    words = f"Gateway {place.gateway} has told no key to which an install code could be sealed."
    if key is not None:
        try:
            return seal(code, key, place, ephemeral)
        except BadSeal:
            words = f"Gateway {place.gateway} has told a sealing key that is not one."
    return DeviceRefused(reason=DeviceRefusal.NO_SEALING_KEY, words=words)


async def _move(
    connection: AsyncConnection,
    asking: Asking,
    target: assignment.Target | None,
    withdraw_id: RequestId,
    now: datetime,
) -> tuple[Given | DeviceRefused, Sent]:
    sent = await assignment.ask(connection, asking.meter.id, target, withdraw_id, asking.account_id, now)
    if sent is None:
        words = "This meter is on its way from one gateway to another. Wait until it has arrived."
        return DeviceRefused(reason=DeviceRefusal.MOVING, words=words), []
    return Given(id=sent[0][1].id), sent


@dataclass(frozen=True, slots=True)
class _Serving:
    gateway: GatewayId
    sealing_key: str | None


async def _serving(connection: AsyncConnection, meter_id: int) -> _Serving | None:
    """The gateway that serves a meter, with its sealing key; the meter is locked."""
    locked = select(meters.c.gateway).where(meters.c.id == meter_id).with_for_update()
    gateway = await connection.scalar(locked)
    if gateway is None:
        return None
    key = await connection.scalar(select(gateways.c.sealing_key).where(gateways.c.id == gateway))
    return _Serving(gateway, key)


async def _is_here(connection: AsyncConnection, meter_id: int, device: Eui64) -> bool:
    known = select(han_devices.c.device).where(han_devices.c.device == device, han_devices.c.meter_id == meter_id)
    if (await connection.execute(known)).first() is not None:
        return True
    return await _is_joining(connection, device, meter_id)


async def _is_joining(connection: AsyncConnection, device: Eui64, meter_id: int | None = None) -> bool:
    joins = select(han_commands.c.id).where(
        han_commands.c.device == device,
        han_commands.c.kind == CommandKind.JOIN,
        han_commands.c.status.in_([str(status) for status in OPEN]),
    )
    joins = joins if meter_id is None else joins.where(han_commands.c.meter_id == meter_id)
    return (await connection.execute(joins)).first() is not None


async def _give(
    connection: AsyncConnection,
    asking: Asking,
    kind: CommandKind,
    message: Command,
    gateway: GatewayId,
    device: Eui64 | None,
    now: datetime,
) -> tuple[Given, Sent]:
    notice = message.notice if isinstance(message, SendNotice) else None
    event = getattr(notice, "event", None)
    new = NewCommand(
        message=message,
        kind=kind,
        gateway=gateway,
        meter_id=asking.meter.id,
        meter=asking.meter.number,
        esi_id=asking.meter.esi_id,
        account_id=asking.account_id,
        device=device,
        event=event,
        notice=None if notice is None else _NOTICE.dump_python(notice, mode="json"),
    )
    await add_command(connection, new, now)
    return Given(id=asking.id, event=event), [(gateway, message)]
