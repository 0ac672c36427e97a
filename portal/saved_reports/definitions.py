"""Definitions as their account sees and changes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import central_date
from gateway.identifiers import RequestId
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form
from portal.orders.meter_list import By, MeterList
from portal.orders.request import OrderedReport, OrderRequest, request_refusal
from portal.reports.forms import USAGE, Format, Report, View
from portal.saved_reports.schedule import Schedule, Window, days_of, next_due, schedule_fault
from portal.saved_reports.tables import report_definitions
from portal.viewer import Viewer

MOST = 50
LONGEST_NAME = 60
BY_HAND = "you paused it"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReport:
    """One report of a definition, without days: these follow from the day of the run."""

    report: Report
    format: Format = Format.CSV


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a definition is to be; schedule is None for one that is run by hand only."""

    name: str
    reports: Sequence[SavedReport]
    window: Window
    meters: MeterList
    view: View = View.CURRENT
    utc: bool = False
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDefinition:
    """A saved definition. next_at is when it is due next; paused_because says why it is not, though scheduled.

    last_order is the number of the order that the last run placed, last_words why it placed none.
    """

    id: RequestId
    name: str
    reports: tuple[SavedReport, ...]
    window: Window
    view: View
    utc: bool
    by: By
    meters: int
    made_at: datetime
    schedule: Schedule | None
    next_at: datetime | None
    paused_because: str | None
    last_run_at: datetime | None
    last_order: int | None
    last_words: str | None


def request_of(reports: Sequence[SavedReport], window: Window, view: View, utc: bool, today: date) -> OrderRequest:
    """The order that a definition asks for on a day."""
    asked = []
    for each in reports:
        start, end = days_of(window, each.report, today) if each.report in USAGE else (None, None)
        asked.append(OrderedReport(report=each.report, start=start, end=end, format=each.format))
    return OrderRequest(reports=tuple(asked), view=view, utc=utc)


async def save_definition(
    connection: AsyncConnection, viewer: Viewer, definition_id: RequestId, wanted: Wanted, now: datetime
) -> ReportDefinition | PeopleRefused:
    """Keep a definition under a new id."""
    if viewer.kind is Kind.OPERATOR:
        return NOT_FOR_YOU
    await connection.execute(select(accounts.c.id).where(accounts.c.id == viewer.account_id).with_for_update())
    own = report_definitions.c.account_id == viewer.account_id
    faults = _faults(wanted, now)
    if (await connection.scalar(select(func.count()).select_from(report_definitions).where(own)) or 0) >= MOST:
        faults.setdefault("name", f"You have {MOST} saved reports already: delete one that is not used")
    if faults:
        return bad_form(faults)
    row = {"id": definition_id, "account_id": viewer.account_id, "made_at": now, **_columns(wanted, now)}
    await connection.execute(insert(report_definitions), row)
    return await find_definition(connection, viewer, definition_id) or NOT_THERE


async def change_definition(
    connection: AsyncConnection, viewer: Viewer, definition_id: RequestId, wanted: Wanted, now: datetime
) -> ReportDefinition | PeopleRefused:
    """Give a definition other words, reports, meters or another schedule; one that was paused goes on."""
    if await locked(connection, viewer, definition_id) is None:
        return NOT_THERE
    if faults := _faults(wanted, now):
        return bad_form(faults)
    values = {**_columns(wanted, now), "paused_because": None}
    changed = update(report_definitions).where(report_definitions.c.id == definition_id)
    await connection.execute(changed.values(values))
    return await find_definition(connection, viewer, definition_id) or NOT_THERE


async def pause_definition(
    connection: AsyncConnection, viewer: Viewer, definition_id: RequestId, now: datetime, *, paused: bool
) -> ReportDefinition | PeopleRefused:
    """Let a schedule rest, or go on; one without a schedule stays as it is."""
    row = await locked(connection, viewer, definition_id)
    if row is None:
        return NOT_THERE
    schedule = schedule_of(row)
    if schedule is not None and paused is not (row.paused_because is not None):
        values = {
            "paused_because": BY_HAND if paused else None,
            "next_at": None if paused else next_due(schedule, now),
        }
        await connection.execute(
            update(report_definitions).where(report_definitions.c.id == definition_id).values(values)
        )
    return await find_definition(connection, viewer, definition_id) or NOT_THERE


