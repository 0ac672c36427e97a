"""A report of one meter as a response: refused in words, streamed as text, or made as a file and then sent."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import IO, Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from gateway.clock import central_date
from portal.companies.kinds import Kind
from portal.context import Portal, portal_of
from portal.errors import NotFound, NotPermitted, problem_of_refusal, problem_response
from portal.meters.installed import first_installed
from portal.reports.asked import Asked, file_name
from portal.reports.forms import AS_FILES, MEDIA_TYPES, Format, Report, View, form_refusal, months_back
from portal.reports.one_meter import table_file, text
from portal.reports.rows import Sources, rows_of
from portal.reports.size import at_once_refusal
from portal.usage.report_days import Span
from portal.usage.report_range import ReportRefused, refusal
from portal.viewer import Viewer
from portal.visibility import VisibleMeter

PIECE = 262_144

Start = Annotated[date, Query(description="The first day, a Chicago date YYYY-MM-DD.")]
End = Annotated[date, Query(description="The last day, included.")]
ViewHere = Annotated[
    View, Query(description="The current version, or every version, of a day or period the newest first.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a request says of its report beside the meter."""

    report: Report
    start: date
    end: date
    view: View
    format: Format
    utc: bool = False


def files(model: type[Any], *formats: Format) -> dict[int | str, dict[str, Any]]:
    """The description of a report's answer: JSON by its class, and files of other formats."""
    text_schema, binary = {"schema": {"type": "string"}}, {"schema": {"type": "string", "format": "binary"}}
    content: dict[str, Any] = {
        MEDIA_TYPES[each].partition(";")[0]: binary if each in AS_FILES else text_schema for each in formats
    }
    return {200: {"model": model, "description": "The report in the format asked for", "content": content}}


async def respond(request: Request, viewer: Viewer, meter: VisibleMeter, shape: Shape) -> Response:
    """The report, or why it cannot be had. Raises NotPermitted for a view that is not the viewer's."""
    portal = portal_of(request)
    if shape.view is View.VERSIONS and viewer.kind is Kind.CUSTOMER:
        raise NotPermitted  # the latest data only is all that a customer ever sees (RPT-05)
    if portal.intervals is None or portal.registers is None:
        raise NotFound
    refused = await _refused(portal, meter, shape)
    if refused is not None:
        return problem_response(problem_of_refusal(refused, portal.clock))
    sources = Sources(intervals=portal.intervals, registers=portal.registers, rules=portal.explainer)
    span = Span(first=shape.start, last=shape.end, every_version=shape.view is View.VERSIONS)
    asked = Asked(report=shape.report, span=span, format=shape.format, utc=shape.utc)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(meter.esi_id, asked)}"'}
    if shape.format in AS_FILES:
        made = await _made(portal, sources, meter, asked)
        return StreamingResponse(_pieces(made), media_type=MEDIA_TYPES[shape.format], headers=headers)
    return StreamingResponse(text(sources, meter, asked), media_type=MEDIA_TYPES[shape.format], headers=headers)


async def _refused(portal: Portal, meter: VisibleMeter, shape: Shape) -> ReportRefused | None:
    async with portal.database.reading() as connection:
        installed = central_date(await first_installed(connection, meter))
    today, reach, large = central_date(portal.clock.now()), months_back(shape.report), portal.settings.orders.large
    return (
        form_refusal(shape.report, shape.view, shape.format)
        or refusal(shape.start, shape.end, today, installed, reach)
        or at_once_refusal(shape.report, shape.start, shape.end, shape.format, large)
    )


async def _made(portal: Portal, sources: Sources, meter: VisibleMeter, asked: Asked) -> IO[bytes]:
    """The report as a file without a name, which the system removes whatever becomes of the answer."""
    loop = asyncio.get_running_loop()
    target = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed when its last byte is sent
    table = table_file(target, asked, portal.clock.now())
    async for piece in rows_of(sources, asked.report, meter, asked.span):
        await loop.run_in_executor(None, table.add, piece.rows)
    await loop.run_in_executor(None, table.close)
    target.seek(0)
    return target


async def _pieces(made: IO[bytes]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    with made:
        while piece := await loop.run_in_executor(None, made.read, PIECE):
            yield piece
