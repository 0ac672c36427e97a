"""Customers over the API: registration, their meters, who holds a meter, and requests for its release."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.identifiers import EsiId, MeterNumber
from portal.acting import actor_of
from portal.api.answered import answered, too_often
from portal.api.approvals import Number
from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.context import portal_of
from portal.customers.attaching import AttachedMeter, detach
from portal.customers.holders import Holder, ask_holder, own_meters
from portal.customers.importing import Imported, import_pairs
from portal.customers.pair_list import read_pairs
from portal.customers.pairs import Pair
from portal.customers.registration import CustomerForm, RegisteredCustomer, check_customer, register_guarded
from portal.customers.releases import ReleaseRequest, answer_request, ask_release, latest_request, open_requests
from portal.entrance import ViewerHere, origin_of
from portal.errors import NotFound, NotPermitted, problem_of_refusal, problem_response
from portal.faults import PeopleRefused
from portal.orders.meter_list import BadList
from portal.orders.request import OrderRefusal, OrderRefused
from portal.parts import Part
from portal.permissions import Action
from portal.registration.fields import Comment

router = Part(tags=["Customers"])


class PairBody(BaseModel):
    """A meter as it stands on the electric bill."""

    model_config = ConfigDict(extra="forbid")

    esi_id: EsiId
    meter_number: MeterNumber


class PairsBody(BaseModel):
    """A CSV file of meters: two values a row, the ESI ID and the meter number, and no header."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200, description="The file's name; it ends with .csv.")]
    csv: Annotated[str, Field(max_length=100_000, description="The file's text.")]


class AskBody(BaseModel):
    """Why the meter should be released: shown and mailed to the TDSP."""

    model_config = ConfigDict(extra="forbid")

    comment: Comment


class AnswerBody(BaseModel):
    """The TDSP's answer. A comment is required to decline, and mailed to the REP."""

    model_config = ConfigDict(extra="forbid")

    release: Annotated[bool, Field(description="True releases the meter at once, false declines.")]
    comment: Comment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who holds a meter, and the newest request of your company about that; null for nobody and none."""

    holder: Holder | None
    request: ReleaseRequest | None


@router.post("/registrations/customers", status_code=201, response_model=RegisteredCustomer, responses=problems(429))
async def post_customer(request: Request, body: CustomerForm) -> Any:
    """Register as a customer. The way to sign in comes by mail; without a sign-in the account lasts 14 days."""
    portal = portal_of(request)
    customer = check_customer(body)
    if isinstance(customer, PeopleRefused):
        return answered(request, customer)
    if refused := too_often(request, portal.registrations):
        return answered(request, refused)
    credential = await portal.credentials.make()
    address = origin_of(request).address
    return answered(request, await register_guarded(portal.acting, portal.guesses, address, customer, credential))


@router.get("/customers/meters", responses=problems(401, 403))
async def get_own_meters(request: Request, viewer: ViewerHere) -> list[AttachedMeter]:
    """For customers: the meters that are attached to your account."""
    if not viewer.may(Action.ATTACH_METERS):
        raise NotPermitted
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return await own_meters(connection, viewer, portal.clock.now())


@router.post("/customers/meters", response_model=AttachedMeter, responses=problems(401, 403, 409, 429))
async def post_own_meter(request: Request, viewer: ViewerHere, body: PairBody) -> Any:
    """For customers: attach a meter. One that is attached to you already stays as it is."""
    portal = portal_of(request)
    pair = Pair(esi_id=body.esi_id, number=body.meter_number)
    return answered(request, await portal.guesses.attach(portal.acting, viewer, origin_of(request).address, pair))


@router.post("/customers/meters/import", response_model=list[Imported], responses=problems(401, 403))
async def post_pairs(request: Request, viewer: ViewerHere, body: PairsBody) -> Any:
    """For customers: attach up to 100 meters of a file, each by itself. A file with any fault is refused whole."""
    if not viewer.may(Action.ATTACH_METERS):
        raise NotPermitted
    portal = portal_of(request)
    found = read_pairs(body.name, body.csv.encode())
    if isinstance(found, BadList):
        refused = OrderRefused(reason=OrderRefusal.LIST, words=found.words, faults=list(found.faults), more=found.more)
        return problem_response(problem_of_refusal(refused, portal.clock))
    return await import_pairs(portal.guesses, portal.acting, viewer, origin_of(request).address, found.pairs)


@router.delete("/customers/meters/{esi_id}", status_code=204, response_model=None, responses=problems(401, 404))
async def delete_own_meter(request: Request, viewer: ViewerHere, esi_id: Annotated[EsiId, Path()]) -> Any:
    """For customers: take a meter off your account."""
    if not viewer.may(Action.ATTACH_METERS):
        raise NotFound  # as for a meter that is not there
    return answered(
        request, await portal_of(request).acting.run(actor_of(viewer), lambda act: detach(act, viewer, esi_id))
    )


@router.get("/meters/{esi_id}/holder", responses=problems(401, 403, 404))
async def get_holder(request: Request, viewer: ViewerHere, meter: MeterHere) -> Held:
    """For the REP of record: the customer who attached the meter, and what your company asked about it."""
    if not viewer.may(Action.ASK_RELEASES):
        raise NotPermitted
    portal = portal_of(request)
    holder = await ask_holder(portal.database, viewer, meter)
    async with portal.database.reading() as connection:
        asked = await latest_request(connection, viewer, meter.esi_id, portal.clock.now())
    return Held(holder=holder, request=asked)


@router.post("/meters/{esi_id}/release-requests", response_model=ReleaseRequest, responses=problems(401, 403, 404, 409))
async def post_release_request(request: Request, viewer: ViewerHere, meter: MeterHere, body: AskBody) -> Any:
    """For the REP of record: ask the TDSP to release the meter. Asked again, the answer is the request that is open."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer), lambda act: ask_release(act, viewer, meter.esi_id, body.comment)
    )
    return answered(request, answer)


@router.get("/release-requests", response_model=list[ReleaseRequest], responses=problems(401, 403))
async def get_release_requests(request: Request, viewer: ViewerHere) -> Any:
    """The open requests: for a TDSP's administrators those that they answer, for a REP its own."""
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        return answered(request, await open_requests(connection, viewer, portal.clock.now()))


@router.post("/release-requests/{request_id}", response_model=ReleaseRequest, responses=problems(401, 403, 404))
async def post_answer(request: Request, viewer: ViewerHere, request_id: Number, body: AnswerBody) -> Any:
    """For a TDSP's administrators: release the meter, or decline. The first answer binds."""
    answer = await portal_of(request).acting.run(
        actor_of(viewer),
        lambda act: answer_request(act, viewer, request_id, body.comment, release=body.release),
    )
    return answered(request, answer)
