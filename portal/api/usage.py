"""Usage over the API: the Daily Usage report of one meter in six formats, and the intervals of all meters by pages."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from gateway.clock import central_date
from gateway.identifiers import EsiId
from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.api.report_response import End, Shape, Start, ViewHere, files, respond
from portal.companies.kinds import Kind
from portal.context import Portal, portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, NotPermitted, problem_of_refusal, problem_response
from portal.meters.tables import meters
from portal.parts import Part
from portal.reports.forms import Format, Report, View
from portal.usage.report_days import Span, newest_first
from portal.usage.report_range import ReportRefusal, ReportRefused, refusal
from portal.usage.store import IntervalStore
from portal.usage.usage_json import DailyUsage
from portal.usage.usage_page import CLOSING, UsagePage, meter_usage, opening
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, mint, visible_meters

router = Part(tags=["Usage"])

MOST_METER_DAYS = 20_000
"""Of one page; some 10 MB where every day has one channel and one version."""
MOST_METERS = 500
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


@router.get(
    "/usage",
    response_class=StreamingResponse,
    responses={**problems(401, 403, 404), 200: {"model": UsagePage, "description": "A page of meters with their days"}},
)
async def list_usage(
    request: Request,
    viewer: ViewerHere,
    start: Start,
    end: End,
    view: ViewHere = View.CURRENT,
    after: Annotated[EsiId | None, Query(description="Continue after the meter of this ESI ID.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_METERS, description="Meters in a page.")] = 100,
) -> Response:
    """The intervals of all the meters that you see, a page of meters at a time; a day is one array of Wh.

    A page holds at most 20,000 meters times days. A meter that comes or goes while you turn pages moves no other.
    """
    portal, every_version = portal_of(request), view is View.VERSIONS
    if every_version and viewer.kind is Kind.CUSTOMER:
        raise NotPermitted  # the latest data only is all that a customer ever sees (RPT-05)
    if portal.intervals is None:
        raise NotFound
    refused = refusal(start, end, central_date(portal.clock.now()), None) or _too_large((end - start).days + 1, limit)
    if refused is not None:
        return problem_response(problem_of_refusal(refused, portal.clock))
    seen = await _seen(portal, viewer, after, limit + 1)
    next_after = seen[limit - 1].esi_id if len(seen) > limit else None
    span = Span(first=start, last=end, every_version=every_version)
    return StreamingResponse(_page(portal.intervals, seen[:limit], span, next_after), media_type="application/json")


def _too_large(days: int, limit: int) -> ReportRefused | None:
    if days * limit <= MOST_METER_DAYS:
        return None
    words = f"{limit} meters of {days} days are more than a page holds; limit may be {max(1, MOST_METER_DAYS // days)}."
    return ReportRefused(reason=ReportRefusal.LARGE, words=words)


async def _seen(portal: Portal, viewer: Viewer, after: EsiId | None, most: int) -> list[VisibleMeter]:
    wanted = visible_meters(viewer, portal.clock.now()).order_by(meters.c.esi_id).limit(most)
    wanted = wanted if after is None else wanted.where(meters.c.esi_id > after)
    async with portal.database.reading() as connection:
        return [mint(row) for row in await connection.execute(wanted)]


async def _page(
    store: IntervalStore, seen: Sequence[VisibleMeter], span: Span, next_after: EsiId | None
) -> AsyncIterator[str]:
    yield opening(span, next_after)
    esi_ids = [meter.esi_id for meter in seen]
    between, place = "", 0
    async for blocks in store.many(esi_ids, span.first, span.last, every_version=span.every_version):
        await asyncio.sleep(0)  # neither database nor socket need make this wait, and others are to have their turns
        yield between + meter_usage(esi_ids[place], newest_first(blocks))
        between, place = ",", place + 1
    yield CLOSING
