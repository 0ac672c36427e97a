"""One meter's page: its heading, the On Demand Read card and the last reads."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId
from portal.accounts.sessions import Entered
from portal.context import Portal, portal_of
from portal.errors import NotFound
from portal.pages.agreement_card import agreement_card
from portal.pages.booking_card import BOOK_FORM, booking_card
from portal.pages.day_view import day_view
from portal.pages.done_words import done_words
from portal.pages.forms import Form
from portal.pages.holder_card import ASK_FORM, holder_card
from portal.pages.meter_rows import last_reads, meter_allowance, meter_facts
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.read_card import card_of
from portal.pages.reason_words import FLAGS, HOUR_KEPT, NOT_FULFILLED
from portal.pages.render import PAGES, inside
from portal.visibility import VisibleMeter, ask_meter


def address_of(meter: VisibleMeter) -> str:
    """The address of a meter's page."""
    return f"{USAGE_METERS.href}/{meter.esi_id}"


async def visible_meter(request: Request, who: Entered, esi_id: str) -> VisibleMeter:
    """The meter that an address means. Raises NotFound alike if it is none, not there, or not this viewer's."""
    try:
        wanted = EsiId(esi_id)
    except BadIdentifier:
        raise NotFound from None
    portal = portal_of(request)
    meter = await ask_meter(portal.database, who.viewer, wanted, portal.clock.now())
    if meter is None:
        raise NotFound
    return meter


async def meter_page(
    request: Request,
    who: Entered,
    meter: VisibleMeter,
    *,
    refusal: str = "",
    status: int = 200,
    asked: Form = ASK_FORM,
    booking: Form = BOOK_FORM,
    asked_from: str = "",
) -> HTMLResponse:
    """The page; refusal says why a read that was just asked for was not granted, asked a release that was refused.

    booking is the form of a read to be booked; asked_from is the address of the report from which
    the read was asked for, if it was one.
    """
    portal = portal_of(request)
    now = portal.clock.now()
    day = await day_view(portal.intervals, meter, request.query_params.get("day", ""))
    held = await holder_card(portal.database, who.viewer, meter, now, asked)
    heading = f"{meter.service_address}, {meter.city}"
    return PAGES.page(
        request,
        "meter.html",
        who,
        heading,
        place=USAGE_METERS.href,
        beneath=(Place(heading, address_of(meter)),),
        help_at="on-demand",
        status=status,
        error=bool(asked.faults or booking.faults),
        held=held,
        agreed=await agreement_card(portal.database, who.viewer, meter, now),
        booking=await booking_card(portal.database, who.viewer, meter, booking),
        done=done_words(request.query_params),
        day=day,
        **await read_values(portal, who, meter, refusal, asked_from),
    )


def address_asked_from(meter: VisibleMeter, back: str) -> str:
    """The address of the meter's report that a form of it names; anything else is none."""
    report = f"{address_of(meter)}/report"
    return back if inside(back) == back and back.partition("?")[0] == report else ""


async def read_values(
    portal: Portal, who: Entered, meter: VisibleMeter, refusal: str = "", asked_from: str = ""
) -> dict[str, Any]:
    """What the On Demand Read card of any page about a meter shows (ODR-01); a read leads back to asked_from."""
    now = portal.clock.now()
    reads = await last_reads(portal.database, meter, who.viewer)
    allowance = await meter_allowance(portal.database, meter, now, portal.desk.limits)
    latest = next((row for row in reads if row.read.meter == meter.number), None)
    return {
        "meter": meter,
        "facts": await meter_facts(portal.database, meter, now),
        "last_reads": reads,
        "refusal": refusal,
        "asked_from": asked_from,
        "may_request": who.viewer.may_request_reads,
        "reachable": meter.gateway is not None,
        "limits": portal.desk.limits,
        "flag_words": FLAGS,
        "not_fulfilled": NOT_FULFILLED,
        "hour_kept": HOUR_KEPT,
        "card": card_of(None if latest is None else latest.read, allowance, now),
    }