async def delete_definition(connection: AsyncConnection, viewer: Viewer, definition_id: RequestId) -> bool:
    """Delete a definition of the viewer's, False if he has none of this id; the orders that it placed stay."""
    own = (report_definitions.c.id == definition_id, report_definitions.c.account_id == viewer.account_id)
    return (await connection.execute(delete(report_definitions).where(*own))).rowcount == 1


async def definitions_of(connection: AsyncConnection, viewer: Viewer) -> list[ReportDefinition]:
    """A viewer's definitions, the newest first."""
    own = select(report_definitions).where(report_definitions.c.account_id == viewer.account_id)
    rows = (await connection.execute(own.order_by(report_definitions.c.id.desc()))).all()
    return [shown(row) for row in rows]


async def find_definition(
    connection: AsyncConnection, viewer: Viewer, definition_id: RequestId
) -> ReportDefinition | None:
    """One definition of a viewer's, None if he has none of this id."""
    own = (report_definitions.c.id == definition_id, report_definitions.c.account_id == viewer.account_id)
    row = (await connection.execute(select(report_definitions).where(*own))).one_or_none()
    return None if row is None else shown(row)


async def list_of(connection: AsyncConnection, viewer: Viewer, definition_id: RequestId) -> MeterList | None:
    """The meters of one definition of a viewer's, None if he has none of this id."""
    own = (report_definitions.c.id == definition_id, report_definitions.c.account_id == viewer.account_id)
    row = (await connection.execute(select(report_definitions).where(*own))).one_or_none()
    return None if row is None else meters_of(row)


async def locked(connection: AsyncConnection, viewer: Viewer, definition_id: RequestId) -> Row[Any] | None:
    """The row of one definition of a viewer's, locked until the transaction ends."""
    own = (report_definitions.c.id == definition_id, report_definitions.c.account_id == viewer.account_id)
    return (await connection.execute(select(report_definitions).where(*own).with_for_update())).one_or_none()


def shown(row: Row[Any]) -> ReportDefinition:
    """A definition from its row."""
    return ReportDefinition(
        id=row.id,
        name=row.name,
        reports=reports_of(row),
        window=row.window,
        view=row.view,
        utc=row.utc,
        by=row.by,
        meters=len(meters_of(row).values),
        made_at=row.made_at,
        schedule=schedule_of(row),
        next_at=row.next_at,
        paused_because=row.paused_because,
        last_run_at=row.last_run_at,
        last_order=row.last_order,
        last_words=row.last_words,
    )


def reports_of(row: Any) -> tuple[SavedReport, ...]:
    """The reports in a row."""
    return tuple(SavedReport(report=Report(kind), format=Format(written)) for kind, written in row.reports)


def meters_of(row: Any) -> MeterList:
    """The list of meters in a row."""
    # `values` is also a method of a row's mapping, so the column is asked for by its name.
    return MeterList(by=row.by, values=tuple(row._mapping["values"].split("\n")))


def schedule_of(row: Any) -> Schedule | None:
    """The schedule in a row."""
    return None if row.every is None else Schedule(every=row.every, day=row.day, minute=row.minute)


def _columns(wanted: Wanted, now: datetime) -> dict[str, Any]:
    schedule = wanted.schedule
    return {
        "name": wanted.name,
        "reports": [[str(each.report), str(each.format)] for each in wanted.reports],
        "view": wanted.view,
        "utc": wanted.utc,
        "window": wanted.window,
        "by": wanted.meters.by,
        "values": "\n".join(wanted.meters.values),
        "every": None if schedule is None else schedule.every,
        "day": None if schedule is None else schedule.day,
        "minute": None if schedule is None else schedule.minute,
        "next_at": None if schedule is None else next_due(schedule, now),
    }


def _faults(wanted: Wanted, now: datetime) -> dict[str, str]:
    faults = {}
    if not wanted.name or len(wanted.name) > LONGEST_NAME:
        faults["name"] = f"Enter a name of at most {LONGEST_NAME} characters"
    if wanted.schedule is not None and (words := schedule_fault(wanted.schedule)) is not None:
        faults["schedule"] = words
    today = central_date(now)
    refused = request_refusal(request_of(wanted.reports, wanted.window, wanted.view, wanted.utc, today), today)
    if refused is not None:
        faults["reports"] = refused.words
    return faults
