"""Subscriptions of the official interface: saved reports that run by a schedule, with their history ordered at once.

The original's are of a DUNS number; the portal's are of an account and name their meters. Its answers are not public:
their names are those of its requests, but for subscriptionList, which is ours.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from gateway.clock import central_date
from gateway.errors import BadIdentifier
from gateway.identifiers import RequestId
from portal.context import Portal
from portal.faults import PeopleRefused
from portal.orders.meter_list import By, MeterList
from portal.reports.forms import Report
from portal.saved_reports.definitions import (
    ReportDefinition,
    SavedReport,
    Wanted,
    definitions_of,
    delete_definition,
    find_definition,
    list_of,
    save_definition,
)
from portal.saved_reports.schedule import Every, Schedule, Window
from portal.smt.bodies import text
from portal.smt.facade import SUBMITTED
from portal.smt.report_entries import FREQUENCIES, TYPES
from portal.smt.services.entries import wall
from portal.smt.services.envelope import CHOICE, NUMBER, REFUSED, ServiceRefused, Usage, esi_ids, field, word
from portal.smt.services.orders import FORMATS, ordered
from portal.usage.report_range import months_before
from portal.viewer import Viewer

Body = Mapping[str, Any]
Answer = dict[str, Any]
SCHEDULED, ENROLMENT = ("SCHEDULE", "SCHEDULES", "S"), ("REPENROLL", "CSPENROLL")
NO_ENROLMENT = "Enrolment reports are not made here: webhooks tell of switches, moves and agreements as they happen"
ACTIVE = "Subscription is already active"
REPORTS = {name: report for report, name in TYPES.items()}
MORNING, MONTHLY = Schedule(every=Every.DAY), Schedule(every=Every.MONTH, day=5)
HISTORIES = ("3", "6", "9", "12", "24")


class SubscriptionServices:
    """The three services, over the portal's saved reports."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._database = portal.database

    def handlers(self) -> dict[str, Callable[[Viewer, Body], Awaitable[Answer]]]:
        """Each by its name in the path."""
        return {
            "NewSubscription": self._subscribe,
            "Mysubscriptions": self._list,
            "UnSubscription": self._unsubscribe,
        }

    async def _subscribe(self, viewer: Viewer, body: Body) -> Answer:
        wanted, months = _wanted(body)
        if await self._is_active(viewer, wanted):
            duns = text(body, "requesterAuthenticationID").strip()
            told = [{"duns": duns, "reasonCode": ACTIVE}]
            raise ServiceRefused(REFUSED, ACTIVE, statusReason=ACTIVE, CustomerDUNSFaultList=told)
        now = self._portal.clock.now()
        number = RequestId(self._portal.dice.request_id(now))
        kept = await self._database.write(lambda connection: save_definition(connection, viewer, number, wanted, now))
        if isinstance(kept, PeopleRefused):
            raise ServiceRefused(REFUSED, " ".join(kept.faults.values()) or kept.words)
        try:
            history = await self._history(viewer, body, wanted, months) if months else {}
        except ServiceRefused:
            await self._database.write(lambda connection: delete_definition(connection, viewer, number))
            raise
        return {"statusCode": "0", "statusReason": SUBMITTED, "subscriptionNumber": str(kept.id), **history}

    async def _history(self, viewer: Viewer, body: Body, wanted: Wanted, months: int) -> Answer:
        """The months before, ordered at once; a day's worth of what the schedule brings afterwards."""
        today = central_date(self._portal.clock.now())
        usage = Usage(
            esi_ids=esi_ids(body),
            first=months_before(today, months),
            last=today - timedelta(days=1),
            every_version=False,
            channels="A",
            form=_form(body),
            delivery=_delivery(body),
        )
        placed = await ordered(self._portal, viewer, wanted.reports[0].report, usage)
        return {"correlationId": placed["correlationId"]}

    async def _is_active(self, viewer: Viewer, wanted: Wanted) -> bool:
        """Whether a schedule of the account brings the same report of the same meters already."""
        async with self._database.reading() as connection:
            for each in await definitions_of(connection, viewer):
                same = [one.report for one in each.reports] == [one.report for one in wanted.reports]
                if same and each.schedule is not None and each.paused_because is None:
                    meters = await list_of(connection, viewer, each.id)
                    if meters is not None and set(meters.values) == set(wanted.meters.values):
                        return True
        return False

    async def _list(self, viewer: Viewer, body: Body) -> Answer:
        async with self._database.reading() as connection:
            if field(body, "subscriptionNumber") not in (None, ""):
                found = [await find_definition(connection, viewer, number)] if (number := _number(body)) else []
            else:
                found = list(await definitions_of(connection, viewer))
        return {"subscriptionList": [_entry(each, each.schedule) for each in found if each and each.schedule]}

    async def _unsubscribe(self, viewer: Viewer, body: Body) -> Answer:
        number = _number(body)
        gone = number is not None and await self._database.write(
            lambda connection: delete_definition(connection, viewer, number)
        )
        if not gone:
            raise ServiceRefused(NUMBER, "subscriptionNumber is not that of a subscription of yours", 404)
        return {"statusCode": "0", "statusReason": SUBMITTED, "subscriptionNumber": str(number)}


