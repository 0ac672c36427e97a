"""The forms of Export Information and Export Report(s), and the orders that they ask for (guide 7.3, 8.4; pure)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from portal.companies.kinds import Kind
from portal.orders.request import OrderedReport, OrderRequest
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.order_view import FORMATS, VIEWS
from portal.reports.forms import ONE_VERSION, TITLES, Format, Report, View, form_refusal, months_back
from portal.usage.report_range import ReportRefusal, months_before, refusal
from portal.viewer import Viewer

USAGE_REPORTS = (Report.DAILY_USAGE, Report.DAILY_READS, Report.MONTHLY_USAGE)
INFORMATION = (Report.PREMISE, Report.METER)
AT_THE_START = frozenset({ReportRefusal.ORDER, ReportRefusal.TOO_OLD, ReportRefusal.BEFORE_ALL})
"""Refusals of a range that the start is to be blamed for."""
CHOOSE_ONE = "Select at least one report"
NOT_A_DATE = "Enter a date as MM/DD/YYYY"
_AMERICAN = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_TIPS = {
    Report.DAILY_USAGE: "Energy of every 15 minutes of a day, as the meter measured it or the TDSP estimated it.",
    Report.DAILY_READS: "The register of the meter at the start and the end of every day, and the energy between.",
    Report.MONTHLY_USAGE: "Energy and demand of every billing period, as the TDSP reports them to the REP.",
}


def information_form(action: str, list_id: str, once: str) -> Form:
    """Premise and Meter Information, one or both (PMI-06)."""
    choices = (
        Choice("premise", "Premise Information", "the 20 fields of the service address"),
        Choice("meter", "Meter Information", "the 26 fields of the meter on its wall"),
    )
    return Form(
        action=action,
        button="Export",
        hidden={"list": list_id, "once": once},
        fields=(
            Field(
                name="information",
                label="Types of Information",
                kind=FieldKind.CHECKBOXES,
                required=True,
                missing="Select Premise Information, Meter Information or both",
                tip="Each becomes a CSV file with a row for every meter.",
                choices=choices,
            ),
        ),
    )


def information_order(form: Form) -> OrderRequest:
    """What a sound form of information asks for."""
    return OrderRequest(reports=tuple(OrderedReport(report=each) for each in INFORMATION if each in chosen(form)))


def chosen(form: Form) -> frozenset[str]:
    """The boxes of information that are set."""
    return form.chosen["information"]


def report_form(action: str, viewer: Viewer, list_id: str, once: str, today: date) -> Form:
    """Any of the three reports of usage, each with its own days (RPT-17); a customer has no choice of views."""
    fields = [_view_field()] if viewer.kind is not Kind.CUSTOMER else []
    for report in USAGE_REPORTS:
        fields += _fields_of(report)
    form = Form(action=action, button="Export", hidden={"list": list_id, "once": once}, fields=tuple(fields))
    return form.filled({"view": View.CURRENT, **_usual_days(today)})


def report_order(form: Form, today: date) -> tuple[OrderRequest, dict[str, str]]:
    """What a form of reports asks for, and what is wrong with it, by field."""
    view = View.VERSIONS if form["view"] == View.VERSIONS else View.CURRENT
    wanted = [report for report in USAGE_REPORTS if form[report]]
    faults = {} if wanted else {str(USAGE_REPORTS[0]): CHOOSE_ONE}
    reports = []
    for report in wanted:
        found = dict(_faults_of(form, report, view, today))
        if found:
            faults |= found
            continue
        start, end = (_date(form[f"{report}_{which}"]) for which in ("start", "end"))
        reports.append(OrderedReport(report=report, start=start, end=end, format=Format(form[f"{report}_format"])))
    return OrderRequest(reports=tuple(reports), view=view), faults


def shown_again(form: Form) -> Form:
    """With dates as the browser's calendar takes them, so that what was typed stands in its field again."""
    names = [f"{report}_{which}" for report in USAGE_REPORTS for which in ("start", "end")]
    dates = {name: found.isoformat() for name in names if (found := _date(form[name])) is not None}
    return replace(form, values={**form.values, **dates})


