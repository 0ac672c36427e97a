"""Usage over the API: the Daily Usage report of one meter, delivered at once in four formats."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from gateway.clock import central_date
from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, NotPermitted, problem_of_refusal, problem_response
from portal.meters.installed import first_installed
from portal.usage.daily_usage import MEDIA_TYPES, Asked, Format, View, file_name, report, view_refusal
from portal.usage.report_days import Span
from portal.usage.report_range import refusal
from portal.usage.usage_json import DailyUsage

router = APIRouter(tags=["Usage"])

_TEXT = {"schema": {"type": "string"}}
_FILES: dict[str, Any] = {MEDIA_TYPES[each].partition(";")[0]: _TEXT for each in Format if each is not Format.JSON}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"model": DailyUsage, "description": "The report in the format asked for", "content": _FILES}
}


@router.get("/meters/{esi_id}/usage", response_class=StreamingResponse, responses={**problems(401, 403, 404), **FILE})
async def daily_usage(
    request: Request,
    meter: MeterHere,
    viewer: ViewerHere,
    start: Annotated[date, Query(description="The first day, a Chicago date YYYY-MM-DD.")],
    end: Annotated[date, Query(description="The last day, included.")],
    view: Annotated[
        View, Query(description="The current version, or every version, of a meter-day the newest first.")
    ] = View.CURRENT,
    format: Annotated[  # noqa: A002  # the word in the address
        Format, Query(description="How it is written; lse and green_button hold the current version only.")
    ] = Format.JSON,
    utc: Annotated[bool, Query(description="Two more columns in a CSV: the start in UTC, and the offset.")] = False,
) -> Response:
    """The Daily Usage report of a meter, all at once: at most 48 months of 15-minute intervals in Wh or kWh."""
    portal = portal_of(request)
    if view is View.VERSIONS and viewer.kind is Kind.CUSTOMER:
        raise NotPermitted  # the latest data only is all that a customer ever sees (RPT-05)
    if portal.intervals is None:
        raise NotFound
    async with portal.database.reading() as connection:
        installed = central_date(await first_installed(connection, meter))
    today = central_date(portal.clock.now())
    refused = view_refusal(view, format) or refusal(start, end, today, installed)
    if refused is not None:
        return problem_response(problem_of_refusal(refused, portal.clock))
    asked = Asked(span=Span(first=start, last=end, every_version=view is View.VERSIONS), format=format, utc=utc)
    return StreamingResponse(
        report(portal.intervals, meter, asked, portal.explainer),
        media_type=MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{file_name(meter, asked)}"'},
    )
