"""Why a quarter hour's value is what it is: its state, its versions, the receipt of its estimate."""

from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import Response

from gateway.clock import central_date
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.pages.chart import local
from portal.pages.day_view import NAMES
from portal.pages.meter_view import address_of, visible_meter
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.render import PAGES
from portal.parts import Part
from portal.usage.intervals import Channel
from portal.vee.expected import QUARTER
from portal.vee.explain import can_be_explained
from portal.vee.shown import WORDS

router = Part(include_in_schema=False, default_response_class=Response)


def instant_of(text: str) -> datetime | None:
    """The instant that an address means, None if it means none."""
    try:
        at = datetime.fromisoformat(text)
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 has no instant before it
        return None


@router.get(f"{USAGE_METERS.href}/{{esi_id}}/explain/{{start}}")
async def explain(request: Request, who: EnteredHere, esi_id: str, start: str, channel: str = "C") -> Response:
    """The page. A customer is told of the current version only (RPT-05)."""
    meter, portal, at = await visible_meter(request, who, esi_id), portal_of(request), instant_of(start)
    if portal.explainer is None or at is None or channel not in list(Channel):
        raise NotFound
    if not can_be_explained(at, portal.clock.now()):
        raise NotFound
    every = who.viewer.kind is not Kind.CUSTOMER
    told = await portal.explainer.explain(meter, at, Channel(channel), every_version=every)
    hours = f"{central_date(at):%m/%d/%Y}, {local(at)} to {local(at + QUARTER)}"
    title = f"Why this value: {hours}"
    return PAGES.page(
        request,
        "explain.html",
        who,
        title,
        place=USAGE_METERS.href,
        beneath=(
            Place(f"{meter.service_address}, {meter.city}", address_of(meter)),
            Place(title, request.url.path),
        ),
        help_at="reports",
        meter=meter,
        told=told,
        channel=NAMES[told.channel][0],
        state="not owed" if told.state is None else WORDS[told.state],
        back=f"{address_of(meter)}?day={central_date(at)}",
    )
