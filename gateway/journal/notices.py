"""Notices in the journal, while they hold: what a device is told when it asks, also after a restart."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.current import Lasting, ends, over_at
from gateway.han.notices import LoadControl, Notice, Price, Text
from gateway.identifiers import Eui64, MeterNumber
from gateway.journal.tables import devices, notices

MOST_NOTICES = 16
"""Notices of each kind that are kept for a device; beyond that the oldest event gives way."""
_KINDS: dict[str, TypeAdapter[Any]] = {
    kind: TypeAdapter(notice) for kind, notice in (("text", Text), ("price", Price), ("load_control", LoadControl))
}


async def keep(connection: AsyncConnection, told: Sequence[Eui64], notice: Notice, now: datetime) -> None:
    """Keep a dated notice for devices, and drop what it takes back or what is over."""
    await _drop_over(connection, now)
    for device in told:
        kept = await _of(connection, device)
        gone = [older for older in kept if ends(notice, older, now)]
        if isinstance(notice, Lasting):
            alike = [older for older in kept if older.kind == notice.kind and older not in gone]
            gone += sorted(alike, key=lambda older: older.event)[: max(0, len(alike) + 1 - MOST_NOTICES)]
        for older in gone:
            await connection.execute(
                delete(notices).where(
                    notices.c.device == device, notices.c.kind == older.kind, notices.c.event == older.event
                )
            )
        if isinstance(notice, Lasting):
            body = _KINDS[notice.kind].dump_json(notice).decode()
            row = {"device": device, "kind": notice.kind, "event": notice.event, "over_at": over_at(notice)}
            await connection.execute(insert(notices), {**row, "body": body})


async def current(connection: AsyncConnection, now: datetime) -> list[tuple[Eui64, MeterNumber, Notice]]:
    """What holds now, older events first, each with its device and the device's meter."""
    await _drop_over(connection, now)
    found = select(notices, devices.c.meter).join(devices, devices.c.device == notices.c.device)
    rows = await connection.execute(found.order_by(notices.c.event, notices.c.device))
    return [(row.device, row.meter, _KINDS[row.kind].validate_json(row.body)) for row in rows]


async def forget(connection: AsyncConnection, device: Eui64) -> None:
    """Drop what a device that is gone would have been told."""
    await connection.execute(delete(notices).where(notices.c.device == device))


async def _of(connection: AsyncConnection, device: Eui64) -> list[Lasting]:
    rows = await connection.execute(select(notices.c.kind, notices.c.body).where(notices.c.device == device))
    return [_KINDS[row.kind].validate_json(row.body) for row in rows]


async def _drop_over(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(notices).where(notices.c.over_at <= now))
