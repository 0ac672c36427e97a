"""The addresses of the pages: GET shows, POST changes and redirects."""

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere, is_foreign
from portal.errors import ForgedRequest, NotFound, problem_of_refusal
from portal.pages import (
    access_routes,
    agreement_routes,
    batch_routes,
    booking_routes,
    command_routes,
    company_routes,
    consent_routes,
    customer_routes,
    device_notice_routes,
    device_routes,
    entrance_routes,
    explain_routes,
    export_routes,
    finishing_routes,
    fleet_routes,
    import_routes,
    information_routes,
    keys_routes,
    market_routes,
    my_meters_routes,
    notice_routes,
    order_files,
    order_routes,
    pending_routes,
    profile_routes,
    recovery_routes,
    registration_routes,
    release_routes,
    report_routes,
    requests_routes,
    saved_routes,
    security_routes,
    users_routes,
    webhooks_routes,
)
from portal.pages.desk_places import ACCOUNT_DESK, USAGE_DESK
from portal.pages.meter_list_view import meters_page
from portal.pages.meter_view import address_asked_from, address_of, meter_page, visible_meter
from portal.pages.render import PAGES, STATIC, THEME_COOKIE, THEMES, inside
from portal.parts import Part
from portal.reads.ask import Refused

router = Part(include_in_schema=False, default_response_class=Response)
A_YEAR_S = 365 * 86_400


@router.get("/static/{digest}/{name}")
async def static(digest: str, name: str) -> Response:
    """The style, the module and the mark."""
    return STATIC.answer(digest, name)


@router.post("/theme")
async def choose_theme(
    request: Request, theme: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/"
) -> Response:
    """Remember the colours that somebody likes, signed in or not."""
    if is_foreign(request):
        raise ForgedRequest
    answer = RedirectResponse(inside(back), status_code=303)
    if theme in THEMES:
        secure = request.url.scheme == "https"
        answer.set_cookie(THEME_COOKIE, theme, max_age=A_YEAR_S, httponly=True, samesite="lax", secure=secure)
    return answer


@router.get("/account/meters")
async def account_meters(request: Request, who: EnteredHere) -> Response:
    """Customer Meters (ROR) under My Account, with customers' names; for a customer, his own meters."""
    if who.viewer.kind is Kind.CUSTOMER:
        return await my_meters_routes.my_meters(request, who)
    if who.viewer.kind is not Kind.REP:
        raise NotFound
    return await meters_page(request, who, ACCOUNT_DESK, request.query_params)


@router.get("/usage/meters")
async def usage_meters(request: Request, who: EnteredHere) -> Response:
    """Customer Meters (ROR) under Usage."""
    return await meters_page(request, who, USAGE_DESK, request.query_params)


@router.get("/usage/meters/{esi_id}")
async def one_meter(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """One meter, with its On Demand Read."""
    return await meter_page(request, who, await visible_meter(request, who, esi_id))


@router.post("/usage/meters/{esi_id}/reads")
async def ask_for_read(request: Request, who: EnteredHere, esi_id: str, back: Annotated[str, Form()] = "") -> Response:
    """On Demand Read: ask, then show the page that it was asked from, which follows the read; or the refusal."""
    meter = await visible_meter(request, who, esi_id)
    asked_from = address_asked_from(meter, back)
    portal = portal_of(request)
    answer = await portal.desk.ask(meter, who.viewer)
    if not isinstance(answer, Refused):
        return RedirectResponse(asked_from or address_of(meter), status_code=303)
    problem = problem_of_refusal(answer, portal.clock)
    page = await meter_page(request, who, meter, refusal=answer.words, status=problem.status, asked_from=asked_from)
    page.headers.update(problem.headers)
    return page


@router.get("/usage/meters/{esi_id}/reads")
async def back_to_meter(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Where a reload of a refused request leads."""
    return RedirectResponse(address_of(await visible_meter(request, who, esi_id)), status_code=303)


@router.get("/help")
async def help_page(request: Request, who: EnteredHere) -> Response:
    """Questions, rules, keys and whom to ask."""
    return PAGES.page(
        request, "help.html", who, "Frequently Asked Questions", place="/help", limits=portal_of(request).desk.limits
    )


PARTS = (
    export_routes.router,
    import_routes.router,
    information_routes.router,
    router,
    customer_routes.router,
    my_meters_routes.router,
    release_routes.router,
    report_routes.router,
    batch_routes.router,
    booking_routes.router,
    explain_routes.router,
    entrance_routes.router,
    recovery_routes.router,
    finishing_routes.router,
    profile_routes.router,
    security_routes.router,
    keys_routes.router,
    order_files.router,
    order_routes.router,
    registration_routes.router,
    access_routes.router,
    pending_routes.router,
    users_routes.router,
    company_routes.router,
    requests_routes.router,
    market_routes.router,
    notice_routes.router,
    fleet_routes.router,
    agreement_routes.router,
    consent_routes.router,
    device_routes.router,
    command_routes.router,
    device_notice_routes.router,
    webhooks_routes.router,
    saved_routes.router,
)
"""Every part of the pages; each is included by itself, so that it is asked about its own addresses only."""
