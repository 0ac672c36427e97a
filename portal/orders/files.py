"""The files of an order for who asks: all of its meters must be visible to him at that moment, or there is nothing."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.meters.tables import meters
from portal.orders.states import OrderState
from portal.orders.tables import report_order_files, report_order_meters, report_orders
from portal.viewer import Viewer
from portal.visibility import visible_meters


async def is_served(connection: AsyncConnection, viewer: Viewer, order_id: RequestId, now: datetime) -> bool:
    """Whether a viewer sees every meter that an order's files hold, at an instant."""
    return await count_lost(connection, viewer, order_id, now) == 0


async def count_lost(connection: AsyncConnection, viewer: Viewer, order_id: RequestId, now: datetime) -> int:
    """How many meters of an order's files a viewer may not see any more."""
    here = report_order_meters.c.order_id == order_id, report_order_meters.c.reported
    reported = await connection.scalar(select(func.count()).select_from(report_order_meters).where(*here)) or 0
    in_order = select(report_order_meters.c.esi_id).where(*here)
    seen = visible_meters(viewer, now).where(meters.c.esi_id.in_(in_order)).with_only_columns(meters.c.id).subquery()
    return reported - (await connection.scalar(select(func.count()).select_from(seen)) or 0)


async def find_file(connection: AsyncConnection, viewer: Viewer, number: int, name: str, now: datetime) -> Any | None:
    """The row of a file of one of the viewer's own complete orders, None alike for whatever reason there is none."""
    wanted = (
        select(report_order_files)
        .join(report_orders)
        .where(
            report_orders.c.number == number,
            report_orders.c.account_id == viewer.account_id,
            report_orders.c.state == OrderState.COMPLETE,
            report_order_files.c.name == name,
        )
    )
    row = (await connection.execute(wanted)).one_or_none()
    if row is None or not await is_served(connection, viewer, row.order_id, now):
        return None
    return row
