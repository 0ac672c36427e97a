"""What an order asks for: reports with their own days and formats, one view for all; and why it may be refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from portal.orders.meter_list import ListFault
from portal.reports.forms import TITLES, USAGE, Format, Report, View, form_refusal, months_back
from portal.usage.report_range import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedReport:
    """One report of an order; start and end, Chicago dates, both included, are None for information."""

    report: Report
    start: date | None = None
    end: date | None = None
    format: Format = Format.CSV


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """All that an order asks for but its meters; utc adds two columns to the CSV of Daily Usage."""

    reports: tuple[OrderedReport, ...]
    view: View = View.CURRENT
    utc: bool = False


class OrderRefusal(StrEnum):
    """Why an order is not taken."""

    REPORT = "report"
    LIST = "list"
    NO_METERS = "no_meters"
    TOO_MANY_ORDERS = "too_many_orders"
    KEY_USED = "key_used"
    NOT_NOW = "not_now"
    SENT_LATELY = "sent_lately"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """A refused order; faults are those of its list, bound the day that a report could have begun or ended with.

    retry_in_s is how long to wait before the same is allowed, None if waiting does not help.
    """

    reason: OrderRefusal
    words: str
    faults: Sequence[ListFault] = ()
    more: int = 0
    bound: date | None = None
    retry_in_s: float | None = None


_JSON = TypeAdapter(OrderRequest)


def to_json(request: OrderRequest) -> dict[str, Any]:
    """A request as its table keeps it."""
    kept: dict[str, Any] = _JSON.dump_python(request, mode="json")
    return kept


def from_json(kept: dict[str, Any]) -> OrderRequest:
    """A request from its table."""
    return _JSON.validate_python(kept)


def request_refusal(request: OrderRequest, today: date) -> OrderRefused | None:
    """Why a request cannot be ordered, None if it can; today is the Chicago date (RPT-06 to RPT-08, RPT-17).

    When its meters were installed plays no part: what lies before that is empty in the report, as the guide has it.
    """
    if not request.reports:
        return OrderRefused(reason=OrderRefusal.REPORT, words="An order asks for one report at least.")
    kinds = [each.report for each in request.reports]
    if len(set(kinds)) < len(kinds):
        return OrderRefused(reason=OrderRefusal.REPORT, words="An order asks for each report once.")
    for each in request.reports:
        refused = _report_refusal(each, request.view, today)
        if refused is not None:
            return refused
    return None


def _report_refusal(asked: OrderedReport, view: View, today: date) -> OrderRefused | None:
    title = TITLES[asked.report]
    wrong_form = form_refusal(asked.report, view, asked.format)
    if wrong_form is not None:
        return OrderRefused(reason=OrderRefusal.REPORT, words=f"{title}: {wrong_form.words}")
    if asked.report not in USAGE:
        if asked.start is None and asked.end is None:
            return None
        return OrderRefused(reason=OrderRefusal.REPORT, words=f"{title} is of today and takes no dates.")
    if asked.start is None or asked.end is None:
        return OrderRefused(reason=OrderRefusal.REPORT, words=f"{title} needs a start and an end.")
    refused = refusal(asked.start, asked.end, today, None, months_back(asked.report))
    if refused is None:
        return None
    return OrderRefused(reason=OrderRefusal.REPORT, words=f"{title}: {refused.words}", bound=refused.bound)


def meter_days(request: OrderRequest, meters: int) -> int:
    """How much work an order is: meters times the days of all its reports; information counts as a day."""
    spans = ((each.start, each.end) for each in request.reports)
    return meters * sum((end - start).days + 1 if start and end else 1 for start, end in spans)
