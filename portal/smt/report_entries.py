"""Months and report orders in the shapes of usage/monthly, reportrequeststatus and subhistory (pure)."""

from collections.abc import Sequence
from typing import Any

from gateway.clock import CENTRAL
from portal.orders.shown import Order
from portal.orders.states import OrderState
from portal.reports.forms import Report
from portal.saved_reports.definitions import ReportDefinition
from portal.saved_reports.schedule import Every, Schedule
from portal.smt.interval_text import DATE, WALL_TIME
from portal.usage.register_files import MonthlyUsage

TYPES = {Report.DAILY_USAGE: "INTERVAL", Report.DAILY_READS: "DAILY", Report.MONTHLY_USAGE: "MONTHLY"}
"""What the original calls the three reports of usage; those of information are called as here."""
STATUSES = {
    OrderState.PROCESSING: "Processing",
    OrderState.COMPLETE: "Complete",
    OrderState.UNSUCCESSFUL: "Unsuccessful",
    OrderState.CANCELLED: "Cancelled",
    OrderState.EXPIRED: "Expired",
}

FREQUENCIES = {Every.DAY: "DAILY", Every.WEEK: "WEEKLY", Every.MONTH: "MONTHLY"}


def monthly_entry(month: MonthlyUsage) -> dict[str, Any]:
    """A billed month; energies in kWh and demands in kW and kVA as numbers, which both kinds of clients can take.

    The names of the demands say kwh in the original too. None is missing.
    """
    return {
        "startdate": month.start_date.strftime(DATE),
        "enddate": month.end_date.strftime(DATE),
        "actl_kwh_usg": thousandths(month.actual_wh),
        "mtrd_kwh_usg": thousandths(month.metered_w),
        "blld_kwh_usg": thousandths(month.billed_w),
        "mtrd_kva_usg": thousandths(month.metered_va),
        "blld_kva_usg": thousandths(month.billed_va),
        "lastupdate": month.revised_at.astimezone(CENTRAL).strftime(WALL_TIME) if month.revised_at else None,
        "errmsg": "Success",
    }


def thousandths(value: int | None) -> int | float | None:
    """A thousandth of a whole number as a JSON number without a needless fraction."""
    if value is None:
        return None
    return value // 1000 if value % 1000 == 0 else value / 1000


def request_entry(order: Order) -> dict[str, Any]:
    """An order as the original lists requests; its number stands where a subscription's would."""
    return {
        "subscriptionId": f"{order.number}",
        "reportType": ",".join(TYPES.get(each.report, each.report.upper()) for each in order.reports),
        "subscriptionFrequency": "ONCE",
        "subscriptionType": "ADHOC",
        "status": STATUSES[order.state],
        "lastReportGenerationDate": None if order.ended_at is None else _wall(order.ended_at),
        "startDate": order.placed_at.astimezone(CENTRAL).strftime(DATE),
    }


def subscription_entry(saved: ReportDefinition, schedule: Schedule) -> dict[str, Any]:
    """A report definition with a schedule as the original lists subscriptions; its words for a status are ours."""
    return {
        "subscriptionId": str(saved.id),
        "reportType": ",".join(TYPES.get(each.report, each.report.upper()) for each in saved.reports),
        "subscriptionFrequency": FREQUENCIES[schedule.every],
        "subscriptionType": "SCHEDULE",
        "status": "Active" if saved.paused_because is None else "Paused",
        "lastReportGenerationDate": None if saved.last_run_at is None else _wall(saved.last_run_at),
        "startDate": saved.made_at.astimezone(CENTRAL).strftime(DATE),
    }


def history_entries(order: Order) -> Sequence[dict[str, Any]]:
    """What came of a request: one line once it has ended, none before."""
    if order.ended_at is None:
        return []
    is_good = order.state in (OrderState.COMPLETE, OrderState.EXPIRED)
    ends = [each.end for each in order.reports if each.end is not None]
    return [
        {
            "sub_id": f"{order.number}",
            "read_dt": max(ends).strftime(DATE) if ends else None,
            "rpt_gen_dt": _wall(order.ended_at),
            "status": STATUSES[order.state],
            "error": "N" if is_good else "Y",
            "error_msg": None if is_good else order.details,
        }
    ]


def _wall(at: Any) -> str:
    return str(at.astimezone(CENTRAL).strftime(WALL_TIME))
