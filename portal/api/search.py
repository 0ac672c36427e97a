"""The quick search over the API: a meter by any part of what somebody on the phone says."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request

from portal.api.described import problems
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.meters.quick_search import Hit, quick_search
from portal.parts import Part

router = Part(tags=["Meters and reads"])


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMeters:
    """Up to 8 meters of yours; more says that there are others.

    complete says that each of your meters was looked through, which is so up to 2,500 of them; with more, what you
    typed was taken as the beginning of an identifier, a street, a last name or an email address.
    """

    hits: list[Hit]
    more: bool
    complete: bool


@router.get("/meters/search", responses=problems(401))
async def search_meters(
    request: Request,
    viewer: ViewerHere,
    q: Annotated[str, Query(description="3 characters at least: of ESI ID, meter number, address or customer.")] = "",
) -> FoundMeters:
    """Find a meter by any part of its ESI ID, meter number (a former one too), address or customer."""
    portal = portal_of(request)
    found = await quick_search(portal.database, viewer, q, portal.clock.now())
    return FoundMeters(hits=list(found.hits), more=found.more, complete=found.complete)
