"""Saved Reports: an order's choices kept under a name, run again by hand or by a schedule (beside guide 8.4.1)."""

import re
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.accounts.sessions import Entered
from portal.api.orders import Number
from portal.api.report_definitions import running_of
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.faults import PeopleRefused
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed
from portal.orders.request import from_json
from portal.orders.shown import own_order
from portal.orders.tables import report_order_meters
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.meter_view import visible_meter
from portal.pages.navigation import ORDERS, USAGE_METERS, Place
from portal.pages.order_routes import address_of
from portal.pages.order_view import FORMATS
from portal.pages.render import PAGES
from portal.parts import Part
from portal.reports.forms import TITLES, USAGE, Format, Report, View
from portal.saved_reports.definitions import (
    LONGEST_NAME,
    ReportDefinition,
    SavedReport,
    Wanted,
    change_definition,
    definitions_of,
    delete_definition,
    find_definition,
    list_of,
    pause_definition,
    save_definition,
)
from portal.saved_reports.schedule import LAST_DAY_OF_MONTH, Every, Schedule, Window

router = Part(include_in_schema=False, default_response_class=Response)

SAVED = Place("Saved Reports", "/usage/saved-reports")
ONE = f"{SAVED.href}/{{definition_id}}"
REPORT = f"{USAGE_METERS.href}/{{esi_id}}/report/save"
BY_HAND = "none"
_AT = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WINDOWS = {
    Window.YESTERDAY: "Yesterday",
    Window.LAST_7_DAYS: "The last 7 days",
    Window.LAST_MONTH: "The month before",
    Window.LAST_24_MONTHS: "The last 24 months",
}
FORM = Form(
    action=SAVED.href,
    button="Save",
    values={"window": str(Window.YESTERDAY), "every": BY_HAND, "at": "06:00"},
    fields=(
        Field(
            name="name",
            label="Name",
            required=True,
            most=LONGEST_NAME,
            missing="Enter a name",
            hint="What you will know it by, such as “Usage of the south side”",
            fill="off",
        ),
        Field(
            name="window",
            label="Days",
            kind=FieldKind.SELECT,
            required=True,
            hint="Told from the day of the run, in Central time",
            tip="Information about premises and meters is of the day itself and has no days to choose.",
            choices=tuple(Choice(str(window), words) for window, words in WINDOWS.items()),
        ),
        Field(
            name="every",
            label="Schedule",
            kind=FieldKind.RADIO,
            required=True,
            hint="Each run is an ordinary order: you get mail when it ends",
            choices=(
                Choice(BY_HAND, "None", "you run it when you need it"),
                Choice(str(Every.DAY), "Every day"),
                Choice(str(Every.WEEK), "Every week", "on the day of the week below"),
                Choice(str(Every.MONTH), "Every month", "on the day of the month below"),
            ),
        ),
        Field(
            name="weekday",
            label="Day of the week",
            kind=FieldKind.SELECT,
            choices=tuple(Choice(str(number), name) for number, name in enumerate(DAYS, 1)),
        ),
        Field(
            name="monthday",
            label="Day of the month",
            digits=True,
            most=2,
            hint=f"1 to {LAST_DAY_OF_MONTH}, which every month has",
            fill="off",
        ),
        Field(
            name="at",
            label="Time",
            most=5,
            literal=True,
            hint="Central time, such as 06:00 or 18:30",
            tip="A time that a day in spring lacks runs an hour later by the clock.",
            fill="off",
        ),
    ),
)


@router.get(SAVED.href)
async def saved(request: Request, who: EnteredHere) -> Response:
    """One's saved reports."""
    return await _list_page(request, who)


@router.get(f"{ORDERS.href}/{{number}}/save")
async def save_form(request: Request, who: EnteredHere, number: Number) -> Response:
    """The form that keeps what an order asked for."""
    await _of_order(request, who, number)
    return _form_page(request, who, _form_of(f"{address_of(number)}/save"), "Save as", f"Report order {number}")


@router.post(f"{ORDERS.href}/{{number}}/save")
async def save(request: Request, who: EnteredHere, number: Number) -> Response:
    """Keep what an order asked for, then show the list."""
    like = await _of_order(request, who, number)
    return await _save(request, who, _form_of(f"{address_of(number)}/save"), like, f"Report order {number}")


