"""Premise Information and Meter Information of one meter: viewed, printed, and as CSV at once (guide 7.1, 7.2)."""

from fastapi import Request
from fastapi.responses import Response

from portal.accounts.sessions import Entered
from portal.api.reports import meter_information as meter_file
from portal.api.reports import premise_information as premise_file
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.meters.information import MeterInformation, PremiseInformation, meter_information, premise_information
from portal.pages.information_view import field_rows
from portal.pages.meter_view import address_of, visible_meter
from portal.pages.navigation import ACCOUNT_METERS, USAGE_METERS, Place
from portal.pages.render import PAGES
from portal.parts import Part
from portal.reports.forms import TITLES, Report

router = Part(include_in_schema=False, default_response_class=Response)

HOME = f"{ACCOUNT_METERS.href}/{{esi_id}}"
LISTED_THERE = frozenset({Kind.REP, Kind.CUSTOMER})
"""Whose list of meters is under My Account; the others have one place for meters."""


@router.get(f"{HOME}/premise")
async def premise(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Premise Information of one meter."""
    return await _page(request, who, esi_id, Report.PREMISE)


@router.get(f"{HOME}/meter")
async def meter(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Meter Information of one meter."""
    return await _page(request, who, esi_id, Report.METER)


@router.get(f"{HOME}/premise/export")
async def export_premise(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """The same as a CSV file (PMI-05)."""
    return await premise_file(request, await visible_meter(request, who, esi_id))


@router.get(f"{HOME}/meter/export")
async def export_meter(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """The same as a CSV file (PMI-05)."""
    return await meter_file(request, await visible_meter(request, who, esi_id))


async def _page(request: Request, who: Entered, esi_id: str, report: Report) -> Response:
    seen = await visible_meter(request, who, esi_id)
    known: PremiseInformation | MeterInformation
    async with portal_of(request).database.reading() as connection:
        if report is Report.PREMISE:
            (known,) = await premise_information(connection, [seen])
        else:
            (known,) = await meter_information(connection, [seen])
    title, home = TITLES[report], f"{ACCOUNT_METERS.href}/{seen.esi_id}"
    other = Report.METER if report is Report.PREMISE else Report.PREMISE
    return PAGES.page(
        request,
        "information.html",
        who,
        title,
        place=ACCOUNT_METERS.href if who.viewer.kind in LISTED_THERE else USAGE_METERS.href,
        beneath=(Place(title, f"{home}/{report}"),),
        help_at="information",
        meter=seen,
        rows=field_rows(report, known),
        export=f"{home}/{report}/export",
        other=Place(TITLES[other], f"{home}/{other}"),
        usage=address_of(seen),
    )
