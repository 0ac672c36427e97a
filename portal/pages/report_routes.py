"""The usage reports of one meter as pages: options, a page at a time, printed whole, exported, or ordered if large.

Guide 8.2 and 8.3. What can be made while somebody waits is shown at once; a large report is an order (RPT-10, RPT-11).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import central_date
from portal.accounts.sessions import Entered
from portal.companies.kinds import Kind
from portal.context import Portal, portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.meters.installed import first_installed
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import Placed, place
from portal.orders.request import OrderedReport, OrderRefused, OrderRequest
from portal.pages.done_words import and_done
from portal.pages.forms import Form
from portal.pages.meter_view import address_of, read_values, visible_meter
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.order_routes import address_of as address_of_order
from portal.pages.order_view import FORMATS, VIEWS
from portal.pages.render import PAGES
from portal.pages.report_fields import OPTIONS, Look, Options, begun, for_customers, leaf_of, options_of
from portal.pages.report_views import Beside, Table, UsageDays, heat_maps, months_table, reads_table, usage_days
from portal.parts import Part
from portal.reports.forms import TITLES, Format, Report, months_back
from portal.reports.rows import Sources
from portal.reports.size import is_large
from portal.usage.report_days import Span
from portal.usage.report_range import refusal
from portal.visibility import VisibleMeter

router = Part(include_in_schema=False, default_response_class=Response)

HERE = f"{USAGE_METERS.href}/{{esi_id}}/report"
API_NAMES = {
    Report.DAILY_USAGE: "usage",
    Report.DAILY_READS: "daily-reads",
    Report.MONTHLY_USAGE: "monthly-usage",
}
READ_COLUMNS = ("Date", "Start Read, kWh", "End Read, kWh", "Usage, kWh", "Revised", "Version")
NO_DAYS = UsageDays()
COMPARED_COLUMNS = ("Year before, kWh", "Difference, kWh", "Difference, % of kWh")
MONTH_COLUMNS = (
    *("Start", "End", "Actual kWh", "Metered kW", "Billed kW", "Metered kVA", "Billed kVA", "Revised", "Version"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every page of a meter's report begins with."""

    portal: Portal
    meter: VisibleMeter
    sources: Sources
    form: Form
    installed: date
    today: date

    @property
    def href(self) -> str:
        """The address of the report."""
        return f"{address_of(self.meter)}/report"

    def is_kept(self, options: Options) -> Callable[[date], bool]:
        """Tells which days a report of these options may be compared with: those that one may ask for."""
        months = months_back(options.report)
        return lambda day: refusal(day, day, self.today, self.installed, months) is None

    def is_large(self, options: Options) -> bool:
        """Whether the report is made offline."""
        return is_large(options.report, options.start, options.end, self.portal.settings.orders.large)


async def desk_of(request: Request, who: Entered, esi_id: str) -> Desk:
    """The meter with what its report is drawn from. Raises NotFound."""
    meter, portal = await visible_meter(request, who, esi_id), portal_of(request)
    if portal.intervals is None or portal.registers is None:
        raise NotFound
    async with portal.database.reading() as connection:
        installed = central_date(await first_installed(connection, meter))
    form = for_customers(OPTIONS) if who.viewer.kind is Kind.CUSTOMER else OPTIONS
    sources = Sources(intervals=portal.intervals, registers=portal.registers, rules=portal.explainer)
    today = central_date(portal.clock.now())
    return Desk(portal=portal, meter=meter, sources=sources, form=form, installed=installed, today=today)


async def options_here(request: Request, desk: Desk) -> Options | Form:
    """The options that the address asks for, or the form with their faults; without any, the newest week."""
    if "report" in request.query_params or "start" in request.query_params:
        return options_of(await desk.form.of_address(request), desk.today, desk.installed)
    blocks = await desk.sources.intervals.newest_reads([desk.meter.esi_id])
    newest = max((date.fromordinal(block.day) for block in blocks), default=desk.today)
    return begun(newest, desk.installed)


