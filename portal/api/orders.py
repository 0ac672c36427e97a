"""Report orders over the API: placed from JSON or with an imported list, followed, fetched, made again, cancelled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import IO, Annotated, Any

from fastapi import Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import UploadFile

from portal.api.described import problems
from portal.context import Portal, portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, problem_of_refusal, problem_response
from portal.orders.changing import cancel, resend, retry
from portal.orders.files import find_file
from portal.orders.letters import post_of
from portal.orders.meter_list import BadList, By, MeterList, read_file, read_values
from portal.orders.placing import Placed, place
from portal.orders.request import OrderedReport, OrderRefusal, OrderRefused, OrderRequest
from portal.orders.shown import Order, own_order, own_orders, shown
from portal.orders.states import OrderState
from portal.orders.tables import report_orders
from portal.parts import Part
from portal.reports.forms import Format, Report, View
from portal.viewer import Viewer

router = Part(tags=["Report orders"])

PAGE = 25
PIECE = 262_144
POLL_S = 2
"""How soon to ask again for an order in process."""
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Your name for this request: sent again with it, the same order answers.",
    ),
]
Number = Annotated[int, Field(ge=1, le=10**12)]


class ReportBody(BaseModel):
    """One report of an order, with its own days."""

    model_config = ConfigDict(extra="forbid")

    report: Report
    start: Annotated[date | None, Field(description="The first day, a Chicago date.")] = None
    end: Annotated[date | None, Field(description="The last day, included.")] = None
    format: Annotated[Format, Field(description="How it is written.")] = Format.CSV


class OrderBody(BaseModel):
    """What is ordered, without its meters."""

    model_config = ConfigDict(extra="forbid")

    reports: Annotated[list[ReportBody], Field(min_length=1, max_length=len(Report))]
    by: Annotated[By, Field(description="What the values of the list are.")] = By.ESI_ID
    view: View = View.CURRENT
    utc: Annotated[bool, Field(description="Two more columns in the CSV of Daily Usage.")] = False


class OrderWithMeters(OrderBody):
    """What is ordered, and for which meters."""

    meters: Annotated[list[str], Field(description="ESI IDs or meter numbers, one kind of them.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Up to 25 of your orders, the newest first; next_after continues the list, None at its end."""

    orders: list[Order]
    next_after: int | None


@router.post("/orders", status_code=202, response_model=Order, responses=problems(401, 409, 429))
async def place_order(
    request: Request, response: Response, viewer: ViewerHere, body: OrderWithMeters, key: Key = None
) -> Any:
    """Order reports of many meters: 202 with the order's number and place. A mail follows when it has ended."""
    most = portal_of(request).settings.orders.most_meters
    return await _place(request, response, viewer, body, read_values(body.meters, body.by, most), key)


_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["order", "file"],
                    "properties": {
                        "order": {"type": "string", "description": "What is ordered, as JSON, without `meters`."},
                        "file": {"type": "string", "format": "binary", "description": "A CSV file, one meter a row."},
                    },
                }
            }
        },
    }
}


@router.post(
    "/orders/import", status_code=202, response_model=Order, responses=problems(401, 409, 429), openapi_extra=_FORM
)
async def place_imported_order(request: Request, response: Response, viewer: ViewerHere, key: Key = None) -> Any:
    """Order reports of the meters in a CSV file: one ESI ID or meter number a row, no header, no trailing commas."""
    async with request.form() as form:
        text, file = form.get("order"), form.get("file")
        if not isinstance(text, str) or not isinstance(file, UploadFile):
            missing = [
                {"loc": ("body", each), "msg": "Field required", "type": "missing"} for each in ("order", "file")
            ]
            raise RequestValidationError(missing)
        name, data = file.filename or "", await file.read()
    try:
        body = OrderBody.model_validate_json(text)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("order", *one["loc"])} for one in error.errors()]) from None
    most = portal_of(request).settings.orders.most_meters
    return await _place(request, response, viewer, body, read_file(name, data, body.by, most), key)