def _faults_of(form: Form, report: Report, view: View, today: date) -> Iterator[tuple[str, str]]:
    start, end = f"{report}_start", f"{report}_end"
    title, dates = TITLES[report], {}
    for name, which in ((start, "Start"), (end, "End")):
        if not form[name]:
            yield name, f"Enter the {title} {which} Date, or clear the box of the report"
        elif (found := _date(form[name])) is None:
            yield name, f"{title} {which} Date: {NOT_A_DATE}"
        else:
            dates[name] = found
    format_ = f"{report}_format"
    written_as = next((each for each in FORMATS if each == form[format_]), None)
    if written_as is None:
        yield format_, f"Choose the {title} Format"
    elif form_refusal(report, view, written_as) is not None:
        yield format_, f"{FORMATS[written_as]} has room for one version only: choose another format"
    if len(dates) < 2:
        return
    refused = refusal(dates[start], dates[end], today, None, months_back(report))
    if refused is not None:
        bound = "" if refused.bound is None else f"{refused.bound:%m/%d/%Y}"
        yield (
            (start if refused.reason in AT_THE_START else end),
            f"{title}: {_RANGE[refused.reason].format(bound=bound)}",
        )


_RANGE = {
    ReportRefusal.FUTURE: "the End Date may be {bound} at the latest",
    ReportRefusal.ORDER: "the Start Date is after the End Date; it may be {bound} at the latest",
    ReportRefusal.TOO_OLD: "the Start Date may be {bound} at the earliest; the report reaches no further back",
    ReportRefusal.BEFORE_ALL: "the Start Date may be {bound} at the earliest; no data are kept from before",
}


def _view_field() -> Field:
    choices = (
        Choice(View.CURRENT, VIEWS[View.CURRENT], "the most current data; what customers see"),
        Choice(View.VERSIONS, VIEWS[View.VERSIONS], "the current data and every earlier version"),
    )
    return Field(
        name="view",
        label="View",
        kind=FieldKind.RADIO,
        required=True,
        missing="Choose Current Version or Version Updates",
        tip="A TDSP may report a day again, with other values. Version Updates shows each that it reported.",
        choices=choices,
    )


def _fields_of(report: Report) -> list[Field]:
    title, months = TITLES[report], months_back(report)
    formats = [each for each in FORMATS if report is Report.DAILY_USAGE or each not in ONE_VERSION]
    return [
        Field(name=report, label=title, kind=FieldKind.CHECKBOX, tip=_TIPS[report]),
        Field(
            name=f"{report}_start",
            label=f"{title} Start Date",
            kind=FieldKind.DATE,
            hint=f"At most {months} months back",
            tip="The first day of the report. Nothing is kept from before 02/01/2010 or the meter's installation.",
        ),
        Field(
            name=f"{report}_end",
            label=f"{title} End Date",
            kind=FieldKind.DATE,
            hint="Data of a day are there two days later",
            tip="The last day of the report, included. A Monday's usage is available by Wednesday, 12:01 AM.",
        ),
        Field(
            name=f"{report}_format",
            label=f"{title} Format",
            kind=FieldKind.SELECT,
            missing=f"Choose the {title} Format",
            hint="Green Button goes by mail" if report is Report.DAILY_USAGE else "",
            choices=tuple(Choice(each, FORMATS[each]) for each in formats),
        ),
    ]


def _usual_days(today: date) -> Mapping[str, str]:
    """Days that most ask for, to begin with: the last thirty that are there, the last twelve months of bills."""
    last = today - timedelta(days=2)
    values = {}
    for report in USAGE_REPORTS:
        monthly = report is Report.MONTHLY_USAGE
        first = months_before(last, 12) if monthly else last - timedelta(days=29)
        values[f"{report}_start"], values[f"{report}_end"] = first.isoformat(), last.isoformat()
        values[f"{report}_format"] = str(Format.CSV)
    return values


def _date(text: str) -> date | None:
    """A date as a calendar sends it, 2026-05-06, or as people write it, 05/06/2026; None if it is neither."""
    american = _AMERICAN.fullmatch(text)
    if american is not None:
        text = f"{american[3]}-{int(american[1]):02}-{int(american[2]):02}"
    try:
        return date.fromisoformat(text) if len(text) == len("2026-05-06") else None
    except ValueError:
        return None
