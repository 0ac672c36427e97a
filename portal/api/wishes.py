"""Reads that are asked for later over the API: batches of many meters, and reads booked for an instant."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.api.described import problems
from portal.api.meters import MeterHere
from portal.context import Portal, portal_of
from portal.entrance import ViewerHere
from portal.errors import NotFound, problem_of_refusal, problem_response
from portal.orders.meter_list import BadList, By, MeterList, read_values
from portal.orders.request import OrderRefusal, OrderRefused
from portal.parts import Part
from portal.reports.forms import MEDIA_TYPES, Format
from portal.viewer import Viewer
from portal.visibility import VisibleMeter
from portal.wishes.placing import WishRefused, book, cancel_batch, cancel_booked, place_batch
from portal.wishes.results import results_csv
from portal.wishes.shown import Batch, BatchSummary, WishedRead, booked_reads, find_batch, find_booked, list_batches

router = Part(tags=["Reads for later"])

POLL_S = 2
"""How soon to look again at a batch that is under way."""
BatchId = Annotated[RequestId, Path()]


class BatchBody(BaseModel):
    """The meters of a batch."""

    model_config = ConfigDict(extra="forbid")

    meters: Annotated[list[str], Field(description="ESI IDs or meter numbers, one kind of them; at most 500.")]
    by: Annotated[By, Field(description="What the values of the list are.")] = By.ESI_ID


class BookedBody(BaseModel):
    """The instant of a booked read."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[AwareDatetime, Field(description="When the meter is to be read, within the next seven days.")]


@router.post("/read-batches", status_code=202, response_model=Batch, responses=problems(401, 403, 429))
async def place_read_batch(
    request: Request, response: Response, viewer: ViewerHere, body: BatchBody
) -> Batch | JSONResponse:
    """Ask for on-demand reads of many meters: 202 with the batch's place. They enter in pieces, each decided alone."""
    portal = portal_of(request)
    wanted = read_values(body.meters, body.by, portal.settings.reads.batch_meters)
    if isinstance(wanted, BadList):
        refused = OrderRefused(reason=OrderRefusal.LIST, words=wanted.words, faults=wanted.faults, more=wanted.more)
        return problem_response(problem_of_refusal(refused, portal.clock))
    answer = await placed_batch(portal, viewer, wanted)
    if isinstance(answer, WishRefused):
        return problem_response(problem_of_refusal(answer, portal.clock))
    response.headers["Location"] = f"/api/v1/read-batches/{answer}"
    response.headers["Retry-After"] = f"{POLL_S}"
    return await batch_here(portal, viewer, answer)


async def placed_batch(portal: Portal, viewer: Viewer, wanted: MeterList) -> RequestId | WishRefused:
    """Keep a batch and begin with it."""

    async def job(connection: AsyncConnection) -> RequestId | WishRefused:
        return await place_batch(connection, viewer, wanted, portal.settings.reads, portal.dice, portal.clock.now())

    answer = await portal.database.write(job)
    portal.asker.wake()
    return answer


async def batch_here(portal: Portal, viewer: Viewer, batch_id: RequestId) -> Batch:
    """One of the viewer's own batches as it is now. Raises NotFound."""
    async with portal.database.reading() as connection:
        found = await find_batch(connection, viewer, batch_id, portal.clock.now())
    if found is None:
        raise NotFound
    return found


@router.get("/read-batches", responses=problems(401))
async def list_read_batches(request: Request, viewer: ViewerHere) -> list[BatchSummary]:
    """Your newest 25 batches of reads."""
    async with portal_of(request).database.reading() as connection:
        return await list_batches(connection, viewer)


@router.get("/read-batches/{batch_id}", responses=problems(401, 404))
async def show_read_batch(request: Request, response: Response, viewer: ViewerHere, batch_id: BatchId) -> Batch:
    """One of your batches with all that has come so far. While it is under way, Retry-After says when to look again."""
    batch = await batch_here(portal_of(request), viewer, batch_id)
    if not batch.ended:
        response.headers["Retry-After"] = f"{POLL_S}"
    return batch


@router.get("/read-batches/{batch_id}/results.csv", response_class=Response, responses=problems(401, 404))
async def read_batch_file(request: Request, viewer: ViewerHere, batch_id: BatchId) -> Response:
    """What has come so far, as a CSV file."""
    return file_of(await batch_here(portal_of(request), viewer, batch_id))


