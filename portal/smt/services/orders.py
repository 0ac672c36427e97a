"""What the services do not answer at once: placed as a report order, whose number is told and asked for again."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from portal.context import Portal
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderedReport, OrderRefused, OrderRequest
from portal.orders.shown import Order, own_order, own_orders, shown
from portal.orders.states import OrderState
from portal.reports.forms import Format, Report, View
from portal.smt.facade import SUBMITTED
from portal.smt.services.entries import wall
from portal.smt.services.envelope import CHOICE, DATES, NUMBER, ServiceRefused, Usage
from portal.viewer import Viewer

FORMATS = {"JSON": Format.JSON, "CSV": Format.CSV, "XML": Format.GREEN_BUTTON, "LSE": Format.LSE}
LATEST = 25
STATUSES = {
    OrderState.PROCESSING: ("PEN", "Processing"),
    OrderState.COMPLETE: ("0", "Complete"),
    OrderState.UNSUCCESSFUL: ("1", "Unsuccessful"),
    OrderState.CANCELLED: ("1", "Cancelled"),
    OrderState.EXPIRED: ("1", "Expired"),
}


async def ordered(portal: Portal, viewer: Viewer, report: Report, usage: Usage) -> dict[str, Any]:
    """Place an order for what a request asks; it is mailed, and the daily reports go into the company's folder too.

    A file holds both channels, whatever readingType says. Raises ServiceRefused.
    """
    asked = OrderedReport(report=report, start=usage.first, end=usage.last, format=FORMATS[usage.form])
    request = OrderRequest(reports=(asked,), view=View.VERSIONS if usage.every_version else View.CURRENT)
    wanted = MeterList(by=By.ESI_ID, values=tuple(usage.esi_ids))

    async def job(connection: AsyncConnection) -> Placed | OrderRefused:
        settings, now = portal.settings.orders, portal.clock.now()
        return await place(connection, viewer, request, wanted, settings, portal.dice, now)

    answer = await portal.database.write(job)
    if isinstance(answer, OrderRefused):
        raise ServiceRefused(CHOICE if answer.bound is None else DATES, answer.words)
    return {"correlationId": f"{answer.number}", "statusCode": "0", "statusReason": SUBMITTED}


async def status(portal: Portal, viewer: Viewer, number: str) -> dict[str, Any]:
    """What became of an order, or of the latest ones where no number is given. Raises ServiceRefused."""
    kept_days, now = portal.settings.orders.kept_days, portal.clock.now()
    async with portal.database.reading() as connection:
        if not number:
            rows = (await connection.execute(own_orders(viewer).limit(LATEST))).all()
            return {"reportRequests": [_told(each) for each in await shown(connection, viewer, rows, kept_days, now)]}
        known = number.isascii() and number.isdigit() and len(number) <= 12
        row = await own_order(connection, viewer, int(number)) if known else None
        if row is None:
            raise ServiceRefused(NUMBER, "There is no request of this correlationId", 404)
        return _told((await shown(connection, viewer, [row], kept_days, now))[0])


def _told(order: Order) -> dict[str, Any]:
    code, word = STATUSES[order.state]
    return {
        "correlationId": f"{order.number}",
        "statusCode": code,
        "status": word,
        "statusReason": order.details,
        "requestDate": wall(order.placed_at),
        "lastReportGenerationDate": wall(order.ended_at),
        "files": [
            {"name": file.name, "size": file.size, "path": f"/api/v1/orders/{order.number}/files/{file.name}"}
            for file in order.files
        ],
    }
