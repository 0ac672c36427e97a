"""The files of an order for who asks: all of its meters must be visible to him at that moment, or there is nothing."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.files.folders import is_name
from portal.meters.tables import meters
from portal.orders.shelf import ORDERS
from portal.orders.states import OrderState
from portal.orders.tables import report_order_files, report_order_meters, report_orders
from portal.viewer import Viewer, load_viewer
from portal.visibility import visible_meters


async def is_served(connection: AsyncConnection, viewer: Viewer, order_id: RequestId, now: datetime) -> bool:
    """Whether a viewer sees every meter that an order's files hold, at an instant."""
    return not await lost_of(connection, viewer, [order_id], now)


async def lost_of(
    connection: AsyncConnection, viewer: Viewer, order_ids: Sequence[RequestId], now: datetime
) -> dict[RequestId, int]:
    """How many meters of the files of some orders a viewer may not see any more; orders without any are not in it."""
    within = report_order_meters.c.order_id.in_(order_ids), report_order_meters.c.reported
    seen = visible_meters(viewer, now).where(meters.c.esi_id.in_(select(report_order_meters.c.esi_id).where(*within)))
    lost = (
        select(report_order_meters.c.order_id, func.count().label("lost"))
        .where(*within, report_order_meters.c.esi_id.not_in(seen.with_only_columns(meters.c.esi_id)))
        .group_by(report_order_meters.c.order_id)
    )
    return {row.order_id: row.lost for row in await connection.execute(lost)}


async def may_go(connection: AsyncConnection, path: str, now: datetime) -> bool:
    """Whether a file may still leave by mail; of what is no order's nobody here has anything to say.

    Of an order it may while it stands, its account may enter, and that sees every meter in the order's files.
    """
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] != ORDERS:
        return True
    of_file = select(report_orders.c.id, report_orders.c.account_id).join(report_order_files)
    named = report_orders.c.id == parts[1], report_order_files.c.path == path  # by the order, for paths have no index
    row = (await connection.execute(of_file.where(*named))).one_or_none()
    viewer = None if row is None else await load_viewer(connection, row.account_id)
    return row is not None and isinstance(viewer, Viewer) and await is_served(connection, viewer, row.id, now)


async def find_file(connection: AsyncConnection, viewer: Viewer, number: int, name: str, now: datetime) -> Any | None:
    """The row of a file of one of the viewer's own complete orders, None alike for whatever reason there is none."""
    if not is_name(name):
        return None  # PostgreSQL takes no text with a NUL in it
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
