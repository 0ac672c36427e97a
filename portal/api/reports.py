"""Daily Meter Reads and Monthly Usage of one meter over the API, delivered at once in four formats."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.api.report_response import End, Shape, Start, ViewHere, files, respond
from portal.entrance import ViewerHere
from portal.reports.forms import Format, Report, View
from portal.reports.register_json import DailyReads, MonthlyUsageReport

router = APIRouter(tags=["Usage"])

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