def file_of(batch: Batch) -> Response:
    """The results of a batch as a file to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="reads-{batch.placed_at:%Y%m%d-%H%M%S}.csv"'}
    return Response(results_csv(batch), media_type=MEDIA_TYPES[Format.CSV], headers=headers)


@router.post("/read-batches/{batch_id}/cancel", responses=problems(401, 404))
async def cancel_read_batch(request: Request, viewer: ViewerHere, batch_id: BatchId) -> Batch:
    """Take back what of a batch has not been asked for yet; reads that are under way go on."""
    portal = portal_of(request)
    await cancelled_batch(portal, viewer, batch_id)
    return await batch_here(portal, viewer, batch_id)


async def cancelled_batch(portal: Portal, viewer: Viewer, batch_id: RequestId) -> int:
    """How many reads of a batch were taken back. Raises NotFound."""

    async def job(connection: AsyncConnection) -> int | None:
        return await cancel_batch(connection, viewer, batch_id, portal.clock.now())

    count = await portal.database.write(job)
    if count is None:
        raise NotFound
    return count


@router.post(
    "/meters/{esi_id}/booked-reads",
    status_code=201,
    response_model=WishedRead,
    responses=problems(401, 403, 404, 429),
)
async def book_read(
    request: Request, response: Response, viewer: ViewerHere, meter: MeterHere, body: BookedBody
) -> WishedRead | JSONResponse:
    """Book an on-demand read for an instant; it is asked for then, with the rights that you have then."""
    portal = portal_of(request)
    answer = await booked(portal, viewer, meter, body.at.astimezone(UTC))
    if isinstance(answer, WishRefused):
        return problem_response(problem_of_refusal(answer, portal.clock))
    response.headers["Location"] = f"/api/v1/meters/{meter.esi_id}/booked-reads/{answer}"
    return await _booked_here(portal, viewer, meter, answer)


async def booked(portal: Portal, viewer: Viewer, meter: VisibleMeter, at: datetime) -> RequestId | WishRefused:
    """Book a read and let the asker know of its instant."""

    async def job(connection: AsyncConnection) -> RequestId | WishRefused:
        now = portal.clock.now()
        return await book(connection, viewer, meter, at, portal.settings.reads, portal.dice, now)

    answer = await portal.database.write(job)
    portal.asker.wake()
    return answer


async def _booked_here(portal: Portal, viewer: Viewer, meter: VisibleMeter, wish_id: RequestId) -> WishedRead:
    async with portal.database.reading() as connection:
        found = await find_booked(connection, viewer, meter, wish_id)
    if found is None:
        raise NotFound
    return found


@router.get("/meters/{esi_id}/booked-reads", responses=problems(401, 404))
async def list_booked_reads(request: Request, viewer: ViewerHere, meter: MeterHere) -> list[WishedRead]:
    """Your booked reads of a meter that have not become reads, the last instant first."""
    return await booked_reads(portal_of(request).database, viewer, meter)


@router.get("/meters/{esi_id}/booked-reads/{wish_id}", responses=problems(401, 404))
async def show_booked_read(request: Request, viewer: ViewerHere, meter: MeterHere, wish_id: RequestId) -> WishedRead:
    """One of your booked reads, with the read that came of it."""
    return await _booked_here(portal_of(request), viewer, meter, wish_id)


@router.post("/meters/{esi_id}/booked-reads/{wish_id}/cancel", responses=problems(401, 404))
async def cancel_booked_read(request: Request, viewer: ViewerHere, meter: MeterHere, wish_id: RequestId) -> WishedRead:
    """Take a booked read back that is still to come; one that was asked for stays as it is."""
    portal = portal_of(request)
    await cancelled_booked(portal, viewer, meter, wish_id)
    return await _booked_here(portal, viewer, meter, wish_id)


async def cancelled_booked(portal: Portal, viewer: Viewer, meter: VisibleMeter, wish_id: RequestId) -> bool:
    """Whether a booked read was still to come and is taken back. Raises NotFound."""

    async def job(connection: AsyncConnection) -> bool | None:
        return await cancel_booked(connection, viewer, meter.esi_id, wish_id, portal.clock.now())

    done = await portal.database.write(job)
    if done is None:
        raise NotFound
    return done
