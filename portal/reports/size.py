"""Which reports are small enough to be made while somebody waits (RPT-10, AMB-09): a pure rule."""

from datetime import date

from portal.reports.forms import AS_FILES, Format, Report
from portal.usage.report_range import ReportRefusal, ReportRefused, months_before

SMALL_USAGE_DAYS = 40
"""Daily Usage of fewer days is small: the guide's own example."""
SMALL_READS_MONTHS = 13
"""Daily Meter Reads of fewer months are."""


def is_large(
    report: Report,
    first: date,
    last: date,
    usage_days: int = SMALL_USAGE_DAYS,
    reads_months: int = SMALL_READS_MONTHS,
) -> bool:
    """Whether a report of the days from first to last, both included, is to be ordered; Monthly Usage never is."""
    if report is Report.DAILY_USAGE:
        return (last - first).days + 1 >= usage_days
    return report is Report.DAILY_READS and first <= months_before(last, reads_months)


def at_once_refusal(
    report: Report, first: date, last: date, written_as: Format, usage_days: int = SMALL_USAGE_DAYS
) -> ReportRefused | None:
    """Why a report cannot be had at once, None if it can: a text is streamed at any size, a file has to be made."""
    if written_as not in AS_FILES or not is_large(report, first, last, usage_days):
        return None
    days = (last - first).days + 1
    words = f"{written_as} of {days} days takes a while to make: order it with POST /api/v1/orders. Text comes at once."
    return ReportRefused(reason=ReportRefusal.LARGE, words=words)
