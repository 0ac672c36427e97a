"""Running definitions: by hand, and by their schedules, once for each due instant however many processes look.

A run is an ordinary order with the rights that its account has at that moment. The definition's row is locked, the due
instant is noted under its own key, the order is placed and the next instant set, all in one transaction.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock, central_date
from gateway.database import Database
from gateway.dice import Dice
from gateway.identifiers import RequestId
from portal.faults import NOT_THERE, PeopleRefused
from portal.orders.placing import Placed, place
from portal.orders.request import OrderRefusal, OrderRefused
from portal.orders.settings import OrderSettings
from portal.saved_reports.definitions import locked, meters_of, reports_of, request_of, schedule_of
from portal.saved_reports.schedule import latest_due, next_due
from portal.saved_reports.tables import report_definitions, report_runs
from portal.viewer import Viewer, load_viewer

LOOK_S = 15.0
"""How late a schedule may run at most, s."""
REMEMBERED = timedelta(days=400)
"""How long it is remembered which due instants were served."""
MAY_NOT_ENTER = "your account may not enter the portal at present"
SEES_NONE = "none of its meters is among yours any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What every run needs."""

    settings: OrderSettings
    dice: Dice
    clock: Clock

    async def by_hand(
        self, connection: AsyncConnection, viewer: Viewer, definition_id: RequestId
    ) -> Placed | OrderRefused | PeopleRefused:
        """Run one of the viewer's definitions now."""
        row = await locked(connection, viewer, definition_id)
        if row is None:
            return NOT_THERE
        now = self.clock.now()
        answer = await self._place(connection, viewer, row, now, now)
        await self._note(connection, row, answer, now)
        return answer

    async def one_due(self, connection: AsyncConnection) -> bool:
        """Serve the definition that has been due longest, if any is; whether there was one."""
        now = self.clock.now()
        due = select(report_definitions).where(report_definitions.c.next_at <= now)
        due = due.order_by(report_definitions.c.next_at, report_definitions.c.id).limit(1)
        row = (await connection.execute(due.with_for_update(skip_locked=True))).one_or_none()
        schedule = None if row is None else schedule_of(row)
        if row is None or schedule is None:
            return False
        due_at = latest_due(schedule, row.next_at, now)
        viewer = await load_viewer(connection, row.account_id)
        if not isinstance(viewer, Viewer):
            await self._pause(connection, row, MAY_NOT_ENTER)
            return True
        await connection.execute(insert(report_runs), {"definition_id": row.id, "due_at": due_at})
        answer = await self._place(connection, viewer, row, due_at, now)
        await self._note(connection, row, answer, now)
        if isinstance(answer, OrderRefused) and answer.reason is OrderRefusal.NO_METERS:
            await self._pause(connection, row, SEES_NONE)
            return True
        if isinstance(answer, Placed):
            served = (report_runs.c.definition_id == row.id, report_runs.c.due_at == due_at)
            await connection.execute(update(report_runs).where(*served).values(order_number=answer.number))
        old = (report_runs.c.definition_id == row.id, report_runs.c.due_at < now - REMEMBERED)
        await connection.execute(delete(report_runs).where(*old))
        onward = update(report_definitions).where(report_definitions.c.id == row.id)
        await connection.execute(onward.values(next_at=next_due(schedule, now)))
        return True

    async def _place(
        self, connection: AsyncConnection, viewer: Viewer, row: Row[Any], at: datetime, now: datetime
    ) -> Placed | OrderRefused:
        """Place the order of a run, its days told from an instant."""
        request = request_of(reports_of(row), row.window, row.view, row.utc, central_date(at))
        return await place(connection, viewer, request, meters_of(row), self.settings, self.dice, now)

    async def _note(
        self, connection: AsyncConnection, row: Row[Any], answer: Placed | OrderRefused, now: datetime
    ) -> None:
        values: dict[str, Any] = {"last_run_at": now, "last_order": None, "last_words": None}
        if isinstance(answer, Placed):
            values["last_order"] = answer.number
        else:
            values["last_words"] = answer.words[:300]
        await connection.execute(update(report_definitions).where(report_definitions.c.id == row.id).values(values))

    async def _pause(self, connection: AsyncConnection, row: Row[Any], because: str) -> None:
        paused = update(report_definitions).where(report_definitions.c.id == row.id)
        await connection.execute(paused.values(next_at=None, paused_because=because))


async def keep_running(database: Database, running: Running) -> None:
    """Serve what is due, and look again in some seconds; until cancelled."""
    due = select(report_definitions.c.id).limit(1)
    while True:
        async with database.reading() as connection:
            any_due = await connection.scalar(due.where(report_definitions.c.next_at <= running.clock.now()))
        if any_due is None or not await database.write(running.one_due):
            await running.clock.sleep(LOOK_S)
