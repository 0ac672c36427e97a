"""A meter as Smart Meter Texas lists it."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.identifiers import EsiId
from portal.companies.kinds import Kind
from portal.meters.tables import meters
from portal.viewer import Viewer
from portal.visibility import mint, visible_meters

MOST_METERS = 500
"""Listed at once: as many as the portal's own pages show (MTR-06)."""


async def meter_entries(
    connection: AsyncConnection, viewer: Viewer, clock: Clock, *, esi_id: EsiId | None = None, most: int = MOST_METERS
) -> list[dict[str, Any]]:
    """The meters that a viewer sees, or the one of an ESI ID; by ESI ID."""
    seen: Select[Any] = visible_meters(viewer, clock.now()).add_columns(meters.c.multiplier)
    if esi_id is not None:
        seen = seen.where(meters.c.esi_id == esi_id)
    rows = await connection.execute(seen.order_by(meters.c.esi_id).limit(most))
    return [_entry(row, viewer) for row in rows]


def _entry(row: Row[Any], viewer: Viewer) -> dict[str, Any]:
    meter = mint(row)
    owner = viewer.kind is Kind.CUSTOMER
    return {
        "customer": viewer.name if owner else "",
        "email": viewer.email if owner else "",
        "description": meter.service_address,
        "address": meter.service_address,
        "city": meter.city,
        "state": meter.state,
        "zip": meter.zip,
        "esiid": meter.esi_id,
        "meterNumber": meter.number,
        "meterMultiplier": _plain(row.multiplier),
        "fullAddress": f"{meter.service_address}, {meter.city}, {meter.state} {meter.zip}",
        "errmsg": "Success",
        "recordStatus": "ESIID-RECORD-EXISTS",
        "statusIndicator": True,
        "dunsNumber": "NO_DUNS",
    }


def _plain(multiplier: Decimal | None) -> int | float:
    """A meter's multiplier as a JSON number; 1 where none is told."""
    if multiplier is None:
        return 1
    return int(multiplier) if multiplier == int(multiplier) else float(multiplier)
