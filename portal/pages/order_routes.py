"""Report Request Status: one's own orders, one of them as it goes, and what can be done with it (guide 8.4.1)."""

from functools import partial

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select

from portal.accounts.sessions import Entered
from portal.api.orders import PAGE, Number
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.files.folders import Folder
from portal.orders.changing import cancel, resend, retry
from portal.orders.letters import post_of
from portal.orders.request import OrderRefused
from portal.orders.shown import own_order, own_orders, shown
from portal.orders.tables import report_order_files, report_orders
from portal.pages.done_words import and_done, done_words
from portal.pages.navigation import ORDERS, Place
from portal.pages.order_view import OrderRow, names_in_folder, order_row
from portal.pages.render import PAGES
from portal.parts import Part
from portal.viewer import Viewer

router = Part(include_in_schema=False, default_response_class=Response)


@router.get(ORDERS.href)
async def status(request: Request, who: EnteredHere, after: Number | None = None) -> Response:
    """The list, the newest first, 25 a page."""
    _orderer(who.viewer)
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        wanted = own_orders(who.viewer).limit(PAGE + 1)
        if after is not None:
            last = await own_order(connection, who.viewer, after)
            if last is None:
                raise NotFound
            wanted = wanted.where(report_orders.c.id < last.id)
        rows = (await connection.execute(wanted)).all()
        kept_days, now = portal.settings.orders.kept_days, portal.clock.now()
        orders = await shown(connection, who.viewer, rows[:PAGE], kept_days, now)
    listed = [order_row(order, ORDERS.href, {}) for order in orders]
    older = f"{ORDERS.href}?after={orders[-1].number}" if len(rows) > PAGE else ""
    return PAGES.page(
        request,
        "orders.html",
        who,
        ORDERS.words,
        place=ORDERS.href,
        help_at="orders",
        orders=listed,
        older=older,
        is_first=after is None,
        following=any(each.is_open for each in listed),
        folder=_folder_of(who.viewer),
        kept_days=kept_days,
    )


@router.get(f"{ORDERS.href}/{{number}}")
async def one(request: Request, who: EnteredHere, number: Number) -> Response:
    """One order."""
    return await _order_page(request, who, number)


@router.post(f"{ORDERS.href}/{{number}}/cancel")
async def cancel_order(request: Request, who: EnteredHere, number: Number) -> Response:
    """Cancel an order in process."""
    portal = portal_of(request)
    job = partial(cancel, viewer=who.viewer, number=number, now=portal.clock.now())
    return await _after(request, who, number, await portal.database.write(job), "order-cancelled")


@router.post(f"{ORDERS.href}/{{number}}/retry")
async def retry_order(request: Request, who: EnteredHere, number: Number) -> Response:
    """Have an order made again that has ended."""
    portal = portal_of(request)
    settings, now = portal.settings.orders, portal.clock.now()
    job = partial(retry, viewer=who.viewer, number=number, settings=settings, now=now)
    return await _after(request, who, number, await portal.database.write(job), "order-again")


@router.post(f"{ORDERS.href}/{{number}}/resend")
async def resend_order(request: Request, who: EnteredHere, number: Number) -> Response:
    """Have the mail of a complete order sent again."""
    portal = portal_of(request)
    by, settings, now = post_of(portal.settings), portal.settings.orders, portal.clock.now()
    job = partial(resend, viewer=who.viewer, number=number, by=by, settings=settings, now=now)
    return await _after(request, who, number, await portal.database.write(job), "order-mailed")


@router.get(f"{ORDERS.href}/{{number}}/cancel")
@router.get(f"{ORDERS.href}/{{number}}/retry")
@router.get(f"{ORDERS.href}/{{number}}/resend")
async def back_to_order(who: EnteredHere, number: Number) -> Response:
    """Where a reload of a refused change leads."""
    return RedirectResponse(address_of(number), status_code=303)


def address_of(number: int) -> str:
    """The address of an order's page."""
    return f"{ORDERS.href}/{number}"


async def _after(request: Request, who: Entered, number: int, answer: OrderRefused | bool, done: str) -> Response:
    """The order's page after a change; a refusal is shown in its place."""
    if answer is True:
        return RedirectResponse(and_done(address_of(number), done), status_code=303)
    if answer is False:
        raise NotFound
    problem = problem_of_refusal(answer, portal_of(request).clock)
    page = await _order_page(request, who, number, refusal=answer.words)
    page.status_code = problem.status
    page.headers.update(problem.headers)
    return page


async def _order_page(request: Request, who: Entered, number: int, refusal: str = "") -> Response:
    shown_row = await _find(request, who.viewer, number)
    heading = f"Report order {number}"
    return PAGES.page(
        request,
        "order.html",
        who,
        heading,
        place=ORDERS.href,
        beneath=(Place(heading, address_of(number)),),
        help_at="orders",
        error=bool(refusal),
        row=shown_row,
        order=shown_row.order,
        following=shown_row.is_open,
        refusal=refusal,
        done=done_words(request.query_params),
        folder=_folder_of(who.viewer),
    )


async def _find(request: Request, viewer: Viewer, number: int) -> OrderRow:
    """One of the viewer's orders with the places of its files. Raises NotFound."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        row = await own_order(connection, viewer, number)
        if row is None:
            raise NotFound
        kept_days, now = portal.settings.orders.kept_days, portal.clock.now()
        (order,) = await shown(connection, viewer, [row], kept_days, now)
        of_order = select(report_order_files).where(report_order_files.c.order_id == row.id)
        files = (await connection.execute(of_order)).all() if order.files else []
    return order_row(order, ORDERS.href, names_in_folder(files, order, viewer))


def _folder_of(viewer: Viewer) -> str:
    """The folder of a viewer's company in which files of orders lie; customers have none."""
    return "" if viewer.company_id is None else Folder.ADHOC


def _orderer(viewer: Viewer) -> None:
    """Raises NotFound for the operating team, which has no meters to order for."""
    if viewer.kind is Kind.OPERATOR:
        raise NotFound
