"""Daily Meter Reads and Monthly Usage as JSON: the classes that are at once its schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import TypeAdapter

from gateway.identifiers import EsiId
from portal.reports.columns import COLUMNS, Row
from portal.reports.forms import Report
from portal.usage.report_days import Span
from portal.visibility import VisibleMeter

ViewWord = Literal["current", "versions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReadEntry:
    """A meter's register at both ends of a Chicago day, Wh, and what it counted; null is missing.

    Of a day without any read all is null but its date. revised_at is the TDSP's revision date, received_at when its
    file came.
    """

    read_date: date
    start_wh: int | None
    end_wh: int | None
    usage_wh: int | None
    version: int | None
    revised_at: datetime | None
    received_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReads:
    """A row for every Chicago day from start to end, both included; of several versions the newest first."""

    esi_id: EsiId
    start: date
    end: date
    view: ViewWord
    reads: list[DailyReadEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingPeriod:
    """What a meter is billed for from one date to another: Wh, and the highest demand in W and VA; null is missing."""

    start_date: date
    end_date: date
    actual_wh: int | None
    metered_w: int | None
    billed_w: int | None
    metered_va: int | None
    billed_va: int | None
    version: int
    revised_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyUsageReport:
    """The billing periods of one meter that begin from start to end, by date; of several versions the newest first."""

    esi_id: EsiId
    start: date
    end: date
    view: ViewWord
    periods: list[BillingPeriod]


_DAILY, _MONTHLY = TypeAdapter(DailyReads), TypeAdapter(MonthlyUsageReport)


def register_json(report: Report, meter: VisibleMeter, span: Span, rows: Sequence[Row]) -> str:
    """A report of register reads as a JSON object, from its rows."""
    names = [column.field for column in COLUMNS[report]]
    made = [dict(zip(names[1:], row[1:], strict=True)) for row in rows]
    view: ViewWord = "versions" if span.every_version else "current"
    head = {"esi_id": meter.esi_id, "start": span.first, "end": span.last, "view": view}
    if report is Report.DAILY_READS:
        return _DAILY.dump_json(_DAILY.validate_python({**head, "reads": made})).decode()
    return _MONTHLY.dump_json(_MONTHLY.validate_python({**head, "periods": made})).decode()
