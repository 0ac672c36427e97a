"""What a report is to be, and what its file is called."""

from dataclasses import dataclass

from portal.reports.forms import ENDINGS, Format, Report, View
from portal.usage.report_days import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A report of some days in a format; utc adds two columns to the CSV of Daily Usage."""

    report: Report = Report.DAILY_USAGE
    span: Span
    format: Format
    utc: bool = False


def file_name(about: str, asked: Asked) -> str:
    """Such as daily-usage_10443720000000001_2026-05-01_2026-05-31_current.csv, about being a meter or an order."""
    span, view = asked.span, View.VERSIONS if asked.span.every_version else View.CURRENT
    report = str(asked.report).replace("_", "-")
    return f"{report}_{about}_{span.first}_{span.last}_{view}.{ENDINGS[asked.format]}"
