"""Devices, commands and words, seen through the meters that their viewer may see and manage."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.notices import Answer
from gateway.han.states import GONE
from gateway.identifiers import Eui64, GatewayId, RequestId
from portal.companies.kinds import Kind
from portal.gateways.tables import gateways
from portal.han.shown import Device, DeviceWord, GatewayCommand, command_of, device_of, entry_of
from portal.han.status import CommandKind
from portal.han.tables import han_commands, han_devices, han_reports, han_timeline
from portal.han.who_may import ManagedMeter, happened_for
from portal.meters.tables import meters
from portal.viewer import Viewer
from portal.visibility import visible_meters

MOST_ENTRIES = 200
"""The newest entries of a timeline that are shown."""
_OF_GATEWAYS = (CommandKind.ASSIGN, CommandKind.WITHDRAW, CommandKind.ROTATE_KEY)
_OF_DEVICES = han_commands.c.kind.not_in([str(kind) for kind in _OF_GATEWAYS])
"""Which gateway serves a meter, and its network, are the TDSP's business."""


async def find_command(
    connection: AsyncConnection, viewer: Viewer, command_id: RequestId, at: datetime
) -> GatewayCommand | None:
    """One command, or None alike if there is none or its meter, or gateway, is not this viewer's at this moment.

    Whether it is there and his is one statement, so that the time does not tell which of them it was.
    """
    theirs: ColumnElement[bool] = visible_meters(viewer, at).where(meters.c.esi_id == han_commands.c.esi_id).exists()
    theirs = theirs & happened_for(viewer, han_commands.c.esi_id, han_commands.c.asked_at, at)
    if viewer.kind is not Kind.TDSP:
        theirs = theirs & _OF_DEVICES
    else:
        own = select(gateways.c.id).where(
            gateways.c.id == han_commands.c.gateway, gateways.c.tdsp_id == viewer.company_id
        )
        theirs = theirs | (han_commands.c.esi_id.is_(None) & own.exists())
    found = select(han_commands).where(han_commands.c.id == command_id, theirs)
    row = (await connection.execute(found)).mappings().one_or_none()
    if row is None:
        return None
    return command_of(dict(row), await _entries(connection, han_timeline.c.request_id == command_id))


async def is_gateway_of(connection: AsyncConnection, viewer: Viewer, gateway: GatewayId) -> bool:
    """Whether a gateway is registered as one of the viewer's company, a TDSP."""
    if viewer.kind is not Kind.TDSP:
        return False
    owned = select(gateways.c.id).where(gateways.c.id == gateway, gateways.c.tdsp_id == viewer.company_id)
    return (await connection.execute(owned)).first() is not None


async def commands_of(connection: AsyncConnection, here: ManagedMeter, most: int) -> list[GatewayCommand]:
    """The latest commands of a meter, newest first, without their timelines."""
    found = select(han_commands).where(han_commands.c.meter_id == here.meter.id)
    if here.since is not None:
        found = found.where(han_commands.c.asked_at >= here.since, _OF_DEVICES)
    latest = found.order_by(han_commands.c.asked_at.desc(), han_commands.c.id.desc()).limit(most)
    return [command_of(dict(row), ()) for row in (await connection.execute(latest)).mappings()]


async def devices_of(connection: AsyncConnection, here: ManagedMeter) -> list[Device]:
    """The devices of a meter, those that are gone included, without their timelines."""
    found = _counted().where(_at(here)).order_by(han_devices.c.device)
    return [device_of(dict(row), (), row["version"]) for row in (await connection.execute(found)).mappings()]


async def find_device(connection: AsyncConnection, here: ManagedMeter, device: Eui64) -> Device | None:
    """One device of a meter with its timeline there, None if the meter has none of that address."""
    found = _counted().where(_at(here), han_devices.c.device == device)
    row = (await connection.execute(found)).mappings().one_or_none()
    if row is None:
        return None
    there = (han_timeline.c.device == device) & (han_timeline.c.meter_id == here.meter.id)
    there = there if here.since is None else there & (han_timeline.c.at >= here.since)
    return device_of(dict(row), await _entries(connection, there), row["version"])


async def words_of(connection: AsyncConnection, here: ManagedMeter, before: int | None, most: int) -> list[DeviceWord]:
    """What a meter's devices said, newest first; before continues the list after that id."""
    found = _reports(here)
    found = found if before is None else found.where(han_reports.c.id < before)
    return await _words(connection, found, most)


async def words_of_device(
    connection: AsyncConnection, here: ManagedMeter, device: Eui64, most: int
) -> list[DeviceWord]:
    """What one device said, newest first."""
    return await _words(connection, _reports(here).where(han_reports.c.device == device), most)


async def answers_to(connection: AsyncConnection, here: ManagedMeter, event: int, most: int) -> list[DeviceWord]:
    """What a meter's devices said of a notice, and how it fared on its way to them, newest first."""
    return await _words(connection, _reports(here).where(han_reports.c.event == event), most)


async def last_contacts(connection: AsyncConnection, here: ManagedMeter) -> dict[Eui64, datetime]:
    """When each device of a meter last said something itself."""
    own = _reports(here).where(han_reports.c.answer.not_in([str(Answer.UNDELIVERED)]))
    newest = own.with_only_columns(han_reports.c.device, func.max(han_reports.c.at).label("at"))
    return {row.device: row.at for row in await connection.execute(newest.group_by(han_reports.c.device))}


def _reports(here: ManagedMeter) -> Select[Any]:
    found = select(han_reports).where(han_reports.c.meter_id == here.meter.id)
    return found if here.since is None else found.where(han_reports.c.at >= here.since)


async def _words(connection: AsyncConnection, found: Select[Any], most: int) -> list[DeviceWord]:
    rows = (await connection.execute(found.order_by(han_reports.c.id.desc()).limit(most))).all()
    return [
        DeviceWord(id=row.id, device=row.device, answer=row.answer, event=row.event, at=row.at, detail=row.detail)
        for row in rows
    ]


def _at(here: ManagedMeter) -> ColumnElement[bool]:
    """The devices of a meter that its manager may know of; one that an earlier REP's customer took away is not."""
    there = han_devices.c.meter_id == here.meter.id
    if here.since is None:
        return there
    return there & (han_devices.c.stage.not_in(GONE) | (han_devices.c.changed_at >= here.since))


def _counted() -> Select[Any]:
    """Devices with their version: how much has happened to them and how much they have said."""
    entries = select(func.count()).where(han_timeline.c.device == han_devices.c.device).scalar_subquery()
    words = select(func.count()).where(
        han_reports.c.device == han_devices.c.device, han_reports.c.meter_id == han_devices.c.meter_id
    )
    return select(han_devices, (entries + words.scalar_subquery()).label("version"))


async def _entries(connection: AsyncConnection, which: Any) -> list[Any]:
    newest = select(han_timeline).where(which).order_by(han_timeline.c.id.desc()).limit(MOST_ENTRIES)
    rows = (await connection.execute(newest)).mappings().all()
    return [entry_of(dict(row)) for row in sorted(rows, key=lambda row: (row["at"], row["seq"]))]
