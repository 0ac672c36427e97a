"""An order as its account sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.orders.details import WAITS, closed_details, progress_details
from portal.orders.files import lost_of
from portal.orders.request import OrderedReport, from_json
from portal.orders.states import OrderState
from portal.orders.tables import report_order_files, report_orders
from portal.reports.forms import Report, View
from portal.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """A file of a complete order, fetched under its name; size in bytes, sha256 in hexadecimal."""

    name: str
    report: Report
    media_type: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A report order.

    meters are those of the list that its account saw, not_found counts its other values. done counts meters times
    reports, of all `of`. files are there while the order is complete and every meter in them is still to be seen;
    files_until is when they are removed.
    """

    number: int
    state: OrderState
    details: str
    placed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    files_until: datetime | None
    attempts: int
    reports: tuple[OrderedReport, ...]
    view: View
    meters: int
    not_found: int
    done: int
    of: int
    files: tuple[OrderFile, ...]


def own_orders(viewer: Viewer) -> Select[Any]:
    """The orders that a viewer sees: those that his own account placed, newest first."""
    return (
        select(report_orders).where(report_orders.c.account_id == viewer.account_id).order_by(report_orders.c.id.desc())
    )


async def own_order(connection: AsyncConnection, viewer: Viewer, number: int) -> Any | None:
    """The row of one of them by its number."""
    return (await connection.execute(own_orders(viewer).where(report_orders.c.number == number))).one_or_none()


async def shown(
    connection: AsyncConnection, viewer: Viewer, rows: Sequence[Any], kept_days: int, now: datetime
) -> list[Order]:
    """Orders from their rows."""
    files = await _files(connection, [row.id for row in rows])
    lost = await lost_of(connection, viewer, list(files), now)
    return [_shown(row, files.get(row.id, []), lost.get(row.id, 0), kept_days) for row in rows]


async def _files(connection: AsyncConnection, ids: Sequence[RequestId]) -> dict[RequestId, list[OrderFile]]:
    wanted = select(report_order_files).where(report_order_files.c.order_id.in_(ids)).order_by(report_order_files.c.id)
    found: dict[RequestId, list[OrderFile]] = {}
    for row in await connection.execute(wanted):
        made = OrderFile(
            name=row.name,
            report=row.report,
            media_type=row.media_type,
            size=row.size,
            sha256=row.sha256,
            rows=row.rows,
        )
        found.setdefault(row.order_id, []).append(made)
    return found


def _shown(row: Any, files: Sequence[OrderFile], lost: int, kept_days: int) -> Order:
    asked = from_json(row.asked)
    of = row.meters * len(asked.reports)
    details = row.details or WAITS
    if row.state is OrderState.PROCESSING and row.lease is not None:
        details = progress_details(row.done, row.meters, len(asked.reports))
    is_complete = row.state is OrderState.COMPLETE
    if lost:
        files = ()
        details = f"{details} {closed_details(lost)}"
    return Order(
        number=row.number,
        state=row.state,
        details=details,
        placed_at=row.placed_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        files_until=row.ended_at + timedelta(days=kept_days) if is_complete else None,
        attempts=row.attempts,
        reports=asked.reports,
        view=asked.view,
        meters=row.meters,
        not_found=row.not_found,
        done=row.done,
        of=of,
        files=tuple(files),
    )
