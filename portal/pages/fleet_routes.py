"""The operator's pages: a wires company's gateways, what is under way at them, and how complete its days are."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.approvals.company_queue import waiting_companies
from portal.approvals.duns_queue import waiting_numbers
from portal.companies.kinds import Kind
from portal.context import Portal, portal_of
from portal.customers.releases import open_requests
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.faults import PeopleRefused
from portal.han.status import CommandKind
from portal.pages.fleet_rows import MOST, fleet_of
from portal.pages.navigation import COMPANY_REQUESTS, DUNS_REQUESTS, FLEET, RELEASE_REQUESTS, Place
from portal.pages.render import PAGES
from portal.parts import Part
from portal.vee.overview import DayOverview
from portal.viewer import Viewer

router = Part(include_in_schema=False, default_response_class=Response)

DAYS = 7
LACKS = 100
COMMAND_WORDS: Mapping[CommandKind, str] = {
    CommandKind.JOIN: "Join",
    CommandKind.REMOVE: "Removal",
    CommandKind.REKEY: "New key",
    CommandKind.PING: "Ping",
    CommandKind.DESCRIBE: "Interview",
    CommandKind.TEXT: "Text",
    CommandKind.CANCEL_TEXT: "Text taken back",
    CommandKind.PRICE: "Price",
    CommandKind.LOAD_CONTROL: "Load control",
    CommandKind.CANCEL_LOAD_CONTROL: "Load control taken back",
    CommandKind.CANCEL_ALL_LOAD_CONTROL: "All load control taken back",
    CommandKind.ASSIGN: "Meter assigned",
    CommandKind.WITHDRAW: "Meter withdrawn",
    CommandKind.ROTATE_KEY: "New network key",
}


@router.get("/fleet")
async def fleet(request: Request, who: EnteredHere) -> Response:
    """A wires company's gateways, what waits for its people, and what is under way."""
    if who.viewer.kind is not Kind.TDSP:
        raise NotFound
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await fleet_of(connection, who.viewer, portal.clock.now())
        queues = await _queues(connection, who.viewer, portal)
    return PAGES.page(
        request,
        "fleet.html",
        who,
        FLEET.words,
        place=FLEET.href,
        help_at="fleet",
        fleet=found,
        most=MOST,
        queues=queues,
        days=await _days(portal, who.viewer),
        command_words=COMMAND_WORDS,
    )


@router.get("/fleet/days/{day}")
async def missed(request: Request, who: EnteredHere, day: Annotated[date, Path()]) -> Response:
    """The meters that lack something of a day, and who owes it."""
    portal = portal_of(request)
    if who.viewer.kind is not Kind.TDSP or portal.overview is None:
        raise NotFound
    lacks = await portal.overview.lacks(who.viewer.company or "", day, LACKS + 1)
    title = f"Missed on {day:%m/%d/%Y}"
    return PAGES.page(
        request,
        "missed.html",
        who,
        title,
        place=FLEET.href,
        beneath=[Place(title, f"{FLEET.href}/days/{day}")],
        help_at="fleet",
        lacks=lacks[:LACKS],
        more=len(lacks) > LACKS,
        day=day,
    )


async def _days(portal: Portal, viewer: Viewer) -> list[DayOverview]:
    return [] if portal.overview is None else await portal.overview.recent_days(viewer.company or "", DAYS)


async def _queues(connection: AsyncConnection, viewer: Viewer, portal: Portal) -> list[tuple[Place, int]]:
    """What waits for an answer of this viewer's, with how much of it."""
    now = portal.clock.now()
    asked = (
        (COMPANY_REQUESTS, await waiting_companies(connection, viewer, now)),
        (DUNS_REQUESTS, await waiting_numbers(connection, viewer, now)),
        (RELEASE_REQUESTS, await open_requests(connection, viewer, now)),
    )
    return [(place, len(found)) for place, found in asked if not isinstance(found, PeopleRefused)]