@router.get("/orders", responses=problems(401, 404))
async def list_orders(
    request: Request,
    viewer: ViewerHere,
    after: Annotated[Number | None, Query(description="Continue after the order of this number.")] = None,
) -> OrderPage:
    """Your orders, the newest first, 25 at a time."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        wanted = own_orders(viewer).limit(PAGE + 1)
        if after is not None:
            last = await own_order(connection, viewer, after)
            if last is None:
                raise NotFound
            wanted = wanted.where(report_orders.c.id < last.id)
        rows = (await connection.execute(wanted)).all()
        orders = await _shown(portal, connection, viewer, rows[:PAGE])
    return OrderPage(orders=orders, next_after=orders[-1].number if len(rows) > PAGE else None)


@router.get("/orders/{number}", responses=problems(401, 404))
async def show_order(request: Request, response: Response, viewer: ViewerHere, number: Number) -> Order:
    """One of your orders. While it is in process, Retry-After says when to look again."""
    return await _found(request, response, viewer, number)


@router.get("/orders/{number}/files/{name}", response_class=StreamingResponse, responses=problems(401, 404))
async def order_file(request: Request, viewer: ViewerHere, number: Number, name: str) -> Response:
    """A file of one of your complete orders, while you see every meter that is in it."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        row = await find_file(connection, viewer, number, name, portal.clock.now())
    if row is None:
        raise NotFound
    path = portal.settings.files.folder / row.path
    try:
        source = await asyncio.get_running_loop().run_in_executor(None, path.open, "rb")
    except FileNotFoundError:
        raise NotFound from None
    headers = {"Content-Length": f"{row.size}", "Content-Disposition": f'attachment; filename="{row.name}"'}
    return StreamingResponse(_pieces(source), media_type=row.media_type, headers=headers)


@router.post("/orders/{number}/retry", status_code=202, response_model=Order, responses=problems(401, 404, 409, 429))
async def retry_order(request: Request, response: Response, viewer: ViewerHere, number: Number) -> Any:
    """Have an order made again that has ended; its former files are removed."""
    portal = portal_of(request)
    settings, now = portal.settings.orders, portal.clock.now()
    job = partial(retry, viewer=viewer, number=number, settings=settings, now=now)
    return await _changed(request, response, viewer, number, await portal.database.write(job))


@router.post("/orders/{number}/cancel", response_model=Order, responses=problems(401, 404, 409))
async def cancel_order(request: Request, response: Response, viewer: ViewerHere, number: Number) -> Any:
    """Cancel an order in process."""
    portal = portal_of(request)
    job = partial(cancel, viewer=viewer, number=number, now=portal.clock.now())
    return await _changed(request, response, viewer, number, await portal.database.write(job))


@router.post("/orders/{number}/resend", status_code=202, response_model=Order, responses=problems(401, 404, 409, 429))
async def resend_order(request: Request, response: Response, viewer: ViewerHere, number: Number) -> Any:
    """Have the mail of a complete order sent to you again; once every ten minutes, unless configured otherwise."""
    portal = portal_of(request)
    by, settings, now = post_of(portal.settings), portal.settings.orders, portal.clock.now()
    job = partial(resend, viewer=viewer, number=number, by=by, settings=settings, now=now)
    return await _changed(request, response, viewer, number, await portal.database.write(job))


async def _place(
    request: Request, response: Response, viewer: Viewer, body: OrderBody, wanted: MeterList | BadList, key: str | None
) -> Order | JSONResponse:
    portal = portal_of(request)
    if isinstance(wanted, BadList):
        refused = OrderRefused(reason=OrderRefusal.LIST, words=wanted.words, faults=wanted.faults, more=wanted.more)
        return problem_response(problem_of_refusal(refused, portal.clock))
    reports = tuple(
        OrderedReport(report=each.report, start=each.start, end=each.end, format=each.format) for each in body.reports
    )
    ordered = OrderRequest(reports=reports, view=body.view, utc=body.utc)

    async def job(connection: AsyncConnection) -> Placed | OrderRefused:
        now = portal.clock.now()
        return await place(connection, viewer, ordered, wanted, portal.settings.orders, portal.dice, now, key)

    answer = await portal.database.write(job)
    if isinstance(answer, OrderRefused):
        return problem_response(problem_of_refusal(answer, portal.clock))
    response.headers["Location"] = f"/api/v1/orders/{answer.number}"
    return await _found(request, response, viewer, answer.number)


async def _changed(
    request: Request, response: Response, viewer: Viewer, number: int, answer: OrderRefused | bool
) -> Order | JSONResponse:
    if isinstance(answer, OrderRefused):
        return problem_response(problem_of_refusal(answer, portal_of(request).clock))
    return await _found(request, response, viewer, number)


async def _found(request: Request, response: Response, viewer: Viewer, number: int) -> Order:
    """One of the viewer's orders. Raises NotFound."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        row = await own_order(connection, viewer, number)
        if row is None:
            raise NotFound
        (order,) = await _shown(portal, connection, viewer, [row])
    if order.state is OrderState.PROCESSING:
        response.headers["Retry-After"] = f"{POLL_S}"
    return order


async def _shown(portal: Portal, connection: AsyncConnection, viewer: Viewer, rows: Any) -> list[Order]:
    return await shown(connection, viewer, rows, portal.settings.orders.kept_days, portal.clock.now())


async def _pieces(source: IO[bytes]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    with source:
        while piece := await loop.run_in_executor(None, source.read, PIECE):
            yield piece
