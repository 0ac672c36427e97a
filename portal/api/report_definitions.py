"""Saved report definitions over the API: kept, run now, scheduled, paused, changed, deleted."""

from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import RequestId
from portal.api.answered import answered
from portal.api.described import problems
from portal.context import Portal, portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, problem_of_refusal, problem_response
from portal.faults import PeopleRefused, bad_form
from portal.orders.meter_list import BadList, By, read_values
from portal.orders.placing import Placed
from portal.orders.request import OrderRefused
from portal.parts import Part
from portal.reports.forms import Format, Report, View
from portal.saved_reports.definitions import (
    LONGEST_NAME,
    ReportDefinition,
    SavedReport,
    Wanted,
    change_definition,
    definitions_of,
    delete_definition,
    find_definition,
    pause_definition,
    save_definition,
)
from portal.saved_reports.running import Running
from portal.saved_reports.schedule import Every, Schedule, Window

router = Part(tags=["Saved reports"])


class SavedReportBody(BaseModel):
    """One report of a definition; its days follow from the day of the run."""

    model_config = ConfigDict(extra="forbid")

    report: Report
    format: Annotated[Format, Field(description="How it is written.")] = Format.CSV


class ScheduleBody(BaseModel):
    """When it runs, at a Central wall time."""

    model_config = ConfigDict(extra="forbid")

    every: Every
    day: Annotated[int | None, Field(description="1 (Monday) to 7 of a week, 1 to 28 of a month; none of days.")] = None
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Such as 06:00.")] = "06:00"

    def schedule(self) -> Schedule:
        """For the rules."""
        hour, _, minute = self.at.partition(":")
        return Schedule(every=self.every, day=self.day, minute=int(hour) * 60 + int(minute))


class DefinitionBody(BaseModel):
    """A definition: its reports, the days that they are of, told from the day of the run, its meters, its schedule."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
    reports: Annotated[list[SavedReportBody], Field(min_length=1, max_length=len(Report))]
    window: Window
    meters: Annotated[list[str], Field(description="ESI IDs or meter numbers, one kind of them.")]
    by: Annotated[By, Field(description="What the values of the list are.")] = By.ESI_ID
    view: View = View.CURRENT
    utc: Annotated[bool, Field(description="Two more columns in the CSV of Daily Usage.")] = False
    schedule: ScheduleBody | None = None

    def wanted(self, most_meters: int) -> Wanted | PeopleRefused:
        """For the rules, or what is wrong with the list of meters."""
        meters = read_values(self.meters, self.by, most_meters)
        if isinstance(meters, BadList):
            return bad_form({"meters": meters.words})
        return Wanted(
            name=self.name,
            reports=[SavedReport(report=each.report, format=each.format) for each in self.reports],
            window=self.window,
            meters=meters,
            view=self.view,
            utc=self.utc,
            schedule=None if self.schedule is None else self.schedule.schedule(),
        )


class DefinitionPause(BaseModel):
    """Whether its schedule is to rest."""

    model_config = ConfigDict(extra="forbid")

    paused: bool


@router.post("/report-definitions", status_code=201, response_model=ReportDefinition, responses=problems(401, 403))
async def save_report_definition(request: Request, viewer: ViewerHere, body: DefinitionBody) -> Any:
    """Keep a definition of reports; with a schedule it runs by itself."""
    portal, wanted = portal_of(request), body.wanted(portal_of(request).settings.orders.most_meters)
    if isinstance(wanted, PeopleRefused):
        return answered(request, wanted)
    now = portal.clock.now()
    definition_id = RequestId(portal.dice.request_id(now))
    answer = await portal.database.write(
        lambda connection: save_definition(connection, viewer, definition_id, wanted, now)
    )
    return answered(request, answer)


@router.get("/report-definitions", responses=problems(401))
async def list_report_definitions(request: Request, viewer: ViewerHere) -> list[ReportDefinition]:
    """Your definitions, the newest first."""
    async with portal_of(request).database.reading() as connection:
        return await definitions_of(connection, viewer)


@router.get("/report-definitions/{definition_id}", responses=problems(401, 404))
async def show_report_definition(request: Request, viewer: ViewerHere, definition_id: RequestId) -> ReportDefinition:
    """One of your definitions."""
    async with portal_of(request).database.reading() as connection:
        found = await find_definition(connection, viewer, definition_id)
    if found is None:
        raise NotFound
    return found


@router.put("/report-definitions/{definition_id}", response_model=ReportDefinition, responses=problems(401, 404))
async def change_report_definition(
    request: Request, viewer: ViewerHere, definition_id: RequestId, body: DefinitionBody
) -> Any:
    """Change all of a definition. One that was paused goes on."""
    portal, wanted = portal_of(request), body.wanted(portal_of(request).settings.orders.most_meters)
    if isinstance(wanted, PeopleRefused):
        return answered(request, wanted)
    now = portal.clock.now()
    answer = await portal.database.write(
        lambda connection: change_definition(connection, viewer, definition_id, wanted, now)
    )
    return answered(request, answer)


@router.put("/report-definitions/{definition_id}/state", response_model=ReportDefinition, responses=problems(401, 404))
async def pause_report_definition(
    request: Request, viewer: ViewerHere, definition_id: RequestId, body: DefinitionPause
) -> ReportDefinition | JSONResponse:
    """Let its schedule rest, or go on."""
    portal = portal_of(request)
    now = portal.clock.now()
    answer = await portal.database.write(
        lambda connection: pause_definition(connection, viewer, definition_id, now, paused=body.paused)
    )
    return answered(request, answer)


@router.post(
    "/report-definitions/{definition_id}/run",
    status_code=202,
    response_model=Placed,
    responses=problems(401, 404, 429),
)
async def run_report_definition(
    request: Request, response: Response, viewer: ViewerHere, definition_id: RequestId
) -> Placed | JSONResponse:
    """Place its order now, with the rights that you have now: 202 with the order's number and place."""
    portal = portal_of(request)
    running = running_of(portal)
    answer = await portal.database.write(lambda connection: running.by_hand(connection, viewer, definition_id))
    if isinstance(answer, OrderRefused | PeopleRefused):
        return problem_response(problem_of_refusal(answer, portal.clock))
    response.headers["Location"] = f"/api/v1/orders/{answer.number}"
    return answer


@router.delete(
    "/report-definitions/{definition_id}", status_code=204, response_class=Response, responses=problems(401, 404)
)
async def delete_report_definition(request: Request, viewer: ViewerHere, definition_id: RequestId) -> Response:
    """Delete a definition. The orders that it placed stay."""
    deleted = await portal_of(request).database.write(
        lambda connection: delete_definition(connection, viewer, definition_id)
    )
    if not deleted:
        raise NotFound
    return Response(status_code=204)


def running_of(portal: Portal) -> Running:
    """What runs a portal's definitions."""
    return Running(settings=portal.settings.orders, dice=portal.dice, clock=portal.clock)