def _wanted(body: Body) -> tuple[Wanted, int]:
    """The saved report that a body asks for, and how many months of history; 0 for none. Raises ServiceRefused."""
    if word(body, "subscriptionType", (*SCHEDULED, *ENROLMENT), "SCHEDULE") in ENROLMENT:
        raise ServiceRefused(CHOICE, NO_ENROLMENT)
    data = word(body, "dataType", tuple(REPORTS), "")
    months = str(field(body, "historicalSubscriptionDuration") or "").strip()
    if months and months not in HISTORIES:
        raise ServiceRefused(CHOICE, f"historicalSubscriptionDuration must be one of {', '.join(HISTORIES)}")
    report, form = REPORTS[data], FORMATS[_form(body)]
    _delivery(body)
    is_monthly = report is Report.MONTHLY_USAGE
    wanted = Wanted(
        name=f"Subscription, {data.lower()} data",
        reports=(SavedReport(report=report, format=form),),
        window=Window.LAST_MONTH if is_monthly else Window.YESTERDAY,
        meters=MeterList(by=By.ESI_ID, values=tuple(esi_ids(body))),
        schedule=MONTHLY if is_monthly else MORNING,
    )
    return wanted, int(months or 0)


def _form(body: Body) -> str:
    return word(body, "reportFormat", tuple(FORMATS), "CSV")


def _delivery(body: Body) -> str:
    """How the original would deliver; here every order is mailed, kept for download and put into the folder."""
    return word(body, "deliveryMode", ("EML", "FTP", "API"), "EML")


def _number(body: Body) -> RequestId | None:
    try:
        return RequestId(text(body, "subscriptionNumber").strip())
    except BadIdentifier:
        return None


def _entry(saved: ReportDefinition, schedule: Schedule) -> Answer:
    return {
        "subscriptionNumber": str(saved.id),
        "subscriptionType": "SCHEDULE",
        "dataType": ",".join(TYPES.get(each.report, each.report.upper()) for each in saved.reports),
        "reportFormat": ",".join(each.format.upper() for each in saved.reports),
        "subscriptionFrequency": FREQUENCIES[schedule.every],
        "status": "Active" if saved.paused_because is None else "Paused",
        "statusReason": saved.paused_because or "",
        "startDate": wall(saved.made_at),
        "nextReportDate": wall(saved.next_at) if saved.next_at else "",
        "lastReportGenerationDate": wall(saved.last_run_at) if saved.last_run_at else "",
        "lastCorrelationId": "" if saved.last_order is None else str(saved.last_order),
    }
