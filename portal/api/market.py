"""The market feed over the API: TDSPs tell notices and see what became of them; premises as they were."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime

from gateway.identifiers import EsiId
from gateway.market_notices import MarketNotices
from portal.api.described import problems
from portal.api_keys.keys import KeyHolder
from portal.api_keys.tables import Scope
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import scoped
from portal.errors import NotFound, NotPermitted
from portal.market.feed import NoticeOutcome, Sender
from portal.market.history import NoticeSeen, PremiseAsOf, notices_of, premise_as_of
from portal.market.tables import NoticeSource, NoticeState
from portal.parts import Part
from portal.permissions import Action
from portal.viewer import Viewer
from portal.visibility import find_premise

router = Part(tags=["Market"])

PAGE = 100
LARGEST = 2**31 - 1
Reader = Annotated[Viewer | KeyHolder, Depends(scoped(Scope.MARKET_READ))]
Writer = Annotated[Viewer | KeyHolder, Depends(scoped(Scope.MARKET_WRITE))]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePage:
    """Up to 100 notices in the order in which they came; next_after continues the list, None at its end."""

    notices: list[NoticeSeen]
    next_after: int | None


@router.post("/market/notices", responses=problems(401, 403))
async def tell_notices(request: Request, teller: Writer, told: MarketNotices) -> list[NoticeOutcome]:
    """Tell up to 1,000 notices of your premises, in their order; the answer says of each what became of it.

    A notice that comes again changes nothing and gets the answer that holds now.
    """
    if teller.kind is not Kind.TDSP or teller.company_id is None:
        raise NotPermitted
    if isinstance(teller, Viewer) and not teller.may(Action.TELL_NOTICES):
        raise NotPermitted
    sender = Sender(company_id=teller.company_id, active=True)
    return await portal_of(request).market.take(sender, told.notices, NoticeSource.API)


@router.get("/market/notices", responses=problems(401, 403))
async def list_notices(
    request: Request,
    reader: Reader,
    state: Annotated[NoticeState | None, Query(description="Only those of this state.")] = None,
    id: Annotated[str | None, Query(description="Only the one of this id of yours.", max_length=64)] = None,  # noqa: A002  # the notice's own word
    after: Annotated[int, Query(description="Continue after this number.", ge=0, le=LARGEST)] = 0,
) -> NoticePage:
    """The notices that your company told, however they came."""
    if reader.kind is not Kind.TDSP or reader.company_id is None:
        raise NotPermitted
    async with portal_of(request).database.reading() as connection:
        found = await notices_of(connection, reader.company_id, state, id, after, PAGE + 1)
    return NoticePage(notices=found[:PAGE], next_after=found[PAGE - 1].number if len(found) > PAGE else None)


@router.get("/premises/{esi_id}", responses=problems(401, 403, 404))
async def show_premise(
    request: Request,
    reader: Reader,
    esi_id: EsiId,
    at: Annotated[AwareDatetime | None, Query(description="As it was at this instant; without it, as it is.")] = None,
) -> PremiseAsOf:
    """A premise, its meter and its REP of record at an instant: for its TDSP, and for its current REP of record."""
    portal = portal_of(request)
    now = portal.clock.now()
    async with portal.database.reading() as connection:
        premise = await find_premise(connection, reader, esi_id, now)
        found = None if premise is None else await premise_as_of(connection, premise, at or now)
    if found is None:
        raise NotFound
    return found