@router.get(REPORT)
async def save_report_form(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """The form that keeps a report of one meter."""
    like, of = await _of_report(request, who, esi_id)
    form = _form_of(_report_action(request, like))
    form = replace(form, values={**form.values, "window": str(like.window)})
    return _form_page(request, who, form, "Save as", of)


@router.post(REPORT)
async def save_report(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Keep a report of one meter, then show the list."""
    like, of = await _of_report(request, who, esi_id)
    return await _save(request, who, _form_of(_report_action(request, like)), like, of)


async def _save(request: Request, who: Entered, form: Form, like: Wanted, of: str) -> Response:
    portal = portal_of(request)
    form, wanted = _wanted(await form.read(request), like)
    if wanted is not None:
        now = portal.clock.now()
        definition_id = RequestId(portal.dice.request_id(now))
        answer = await portal.database.write(
            partial(save_definition, viewer=who.viewer, definition_id=definition_id, wanted=wanted, now=now)
        )
        if not isinstance(answer, PeopleRefused):
            return RedirectResponse(and_done(SAVED.href, "definition-saved"), status_code=303)
        form = form.refused(_at_fields(answer, form))
    return _form_page(request, who, form, "Save as", of, status=422)


@router.get(f"{ONE}/edit")
async def edit_form(request: Request, who: EnteredHere, definition_id: RequestId) -> Response:
    """The form that changes name, days and schedule."""
    found = await _found(request, who, definition_id)
    form = _form_of(f"{SAVED.href}/{found.id}/edit").filled(_values(found))
    return _form_page(request, who, form, "Change", found.name)


@router.post(f"{ONE}/edit")
async def edit(request: Request, who: EnteredHere, definition_id: RequestId) -> Response:
    """Save the changes, then show the list."""
    portal, found = portal_of(request), await _found(request, who, definition_id)
    form = await _form_of(f"{SAVED.href}/{found.id}/edit").read(request)
    async with portal.database.reading() as connection:
        meters = await list_of(connection, who.viewer, found.id)
    if meters is None:
        raise NotFound
    like = Wanted(name="", reports=found.reports, window=found.window, meters=meters, view=found.view, utc=found.utc)
    form, wanted = _wanted(form, like)
    if wanted is not None:
        now = portal.clock.now()
        answer = await portal.database.write(
            partial(change_definition, viewer=who.viewer, definition_id=found.id, wanted=wanted, now=now)
        )
        if not isinstance(answer, PeopleRefused):
            return RedirectResponse(and_done(SAVED.href, "definition-saved"), status_code=303)
        form = form.refused(_at_fields(answer, form))
    return _form_page(request, who, form, "Change", found.name, status=422)


@router.post(f"{ONE}/run")
async def run(request: Request, who: EnteredHere, definition_id: RequestId) -> Response:
    """Place its order now, then show that; refused, the list says why."""
    portal, found = portal_of(request), await _found(request, who, definition_id)
    running = running_of(portal)
    answer = await portal.database.write(partial(running.by_hand, viewer=who.viewer, definition_id=found.id))
    if isinstance(answer, Placed):
        return RedirectResponse(and_done(address_of(answer.number), "order-placed"), status_code=303)
    return await _list_page(request, who, refused=f"{found.name}: {answer.words}")


@router.post(f"{ONE}/pause")
async def pause(request: Request, who: EnteredHere, definition_id: RequestId) -> Response:
    """Let its schedule rest or go on, as the button said."""
    portal, found = portal_of(request), await _found(request, who, definition_id)
    paused = (await request.form()).get("paused") == "yes"
    now = portal.clock.now()
    await portal.database.write(
        partial(pause_definition, viewer=who.viewer, definition_id=found.id, now=now, paused=paused)
    )
    done = "definition-paused" if paused else "definition-resumed"
    return RedirectResponse(and_done(SAVED.href, done), status_code=303)


@router.get(f"{ONE}/delete")
async def delete_form(request: Request, who: EnteredHere, definition_id: RequestId) -> Response:
    """Ask once more before a definition is deleted."""
    found = await _found(request, who, definition_id)
    form = Form(action=f"{SAVED.href}/{found.id}/delete", button="Delete it", fields=(), danger=True)
    return _form_page(request, who, form, "Delete", found.name)


@router.post(f"{ONE}/delete")
async def delete(request: Request, who: EnteredHere, definition_id: RequestId) -> Response:
    """Delete a definition, then show the list."""
    found = await _found(request, who, definition_id)
    await portal_of(request).database.write(partial(delete_definition, viewer=who.viewer, definition_id=found.id))
    return RedirectResponse(and_done(SAVED.href, "definition-deleted"), status_code=303)


def schedule_words(schedule: Schedule | None) -> str:
    """A schedule as people say it."""
    if schedule is None:
        return "None"
    at = f"{schedule.minute // 60:02}:{schedule.minute % 60:02}"
    if schedule.every is Every.WEEK and schedule.day is not None:
        return f"{DAYS[schedule.day - 1]}s at {at}"
    return f"Day {schedule.day} of the month at {at}" if schedule.every is Every.MONTH else f"Daily at {at}"


def _form_of(action: str) -> Form:
    return replace(FORM, action=action)


def _values(found: ReportDefinition) -> dict[str, str]:
    values = {"name": found.name, "window": str(found.window)}
    schedule = found.schedule
    if schedule is None:
        return values
    day = "" if schedule.day is None else str(schedule.day)
    values |= {"every": str(schedule.every), "at": f"{schedule.minute // 60:02}:{schedule.minute % 60:02}"}
    return values | {"weekday" if schedule.every is Every.WEEK else "monthday": day}


def _wanted(form: Form, like: Wanted) -> tuple[Form, Wanted | None]:
    """What a form asks for, with the reports and meters of another; the form comes back with its faults."""
    schedule, faults = None, dict[str, str]()
    if form["every"] in set(Every):
        every, at = Every(form["every"]), _AT.fullmatch(form["at"])
        text = {Every.DAY: "", Every.WEEK: form["weekday"], Every.MONTH: form["monthday"]}[every]
        if at is None:
            faults["at"] = "Enter a time of day, such as 06:00"
        if every is not Every.DAY and not (text.isascii() and text.isdecimal()):
            faults[_day_field(every)] = "Choose the day"
        if not faults and at is not None:
            minute = int(at[1]) * 60 + int(at[2])
            schedule = Schedule(every=every, day=int(text) if text else None, minute=minute)
    form = form.refused(faults)
    if form.faults:
        return form, None
    return form, replace(like, name=form["name"], window=Window(form["window"]), schedule=schedule)


def _at_fields(refused: PeopleRefused, form: Form) -> dict[str, str]:
    """The faults of the rules, at the fields of the page."""
    places = {"reports": "window", "schedule": _day_field(Every(form["every"])) if form["every"] != BY_HAND else "at"}
    return {places.get(name, name): words for name, words in refused.faults.items()}


def _day_field(every: Every) -> str:
    return {Every.DAY: "at", Every.WEEK: "weekday", Every.MONTH: "monthday"}[every]


async def _of_order(request: Request, who: Entered, number: int) -> Wanted:
    """What an order of the viewer's asked for, as a definition. Raises NotFound."""
    async with portal_of(request).database.reading() as connection:
        row = await own_order(connection, who.viewer, number)
        if row is None:
            raise NotFound
        esi_ids = await _meters_of(connection, row.id)
    asked = from_json(row.asked)
    return Wanted(
        name="",
        reports=[SavedReport(report=each.report, format=each.format) for each in asked.reports],
        window=Window.YESTERDAY,
        meters=MeterList(by=By.ESI_ID, values=tuple(esi_ids)),
        view=asked.view,
        utc=asked.utc,
    )


async def _of_report(request: Request, who: Entered, esi_id: str) -> tuple[Wanted, str]:
    """One report of a meter as a definition, as CSV, and what it is called. Raises NotFound."""
    meter = await visible_meter(request, who, esi_id)
    if who.viewer.kind is Kind.OPERATOR:
        raise NotFound
    query = request.query_params
    report = next((each for each in USAGE if each == query.get("report")), Report.DAILY_USAGE)
    every = query.get("view") == View.VERSIONS and who.viewer.kind is not Kind.CUSTOMER
    wanted = Wanted(
        name="",
        reports=[SavedReport(report=report, format=Format.CSV)],
        window=Window.LAST_24_MONTHS if report is Report.MONTHLY_USAGE else Window.LAST_7_DAYS,
        meters=MeterList(by=By.ESI_ID, values=(str(meter.esi_id),)),
        view=View.VERSIONS if every else View.CURRENT,
    )
    return wanted, f"{TITLES[report]} of {meter.service_address}, {meter.city}"


def _report_action(request: Request, like: Wanted) -> str:
    return f"{request.url.path}?{urlencode({'report': like.reports[0].report, 'view': like.view})}"


async def _meters_of(connection: AsyncConnection, order_id: RequestId) -> list[str]:
    wanted = select(report_order_meters.c.esi_id).where(report_order_meters.c.order_id == order_id)
    return [str(esi_id) for esi_id in await connection.scalars(wanted.order_by(report_order_meters.c.esi_id))]


async def _found(request: Request, who: Entered, definition_id: RequestId) -> ReportDefinition:
    """One of the viewer's definitions. Raises NotFound."""
    async with portal_of(request).database.reading() as connection:
        found = await find_definition(connection, who.viewer, definition_id)
    if found is None:
        raise NotFound
    return found


async def _list_page(request: Request, who: Entered, refused: str = "") -> Response:
    if who.viewer.kind is Kind.OPERATOR:
        raise NotFound
    async with portal_of(request).database.reading() as connection:
        found = await definitions_of(connection, who.viewer)
    return PAGES.page(
        request,
        "saved_reports.html",
        who,
        SAVED.words,
        place=ORDERS.href,
        beneath=(SAVED,),
        help_at="orders",
        status=409 if refused else 200,
        error=bool(refused),
        definitions=[(each, _report_words(each), schedule_words(each.schedule)) for each in found],
        windows=WINDOWS,
        refused=refused,
        said=done_words(request.query_params),
    )


def _report_words(found: ReportDefinition) -> list[str]:
    return [
        f"{TITLES[each.report]}, {FORMATS[each.format]}" if each.report in USAGE else TITLES[each.report]
        for each in found.reports
    ]


def _form_page(request: Request, who: Entered, form: Form, what: str, of: str, *, status: int = 200) -> Response:
    title = f"{what}: {of}"
    return PAGES.page(
        request,
        "saved_form.html",
        who,
        title,
        place=ORDERS.href,
        beneath=(SAVED, Place(title, request.url.path)),
        help_at="orders",
        status=status,
        error=bool(form.faults),
        form=form,
        home=SAVED.href,
    )
