"""Batches of on-demand reads as pages: placed from typed numbers or chosen meters, followed, fetched, taken back."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.accounts.sessions import Entered
from portal.api.wishes import batch_here, cancelled_batch, file_of, placed_batch
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound, problem_of_refusal
from portal.orders.meter_list import BadList, By, MeterList, read_values
from portal.pages.batch_view import FORM, batch_view, summary_rows, typed_values
from portal.pages.choosing import CHOSEN
from portal.pages.done_words import and_done, done_words
from portal.pages.export_routes import esi_ids_of, kept_list
from portal.pages.forms import Form
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.refusals import BAD_FORM
from portal.pages.render import PAGES
from portal.parts import Part
from portal.wishes.placing import WishRefused
from portal.wishes.shown import BatchSummary, list_batches

router = Part(include_in_schema=False, default_response_class=Response)

HERE = "/reads/batches"
TITLE = "Batches of Reads"
BatchId = Annotated[RequestId, Path()]


def reader_of(who: Entered) -> None:
    """Raises NotFound for those who have no meters to read: the operating team, ERCOT, the PUCT, third parties."""
    if not who.viewer.may_request_reads or who.viewer.kind is Kind.OPERATOR:
        raise NotFound


@router.get(HERE)
async def batches(request: Request, who: EnteredHere) -> Response:
    """The form for a new batch, and the newest ones."""
    reader_of(who)
    return await _page(request, who, FORM.filled({"by": By.ESI_ID}))


@router.post(HERE)
async def place(request: Request, who: EnteredHere) -> Response:
    """Place a batch of the numbers that were typed; with a fault they stay as they are."""
    reader_of(who)
    form = await FORM.read(request)
    if form.faults:
        return await _page(request, who, form, status=BAD_FORM)
    by = By(form["by"])
    wanted = read_values(typed_values(form["meters"]), by, portal_of(request).settings.reads.batch_meters)
    if isinstance(wanted, BadList):
        return await _page(request, who, form.refused({"meters": wanted.words}), status=BAD_FORM)
    return await _placed(request, who, form, wanted)


@router.post(f"{HERE}/chosen")
async def place_chosen(request: Request, who: EnteredHere) -> Response:
    """Place a batch of the meters that were ticked in the list, or of an imported list."""
    reader_of(who)
    sent = await request.form()
    list_id = sent.get("list")
    kept = await kept_list(request, who, list_id) if isinstance(list_id, str) else None
    if kept is not None:
        values, by = list(kept.wanted.values), kept.wanted.by
    else:
        values, by = [str(each) for each in esi_ids_of(sent.getlist(CHOSEN))], By.ESI_ID
    form = FORM.filled({"by": by, "meters": "\n".join(values)})
    if not values:
        return await _page(request, who, form.refused({"meters": "Select at least one meter"}), status=BAD_FORM)
    wanted = read_values(values, by, portal_of(request).settings.reads.batch_meters)
    if isinstance(wanted, BadList):
        return await _page(request, who, form.refused({"meters": wanted.words}), status=BAD_FORM)
    return await _placed(request, who, form, wanted)


@router.get(f"{HERE}/chosen")
async def back_to_batches(who: EnteredHere) -> Response:
    """Where a reload of a refused choice leads."""
    reader_of(who)
    return RedirectResponse(HERE, status_code=303)


@router.get(f"{HERE}/{{batch_id}}")
async def one(request: Request, who: EnteredHere, batch_id: BatchId) -> Response:
    """A batch: its progress and what has come so far."""
    reader_of(who)
    batch = await batch_here(portal_of(request), who.viewer, batch_id)
    view = batch_view(batch)
    return PAGES.page(
        request,
        "batch.html",
        who,
        view.title,
        place=USAGE_METERS.href,
        beneath=(Place(TITLE, HERE), Place(view.title, request.url.path)),
        help_at="on-demand",
        batch=batch,
        view=view,
        here=f"{HERE}/{batch_id}",
        done=done_words(request.query_params),
    )


@router.get(f"{HERE}/{{batch_id}}/results.csv")
async def results(request: Request, who: EnteredHere, batch_id: BatchId) -> Response:
    """What has come so far, as a file."""
    reader_of(who)
    return file_of(await batch_here(portal_of(request), who.viewer, batch_id))


@router.post(f"{HERE}/{{batch_id}}/cancel")
async def cancel(request: Request, who: EnteredHere, batch_id: BatchId) -> Response:
    """Take back what has not been asked for."""
    reader_of(who)
    await cancelled_batch(portal_of(request), who.viewer, batch_id)
    return RedirectResponse(and_done(f"{HERE}/{batch_id}", "batch-cancelled"), status_code=303)


@router.get(f"{HERE}/{{batch_id}}/cancel")
async def back_to_batch(who: EnteredHere, batch_id: BatchId) -> Response:
    """Where a reload leads."""
    reader_of(who)
    return RedirectResponse(f"{HERE}/{batch_id}", status_code=303)


async def _placed(request: Request, who: Entered, form: Form, wanted: MeterList) -> Response:
    portal = portal_of(request)
    answer = await placed_batch(portal, who.viewer, wanted)
    if isinstance(answer, WishRefused):
        status = problem_of_refusal(answer, portal.clock).status
        return await _page(request, who, form.refused({"meters": answer.words}), status=status)
    return RedirectResponse(and_done(f"{HERE}/{answer}", "batch-placed"), status_code=303)


async def _page(request: Request, who: Entered, form: Form, status: int = 200) -> Response:
    portal = portal_of(request)

    async def listed(connection: AsyncConnection) -> list[BatchSummary]:
        return await list_batches(connection, who.viewer)

    async with portal.database.reading() as connection:
        found = await listed(connection)
    rows = summary_rows(found, HERE)
    return PAGES.page(
        request,
        "batches.html",
        who,
        TITLE,
        place=USAGE_METERS.href,
        beneath=(Place(TITLE, HERE),),
        help_at="on-demand",
        status=status,
        error=bool(form.faults),
        form=form,
        rows=rows,
        following=any(not each.batch.ended for each in rows),
        most=portal.settings.reads.batch_meters,
        limits=portal.desk.limits,
    )
