"""The options of a meter's usage report and where one is within it: read from an address and held to the bounds (pure).

Guide figure 40 and sections 8.2.1 to 8.2.3: RPT-04 to RPT-08, RPT-12 to RPT-14.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from portal.pages.comparing import WORDS, Against
from portal.pages.export_fields import USAGE_REPORTS
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.order_view import VIEWS
from portal.reports.forms import TITLES, Format, Report, View, form_refusal, months_back
from portal.usage.report_days import Span
from portal.usage.report_range import MOST_MONTHS, MOST_MONTHS_BILLED, ReportRefusal, refusal

READS_A_PAGE = 30
WEEK = timedelta(days=6)
AT_FIELD = {ReportRefusal.ORDER: "start", ReportRefusal.FUTURE: "end"}
"""The field that a refused range is about; all other bounds are those of the start."""


class Look(StrEnum):
    """How Daily Usage is shown: a day of bars a page, or a month as a heat map."""

    BARS = "bars"
    QUARTERS = "quarters"
    HOURS = "hours"


LOOKS = {
    Look.BARS: "Bars, a day a page",
    Look.QUARTERS: "Heat map, quarter hours",
    Look.HOURS: "Heat map, hours",
}
OPTIONS = Form(
    action="",
    button="Update Report",
    fields=(
        Field(
            name="report",
            label="Report Type",
            kind=FieldKind.SELECT,
            required=True,
            missing="Choose the report type",
            tip="Daily Usage has the 15-minute intervals, Daily Meter Reads the register at both ends of each day, "
            "Monthly Usage what the TDSP reported for billing.",
            choices=tuple(Choice(each.value, TITLES[each]) for each in USAGE_REPORTS),
        ),
        Field(
            name="view",
            label="View",
            kind=FieldKind.SELECT,
            required=True,
            missing="Choose the view",
            tip="Current Version shows the latest data only, Version Updates these and every earlier version.",
            choices=tuple(Choice(each.value, words) for each, words in VIEWS.items()),
        ),
        Field(
            name="start",
            label="Start Date",
            kind=FieldKind.DATE,
            required=True,
            missing="Enter the start date",
            hint=f"At most {MOST_MONTHS} months back, {MOST_MONTHS_BILLED} for Monthly Usage",
            tip="The first day of the report. Nothing is kept from before the meter was installed.",
            most=10,
        ),
        Field(
            name="end",
            label="End Date",
            kind=FieldKind.DATE,
            required=True,
            missing="Enter the end date",
            hint="Data of a day are there two days later",
            tip="The last day of the report, included.",
            most=10,
        ),
        Field(
            name="show",
            label="Daily Usage as",
            kind=FieldKind.SELECT,
            missing="Choose how Daily Usage is shown",
            tip="Bars show a day a page. A heat map shows a month at once, stronger where more was used.",
            choices=tuple(Choice(each.value, words) for each, words in LOOKS.items()),
        ),
        Field(
            name="compare",
            label="Compare with",
            kind=FieldKind.SELECT,
            missing="Choose what to compare with",
            tip="Sets another day beside each day of bars. Monthly Usage is compared with the year before.",
            choices=tuple(Choice(each.value, words) for each, words in WORDS.items()),
        ),
    ),
)
NO_DATE = "{label}: use a date, such as 2026-05-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A report without faults, both days included."""

    report: Report
    view: View
    start: date
    end: date
    show: Look = Look.BARS
    compare: Against = Against.NOTHING

    @property
    def span(self) -> Span:
        """Its days and versions."""
        return Span(first=self.start, last=self.end, every_version=self.view is View.VERSIONS)

    @property
    def fields(self) -> dict[str, str]:
        """As the address and the form have them."""
        return {**self.file_fields, "show": self.show, "compare": self.compare}

    @property
    def file_fields(self) -> dict[str, str]:
        """Those that a file is made by: it shows all days and is compared with nothing."""
        return {"report": self.report, "view": self.view, "start": f"{self.start}", "end": f"{self.end}"}

    @property
    def is_heat_map(self) -> bool:
        """Whether its days are shown as a heat map."""
        return self.report is Report.DAILY_USAGE and self.show is not Look.BARS

    @property
    def is_compared(self) -> bool:
        """Whether something stands beside its values: beside bars and months, and no heat map."""
        has_room = self.report is Report.MONTHLY_USAGE or (self.report is Report.DAILY_USAGE and not self.is_heat_map)
        return has_room and self.compare is not Against.NOTHING

    def query(self, **more: object) -> str:
        """The address's query, with more; what stands by itself is left out."""
        chosen = {
            name: value
            for name, value in (("show", self.show), ("compare", self.compare))
            if value not in (Look.BARS, Against.NOTHING)
        }
        return urlencode({**self.file_fields, **chosen, **{name: f"{value}" for name, value in more.items()}})

    @property
    def formats(self) -> tuple[Format, ...]:
        """What it can be written as."""
        order = (Format.CSV, Format.XLSX, Format.JSON, Format.PARQUET, Format.LSE, Format.GREEN_BUTTON)
        return tuple(each for each in order if form_refusal(self.report, self.view, each) is None)


