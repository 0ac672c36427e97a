"""Booking a read of a meter for an instant, and taking a booking back."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response

from gateway.identifiers import RequestId
from portal.api.wishes import booked, cancelled_booked
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import problem_of_refusal
from portal.pages.booking_card import BOOK_FORM, instant_of
from portal.pages.done_words import and_done
from portal.pages.forms import Form
from portal.pages.meter_view import address_of, meter_page, visible_meter
from portal.pages.navigation import USAGE_METERS
from portal.pages.refusals import BAD_FORM
from portal.parts import Part
from portal.wishes.placing import WishRefused

router = Part(include_in_schema=False, default_response_class=Response)

HERE = f"{USAGE_METERS.href}/{{esi_id}}/booked-reads"


@router.post(HERE)
async def book(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Book a read; with a fault the meter's page comes back with what was typed."""
    meter, portal = await visible_meter(request, who, esi_id), portal_of(request)
    form = await BOOK_FORM.read(request)
    at = instant_of(form)
    if isinstance(at, Form):
        return await meter_page(request, who, meter, booking=at, status=BAD_FORM)
    answer = await booked(portal, who.viewer, meter, at)
    if isinstance(answer, WishRefused):
        status = problem_of_refusal(answer, portal.clock).status
        refused = form.refused({"book_date": answer.words})
        return await meter_page(request, who, meter, booking=refused, status=status)
    return RedirectResponse(and_done(address_of(meter), "read-booked"), status_code=303)


@router.get(HERE)
async def back(request: Request, who: EnteredHere, esi_id: str) -> Response:
    """Where a reload of a refused booking leads."""
    return RedirectResponse(address_of(await visible_meter(request, who, esi_id)), status_code=303)


@router.post(f"{HERE}/{{wish_id}}/cancel")
async def cancel(request: Request, who: EnteredHere, esi_id: str, wish_id: Annotated[RequestId, Path()]) -> Response:
    """Take a booking back, unless it has been asked for meanwhile."""
    meter = await visible_meter(request, who, esi_id)
    done = await cancelled_booked(portal_of(request), who.viewer, meter, wish_id)
    word = "booking-cancelled" if done else "booking-over"
    return RedirectResponse(and_done(address_of(meter), word), status_code=303)


@router.get(f"{HERE}/{{wish_id}}/cancel")
async def back_to_meter(
    request: Request, who: EnteredHere, esi_id: str, wish_id: Annotated[RequestId, Path()]
) -> Response:
    """Where a reload leads."""
    return RedirectResponse(address_of(await visible_meter(request, who, esi_id)), status_code=303)
