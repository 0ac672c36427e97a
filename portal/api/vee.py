"""The ledger over the API: why a value is what it is, and how complete a meter's days are."""

from datetime import UTC, date
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from gateway.clock import central_date
from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, problem_of_refusal, problem_response
from portal.meters.installed import first_installed
from portal.parts import Part
from portal.usage.intervals import Channel
from portal.usage.report_range import refusal
from portal.vee.explain import Completeness, Explanation, can_be_explained

router = Part(tags=["Usage"])


@router.get("/meters/{esi_id}/intervals/{start}/explain", responses=problems(401, 404))
async def explain_interval(
    request: Request,
    meter: MeterHere,
    viewer: ViewerHere,
    start: Annotated[AwareDatetime, Path(description="When the quarter hour begins, such as 2026-05-11T05:00:00Z.")],
    channel: Annotated[Channel, Query(description="C: consumption, G: generation.")] = Channel.CONSUMPTION,
) -> Explanation:
    """Why a quarter hour's value is what it is: its state, every version with its source, receipts and findings."""
    portal = portal_of(request)
    if portal.explainer is None:
        raise NotFound
    at = start.astimezone(UTC)
    if not can_be_explained(at, portal.clock.now()):
        where = ("path", "start")
        raise RequestValidationError([{"loc": where, "msg": "not the beginning of a quarter hour of our days"}])
    every_version = viewer.kind is not Kind.CUSTOMER
    return await portal.explainer.explain(meter, at, channel, every_version=every_version)


@router.get("/meters/{esi_id}/completeness", response_model=Completeness, responses=problems(401, 404))
async def completeness(
    request: Request,
    meter: MeterHere,
    start: Annotated[date, Query(description="The first day, a Chicago date YYYY-MM-DD.")],
    end: Annotated[date, Query(description="The last day, included.")],
) -> Completeness | JSONResponse:
    """How many quarter hours of each day are present, late, being back-filled, estimated or impossible."""
    portal = portal_of(request)
    if portal.explainer is None:
        raise NotFound
    async with portal.database.reading() as connection:
        installed = central_date(await first_installed(connection, meter))
    refused = refusal(start, end, central_date(portal.clock.now()), installed)
    if refused is not None:
        return problem_response(problem_of_refusal(refused, portal.clock))
    return await portal.explainer.completeness(meter, start, end)