def begun(newest: date, installed: date) -> Options:
    """What is shown before anything was asked for: the newest week of Daily Usage."""
    start = max(newest - WEEK, min(installed, newest))
    return Options(report=Report.DAILY_USAGE, view=View.CURRENT, start=start, end=newest)


def options_of(form: Form, today: date, installed: date) -> Options | Form:
    """The options that a form holds, or the form with what is wrong with them."""
    faults, days = dict[str, str](), dict[str, date]()
    for name in ("start", "end"):
        try:
            days[name] = date.fromisoformat(form[name])
        except ValueError:
            faults[name] = NO_DATE.format(label=form.field(name).label) if form[name] else form.field(name).when_missing
    if form.faults or faults:
        return form.judged(faults)
    report = Report(form["report"])
    refused = refusal(days["start"], days["end"], today, installed, months_back(report))
    if refused is not None:
        return form.judged({AT_FIELD.get(refused.reason, "start"): refused.words})
    return Options(
        report=report,
        view=View(form["view"]),
        start=days["start"],
        end=days["end"],
        show=Look(form["show"] or Look.BARS),
        compare=Against(form["compare"] or Against.NOTHING),
    )


def for_customers(form: Form) -> Form:
    """Without the view of all versions, which no customer sees (RPT-05)."""
    current = (Choice(View.CURRENT.value, VIEWS[View.CURRENT]),)
    return replace(
        form, fields=tuple(replace(each, choices=current) if each.name == "view" else each for each in form.fields)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A page of a report: its first and last day, and where the pages before and after it begin."""

    first: date
    last: date
    previous: date | None
    next: date | None


def leaf_of(options: Options, asked: Mapping[str, str]) -> Leaf:
    """The page that an address asks for by its first day: the newest day of Daily Usage, else the first 30 days.

    A heat map's is the newest month.
    """
    size = 1 if options.report is Report.DAILY_USAGE else READS_A_PAGE
    if options.report is Report.MONTHLY_USAGE:
        return Leaf(first=options.start, last=options.end, previous=None, next=None)
    try:
        first = date.fromisoformat(asked.get("page", ""))
    except ValueError:
        first = options.end if size == 1 else options.start
    if options.is_heat_map:
        return _month_of(options, min(max(first, options.start), options.end))
    steps = (min(max(first, options.start), options.end) - options.start).days // size
    first = options.start + timedelta(days=steps * size)
    last = min(first + timedelta(days=size - 1), options.end)
    return Leaf(
        first=first,
        last=last,
        previous=first - timedelta(days=size) if steps else None,
        next=first + timedelta(days=size) if last < options.end else None,
    )


def _month_of(options: Options, day: date) -> Leaf:
    """The calendar month of a day, as far as the report has it."""
    begins = day.replace(day=1)
    following = (begins + timedelta(days=32)).replace(day=1)
    before = (begins - timedelta(days=1)).replace(day=1)
    first, last = max(options.start, begins), min(options.end, following - timedelta(days=1))
    return Leaf(
        first=first,
        last=last,
        previous=max(options.start, before) if first > options.start else None,
        next=following if last < options.end else None,
    )
