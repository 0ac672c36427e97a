"""The portal as one ASGI application: the API, whatever pages and interfaces are there, one table of errors."""

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from portal.api import (
    account,
    accounts,
    agreements,
    api_keys,
    approvals,
    assignments,
    audit,
    commands,
    companies,
    customers,
    devices,
    fleet,
    market,
    meters,
    notices,
    orders,
    reference,
    registrations,
    report_definitions,
    reports,
    search,
    sessions,
    usage,
    vee,
    webhooks,
    wishes,
)
from portal.context import Portal
from portal.errors import ErrorPage, install
from portal.headers import BodyLimit, SecurityHeaders
from portal.mail.mailbox import Mailbox
from portal.pages.error_page import error_page
from portal.pages.mailbox_pages import MailboxPages
from portal.pages.routes import PARTS
from portal.parts import Below
from portal.smt.facade import SmtFacade
from portal.smt.services.routes import SmtServices
from portal.usage.registers import RegisterStore
from portal.usage.store import IntervalStore

API = "/api/v1"
DESCRIPTION = (
    "Everything that the portal's pages do. Sign in at POST /api/v1/sessions and send the token as a bearer token. "
    "Times are UTC, energy is integer watt-hours, a missing value is null. Problems are RFC 9457 bodies."
)


class Application(FastAPI):
    """FastAPI inside the security headers: it answers faults outside of every middleware that is added to it."""

    def build_middleware_stack(self) -> ASGIApp:
        """Everything, with the headers around it."""
        return SecurityHeaders(super().build_middleware_stack())


def full_app(portal: Portal, intervals: IntervalStore, registers: RegisterStore) -> FastAPI:
    """The application with everything that the portal has: API, pages, and what SMT's clients and programs call."""
    facade = SmtFacade(portal, intervals, registers)
    services = SmtServices(portal, intervals, registers, facade.find_viewer)
    routers = [*PARTS, facade.router(), services.router()]
    mail = portal.settings.mail
    if mail.mailbox is not None:
        routers.append(MailboxPages(Mailbox(mail.mailbox, mail.mailbox_letters), mail.mailbox_letters).router())
    return build_app(portal, routers, error_page)


def build_app(portal: Portal, routers: Sequence[APIRouter] = (), show_error: ErrorPage | None = None) -> FastAPI:
    """The application over a portal's parts; routers are mounted beside the API, show_error answers people."""
    app = Application(
        title="metergate",
        version=version("metergate"),
        description=DESCRIPTION,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.portal = portal
    app.add_middleware(BodyLimit, most_bytes=portal.settings.most_body_bytes)
    install(app, show_error)
    people = (registrations, customers, companies, approvals, accounts, audit)
    of_reports = (usage, reports, report_definitions, orders, vee)
    of_homes = (devices, agreements, notices, assignments, commands)
    of_meters = (search, meters, wishes, *of_reports, *of_homes)
    api = Below(API)
    for part in (sessions, account, api_keys, webhooks, *people, *of_meters, fleet, market, reference):
        api.include_router(part.router)
    app.include_router(api, prefix=API)
    # Pages, files and the interfaces that programs know from elsewhere come after the API.
    for router in routers:
        app.include_router(router)
    return app
