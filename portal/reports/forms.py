"""The reports, their views and their formats, and which of these go together: words and a pure rule."""

from enum import StrEnum

from portal.usage.report_range import MOST_MONTHS, MOST_MONTHS_BILLED, ReportRefusal, ReportRefused


class Report(StrEnum):
    """The guide's three reports of usage (RPT-01), and the two kinds of information that are exported (PMI-06)."""

    DAILY_USAGE = "daily_usage"
    DAILY_READS = "daily_reads"
    MONTHLY_USAGE = "monthly_usage"
    PREMISE = "premise"
    METER = "meter"


class View(StrEnum):
    """The guide's two views: the latest data only, or these and every earlier version (RPT-05)."""

    CURRENT = "current"
    VERSIONS = "versions"


class Format(StrEnum):
    """What a report is written as."""

    JSON = "json"
    CSV = "csv"
    LSE = "lse"
    GREEN_BUTTON = "green_button"
    XLSX = "xlsx"
    PARQUET = "parquet"


USAGE = frozenset({Report.DAILY_USAGE, Report.DAILY_READS, Report.MONTHLY_USAGE})
"""Reports of days from one date to another."""
ONE_VERSION = frozenset({Format.LSE, Format.GREEN_BUTTON})
"""Formats of intervals whose readers take an interval once."""
AS_FILES = frozenset({Format.XLSX, Format.PARQUET})
"""Formats that are finished before their first byte can be sent."""
MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.LSE: "text/plain; charset=utf-8",
    Format.GREEN_BUTTON: "application/atom+xml; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}
ENDINGS = {
    Format.JSON: "json",
    Format.CSV: "csv",
    Format.LSE: "lse",
    Format.GREEN_BUTTON: "xml",
    Format.XLSX: "xlsx",
    Format.PARQUET: "parquet",
}
TITLES = {
    Report.DAILY_USAGE: "Daily Usage",
    Report.DAILY_READS: "Daily Meter Reads",
    Report.MONTHLY_USAGE: "Monthly Usage",
    Report.PREMISE: "Premise Information",
    Report.METER: "Meter Information",
}
"""What people call them: the guide's words."""


def months_back(report: Report) -> int:
    """How far a report reaches back (RPT-06, RPT-07)."""
    return MOST_MONTHS_BILLED if report is Report.MONTHLY_USAGE else MOST_MONTHS


def form_refusal(report: Report, view: View, written_as: Format) -> ReportRefused | None:
    """Why a report cannot be written in a view and format, None if it can."""
    if report not in USAGE and written_as is not Format.CSV:
        words = "This is written as csv only."
        return ReportRefused(reason=ReportRefusal.FORMAT, words=words)
    if report is not Report.DAILY_USAGE and written_as in ONE_VERSION:
        words = f"{written_as} holds 15-minute intervals; this report is written as csv, json, xlsx or parquet."
        return ReportRefused(reason=ReportRefusal.FORMAT, words=words)
    if view is View.VERSIONS and written_as in ONE_VERSION:
        words = f"{written_as} has room for one version of an interval; csv, json, xlsx and parquet show every version."
        return ReportRefused(reason=ReportRefusal.ONE_VERSION, words=words)
    return None