@router.get(HERE)
async def report(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """A page of the report."""
    desk = await desk_of(request, who, esi_id)
    options = await options_here(request, desk)
    if isinstance(options, Form):
        return await _page(request, who, desk, options, None, status=422)
    form = desk.form.filled(options.fields)
    if desk.is_large(options):
        return await _page(request, who, desk, form, options, large=True)
    leaf = leaf_of(options, request.query_params)
    span = Span(first=leaf.first, last=leaf.last, every_version=options.span.every_version)
    usage, table = await _drawn(desk, options, span)
    return await _page(request, who, desk, form, options, leaf=leaf, usage=usage, table=table)


@router.get(f"{HERE}/print")
async def whole(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """The full report of the options, to be printed (RPT-15)."""
    desk = await desk_of(request, who, esi_id)
    options = await options_here(request, desk)
    if isinstance(options, Form) or desk.is_large(options):
        return RedirectResponse(f"{desk.href}?{request.url.query}", status_code=303)
    usage, table = await _drawn(desk, options, options.span)
    title = f"{TITLES[options.report]}, {options.start:%m/%d/%Y} to {options.end:%m/%d/%Y}"
    return PAGES.page(
        request,
        "report_print.html",
        who,
        title,
        place=USAGE_METERS.href,
        beneath=_crumbs(desk),
        help_at="reports",
        meter=desk.meter,
        options=options,
        usage=usage,
        table=table,
        columns=_columns(options),
        report_title=TITLES[options.report],
        view_words=VIEWS,
        back=f"{desk.href}?{options.query()}",
    )


@router.post(f"{HERE}/order")
async def order(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Order the report of the options, then show the order with its number (RPT-11)."""
    desk = await desk_of(request, who, esi_id)
    options = options_of(await desk.form.read(request), desk.today, desk.installed)
    if isinstance(options, Form):
        return await _page(request, who, desk, options, None, status=422)
    asked = OrderRequest(
        reports=(OrderedReport(report=options.report, start=options.start, end=options.end, format=Format.CSV),),
        view=options.view,
    )
    wanted = MeterList(by=By.ESI_ID, values=(desk.meter.esi_id,))

    async def job(connection: AsyncConnection) -> Placed | OrderRefused:
        settings, now = desk.portal.settings.orders, desk.portal.clock.now()
        return await place(connection, who.viewer, asked, wanted, settings, desk.portal.dice, now)

    answer = await desk.portal.database.write(job)
    if isinstance(answer, Placed):
        return RedirectResponse(and_done(address_of_order(answer.number), "order-placed"), status_code=303)
    form = desk.form.filled(options.fields).refused({"report": answer.words})
    return await _page(request, who, desk, form, None, status=409)


@router.get(f"{HERE}/order")
async def back_to_report(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Where a reload of a refused order leads."""
    return RedirectResponse((await desk_of(request, who, esi_id)).href, status_code=303)


async def _drawn(desk: Desk, options: Options, span: Span) -> tuple[UsageDays, Table | None]:
    """What a span of the report shows: days of intervals, or a table."""
    beside = Beside(against=options.compare, is_kept=desk.is_kept(options)) if options.is_compared else None
    if options.is_heat_map:
        by_hour = options.show is Look.HOURS
        return await heat_maps(desk.sources.intervals, desk.meter, span, by_hour=by_hour), None
    if options.report is Report.DAILY_USAGE:
        return await usage_days(desk.sources.intervals, desk.meter, span, options.span, beside), None
    if options.report is Report.DAILY_READS:
        return NO_DAYS, await reads_table(desk.sources, desk.meter, span)
    return NO_DAYS, await months_table(desk.sources, desk.meter, span, beside)


def _columns(options: Options) -> Sequence[str]:
    if options.report is not Report.MONTHLY_USAGE:
        return READ_COLUMNS
    return (*MONTH_COLUMNS[:3], *(COMPARED_COLUMNS if options.is_compared else ()), *MONTH_COLUMNS[3:])


def _crumbs(desk: Desk) -> tuple[Place, ...]:
    meter = Place(f"{desk.meter.service_address}, {desk.meter.city}", address_of(desk.meter))
    return meter, Place("Usage Reports", desk.href)


async def _page(
    request: Request,
    who: Entered,
    desk: Desk,
    form: Form,
    options: Options | None,
    *,
    status: int = 200,
    large: bool = False,
    **shown: Any,
) -> Response:
    about: dict[str, Any] = {"report_title": "", "columns": (), "exports": ()}
    if options is not None:
        api = f"/api/v1/meters/{desk.meter.esi_id}/{API_NAMES[options.report]}"
        about = {
            "report_title": TITLES[options.report],
            "columns": _columns(options),
            "exports": [(FORMATS[each], f"{api}?{_file_query(options, each)}") for each in options.formats],
        }
    return PAGES.page(
        request,
        "report.html",
        who,
        "Usage Reports",
        place=USAGE_METERS.href,
        beneath=_crumbs(desk),
        help_at="reports",
        status=status,
        error=bool(form.faults),
        form=form,
        options=options,
        large=large,
        in_folder=who.viewer.company_id is not None
        and options is not None
        and options.report is not Report.MONTHLY_USAGE,
        here=desk.href,
        **about,
        **{"leaf": None, "usage": NO_DAYS, "table": None, **shown},
        **await read_values(desk.portal, who, desk.meter, asked_from=_address(request, desk)),
    )


def _address(request: Request, desk: Desk) -> str:
    """Where a read that is asked for on this page leads back to."""
    shown = request.method == "GET" and request.url.query
    return f"{desk.href}?{request.url.query}" if shown else desk.href


def _file_query(options: Options, written_as: Format) -> str:
    """The query of the API's address: the report is in its path."""
    return urlencode({**options.file_fields, "format": written_as}).partition("&")[2]
