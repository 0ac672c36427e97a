"""Files of complete orders into their companies' folders (RPT-11, RPT-18; AMB-08): told in a transaction, done after.

That an order is to be placed is written with its end; a worker that dies before it has done so leaves it to the next.
A file is placed under a name that follows from its order, so that doing it twice replaces it by itself.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from portal.orders.files import is_served
from portal.orders.states import OrderState
from portal.orders.tables import report_order_files, report_orders
from portal.reports.forms import MEDIA_TYPES, Format
from portal.reports.many_meters import ZIP_TYPE
from portal.viewer import Viewer, load_viewer

MOST_AT_ONCE = 20
BY_MAIL = frozenset({MEDIA_TYPES[Format.GREEN_BUTTON], ZIP_TYPE})
"""Green Button goes by mail, everything else into the folder too."""
Place = Callable[[int, Any, Path], None]
"""Puts a file, given by its company, its row and its path, where the company fetches it; replaces the same name."""


async def place_due(database: Database, root: Path, place: Place, clock: Clock) -> None:
    """Place the files of the orders that wait for it; those that their account may not have any more are not."""
    due = select(report_orders).where(report_orders.c.to_place, report_orders.c.state == OrderState.COMPLETE)
    async with database.reading() as connection:
        orders = (await connection.execute(due.order_by(report_orders.c.id).limit(MOST_AT_ONCE))).all()
    for order in orders:
        for row in await _files(database, order, clock):
            await asyncio.get_running_loop().run_in_executor(None, place, order.company_id, row, root / row.path)

        async def placed(connection: AsyncConnection, order_id: str = order.id) -> None:
            await connection.execute(update(report_orders).where(report_orders.c.id == order_id).values(to_place=False))

        await database.write(placed)


async def _files(database: Database, order: Any, clock: Clock) -> list[Any]:
    """The files of an order that go into the folder, none if a meter of it is not to be seen now."""
    async with database.reading() as connection:
        viewer = await load_viewer(connection, order.account_id)
        if not isinstance(viewer, Viewer) or not await is_served(connection, viewer, order.id, clock.now()):
            return []
        rows = select(report_order_files, report_orders.c.number, report_orders.c.ended_at).join(report_orders)
        found = await connection.execute(rows.where(report_order_files.c.order_id == order.id))
        return [row for row in found if row.media_type not in BY_MAIL]
