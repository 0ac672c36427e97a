"""Files of complete orders into their companies' folders (RPT-11, RPT-18; AMB-08): told in a transaction, done after.

That an order is to be placed is written with its end; a worker that dies before it has done so leaves it to the next.
A file is placed under a name that follows from its order, so that doing it twice replaces it by itself.
"""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from gateway.errors import BadInput
from gateway.identifiers import Duns
from portal.files.folders import Folder, place
from portal.orders.files import is_served
from portal.orders.market_names import placed_name
from portal.orders.states import OrderState
from portal.orders.tables import report_order_files, report_orders
from portal.reports.forms import MEDIA_TYPES, Format
from portal.reports.many_meters import ZIP_TYPE
from portal.viewer import Viewer, load_viewer

log = logging.getLogger(__name__)

MOST_AT_ONCE = 20
BY_MAIL = frozenset({MEDIA_TYPES[Format.GREEN_BUTTON], ZIP_TYPE})
"""Green Button goes by mail, everything else into the folder too."""


async def place_due(database: Database, root: Path, clock: Clock) -> None:
    """Place the files of the orders that wait for it; those that their account may not have any more are not."""
    due = select(report_orders).where(report_orders.c.to_place, report_orders.c.state == OrderState.COMPLETE)
    async with database.reading() as connection:
        orders = (await connection.execute(due.order_by(report_orders.c.id).limit(MOST_AT_ONCE))).all()
    for order in orders:
        try:
            await place_order(database, root, order, clock)
        except (OSError, BadInput) as trouble:  # it stays due; making orders goes on meanwhile
            log.warning("order %s: its files cannot be placed now: %s", order.number, trouble)


async def place_order(database: Database, root: Path, order: Any, clock: Clock) -> None:
    """Place the files of one order, and write down that this was done."""
    duns, rows = await _files(database, order, clock)
    for row in rows:
        put = partial(
            place, root, order.company_id, Folder.ADHOC, placed_name(row, row.ended_at, duns), root / row.path
        )
        await asyncio.get_running_loop().run_in_executor(None, put)

    async def placed(connection: AsyncConnection) -> None:
        # An order that was made again meanwhile has other files, which are still to be placed.
        same = report_orders.c.id == order.id, report_orders.c.ended_at == order.ended_at
        await connection.execute(update(report_orders).where(*same).values(to_place=False))

    await database.write(placed)


async def _files(database: Database, order: Any, clock: Clock) -> tuple[Duns | None, list[Any]]:
    """The company's first DUNS number, and the files for its folder: none if a meter in them is not to be seen now."""
    async with database.reading() as connection:
        viewer = await load_viewer(connection, order.account_id)
        if not isinstance(viewer, Viewer) or not await is_served(connection, viewer, order.id, clock.now()):
            return None, []
        rows = select(report_order_files, report_orders.c.number, report_orders.c.ended_at).join(report_orders)
        found = await connection.execute(rows.where(report_order_files.c.order_id == order.id))
        return min(viewer.duns, default=None), [row for row in found if row.media_type not in BY_MAIL]
