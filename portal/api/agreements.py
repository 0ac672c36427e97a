"""Agreements over the API: a REP lists them, asks customers for new ones, sends the letter again, ends them."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import EsiId
from portal.acting import actor_of
from portal.agreements.changing import NewAgreement, make_agreement, resend_agreement, terminate_agreement
from portal.agreements.machine import AgreementKind, AgreementStatus
from portal.agreements.shown import Agreement, AgreementPage, find_agreement, list_agreements
from portal.api.answered import answered
from portal.api.described import problems
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, NotPermitted
from portal.parts import Part
from portal.permissions import Action

router = Part(tags=["Agreements"])
AgreementId = Annotated[int, Path(ge=1, le=2**31 - 1)]
BEFORE = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Continue before this agreement.")]


class AgreementBody(BaseModel):
    """What a customer is asked for: the letter goes to email, in language (en or es)."""

    model_config = ConfigDict(extra="forbid")

    esi_id: EsiId
    kind: AgreementKind
    months: Annotated[int, Field(description="1, 3, 6, 9, 12, 24 or 36, from the customer's consent on.")]
    email: Annotated[str, Field(max_length=254)]
    language: Annotated[str, Field(max_length=2)] = "en"


@router.get("/agreements", responses=problems(401, 403))
async def get_agreements(
    request: Request,
    viewer: ViewerHere,
    status: AgreementStatus | None = None,
    esi_id: EsiId | None = None,
    before: BEFORE = None,
) -> AgreementPage:
    """Your company's agreements, the newest first, 50 at a time: all of them to administrators, to users those of the
    meters that they see."""
    if not viewer.may(Action.SEE_AGREEMENTS):
        raise NotPermitted
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return await list_agreements(
            connection, viewer, portal.clock.now(), before=before, status=status, esi_id=esi_id
        )


@router.post("/agreements", status_code=201, response_model=Agreement, responses=problems(401, 403, 409))
async def post_agreement(request: Request, viewer: ViewerHere, body: AgreementBody) -> Any:
    """Ask the customer of a meter whose REP of record you are for an agreement; 409 if one of that kind stands."""
    portal, new = portal_of(request), NewAgreement(**body.model_dump())
    secret = portal.credentials.make_link().secret
    answer = await portal.acting.run(actor_of(viewer), lambda act: make_agreement(act, viewer, new, secret))
    return answered(request, answer)


@router.get("/agreements/{agreement_id}", responses=problems(401, 404))
async def get_agreement(request: Request, viewer: ViewerHere, agreement_id: AgreementId) -> Agreement:
    """One agreement."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await find_agreement(connection, viewer, agreement_id, portal.clock.now())
    if found is None:
        raise NotFound
    return found


@router.post("/agreements/{agreement_id}/resend", response_model=Agreement, responses=problems(401, 403, 404, 409))
async def post_resend(request: Request, viewer: ViewerHere, agreement_id: AgreementId) -> Any:
    """Send the letter again, which can be done once; its new link takes the place of the earlier one."""
    portal = portal_of(request)
    secret = portal.credentials.make_link().secret
    answer = await portal.acting.run(actor_of(viewer), lambda act: resend_agreement(act, viewer, agreement_id, secret))
    return answered(request, answer)


@router.post("/agreements/{agreement_id}/terminate", response_model=Agreement, responses=problems(401, 403, 404, 409))
async def post_terminate(request: Request, viewer: ViewerHere, agreement_id: AgreementId) -> Any:
    """End an agreement, or take the question back."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer), lambda act: terminate_agreement(act, viewer, agreement_id)
    )
    return answered(request, answer)
