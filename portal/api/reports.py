"""Daily Meter Reads, Monthly Usage, and Premise and Meter Information of one meter over the API, at once."""

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.api.report_response import End, Shape, Start, ViewHere, files, respond
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.parts import Part
from portal.reports import information
from portal.reports.forms import MEDIA_TYPES, Format, Report, View
from portal.reports.register_json import DailyReads, MonthlyUsageReport
from portal.visibility import VisibleMeter

router = Part(tags=["Usage"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "A header and one line", "content": {"text/csv": {"schema": {"type": "string"}}}}
}

_FORMATS = (Format.CSV, Format.XLSX, Format.PARQUET)
FormatHere = Annotated[Format, Query(description="How it is written; lse and green_button hold intervals only.")]


@router.get(
    "/meters/{esi_id}/daily-reads",
    response_class=StreamingResponse,
    responses={**problems(401, 403, 404), **files(DailyReads, *_FORMATS)},
)
async def daily_reads(
    request: Request,
    meter: MeterHere,
    viewer: ViewerHere,
    start: Start,
    end: End,
    view: ViewHere = View.CURRENT,
    format: FormatHere = Format.JSON,  # noqa: A002  # the word in the address
) -> Response:
    """The Daily Meter Reads report: the register at both ends of every day, of at most 48 months."""
    shape = Shape(report=Report.DAILY_READS, start=start, end=end, view=view, format=format)
    return await respond(request, viewer, meter, shape)


@router.get(
    "/meters/{esi_id}/monthly-usage",
    response_class=StreamingResponse,
    responses={**problems(401, 403, 404), **files(MonthlyUsageReport, *_FORMATS)},
)
async def monthly_usage(
    request: Request,
    meter: MeterHere,
    viewer: ViewerHere,
    start: Start,
    end: End,
    view: ViewHere = View.CURRENT,
    format: FormatHere = Format.JSON,  # noqa: A002  # the word in the address
) -> Response:
    """The Monthly Usage report: the billing periods that begin in a range of days, at most 24 months back."""
    shape = Shape(report=Report.MONTHLY_USAGE, start=start, end=end, view=view, format=format)
    return await respond(request, viewer, meter, shape)


@router.get("/meters/{esi_id}/premise-information", response_class=Response, responses={**problems(401, 404), **_CSV})
async def premise_information(request: Request, meter: MeterHere) -> Response:
    """The guide's premise fields of a meter, as CSV (PMI-05)."""
    return await _information(request, Report.PREMISE, meter)


@router.get("/meters/{esi_id}/meter-information", response_class=Response, responses={**problems(401, 404), **_CSV})
async def meter_information(request: Request, meter: MeterHere) -> Response:
    """The guide's meter fields of a meter, as CSV (PMI-05)."""
    return await _information(request, Report.METER, meter)


async def _information(request: Request, report: Report, meter: VisibleMeter) -> Response:
    async with portal_of(request).database.reading() as connection:
        text = information.first_line(report) + await information.lines(connection, report, [meter])
    name = f"{report}-information_{meter.esi_id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=MEDIA_TYPES[Format.CSV], headers=headers)
