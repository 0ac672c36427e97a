"""Which reports are small enough to be made while somebody waits (RPT-10, AMB-09): a pure rule."""

from dataclasses import dataclass
from datetime import date

from portal.reports.forms import AS_FILES, Format, Report
from portal.usage.report_range import ReportRefusal, ReportRefused, months_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Large:
    """From how many days Daily Usage is large, and from how many months Daily Meter Reads are."""

    usage_days: int = 40
    reads_months: int = 13


def is_large(report: Report, first: date, last: date, large: Large) -> bool:
    """Whether a report of the days from first to last, both included, is to be ordered; Monthly Usage never is."""
    if report is Report.DAILY_USAGE:
        return (last - first).days + 1 >= large.usage_days
    return report is Report.DAILY_READS and first <= months_before(last, large.reads_months)


def at_once_refusal(report: Report, first: date, last: date, written_as: Format, large: Large) -> ReportRefused | None:
    """Why a report cannot be had at once, None if it can: a text is streamed at any size, a file has to be made."""
    if written_as not in AS_FILES or not is_large(report, first, last, large):
        return None
    days = (last - first).days + 1
    words = f"{written_as} of {days} days takes a while to make: order it with POST /api/v1/orders. Text comes at once."
    return ReportRefused(reason=ReportRefusal.LARGE, words=words)
