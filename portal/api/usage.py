"""Usage over the API: the Daily Usage report of one meter, delivered at once in six formats."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.api.report_response import End, Shape, Start, ViewHere, files, respond
from portal.entrance import ViewerHere
from portal.reports.forms import Format, Report, View
from portal.usage.usage_json import DailyUsage

router = APIRouter(tags=["Usage"])

_FORMATS = (Format.CSV, Format.LSE, Format.GREEN_BUTTON, Format.XLSX, Format.PARQUET)


@router.get(
    "/meters/{esi_id}/usage",
    response_class=StreamingResponse,
    responses={**problems(401, 403, 404), **files(DailyUsage, *_FORMATS)},
)
async def daily_usage(
    request: Request,
    meter: MeterHere,
    viewer: ViewerHere,
    start: Start,
    end: End,
    view: ViewHere = View.CURRENT,
    format: Annotated[  # noqa: A002  # the word in the address
        Format, Query(description="How it is written; lse and green_button hold the current version only.")
    ] = Format.JSON,
    utc: Annotated[bool, Query(description="Two more columns in a CSV: the start in UTC, and the offset.")] = False,
) -> Response:
    """The Daily Usage report of a meter, all at once: at most 48 months of 15-minute intervals in Wh or kWh.

    A workbook or a Parquet file of 40 days and more is made as an order.
    """
    shape = Shape(report=Report.DAILY_USAGE, start=start, end=end, view=view, format=format, utc=utc)
    return await respond(request, viewer, meter, shape)
