"""A REP asks that its TDSP take a meter from the customer account that holds it; the TDSP releases it, or declines.

Guide 10.2; CUS-05, MAIL-11. A request is about one attachment. It is over once that has ended, however it did, or once
the REP that asked is not the meter's REP of record any more: this follows from the rows, so that nothing is scheduled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId, MeterNumber
from portal.accounts.tables import accounts
from portal.acting import Act
from portal.companies.correspondence import addresses_of_company
from portal.companies.status import DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.customers.attaching import meter_subject
from portal.customers.holders import holder_row
from portal.customers.letters import letter_of_loss, letters_of_answer, letters_of_asked_release
from portal.customers.tables import ReleaseStatus, release_requests
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form, not_now
from portal.market.addresses import service_address
from portal.market.tables import premises, rep_spans
from portal.meters.tables import attachments
from portal.permissions import Action
from portal.viewer import Viewer
from portal.visibility import AT_ONCE, find_meter, visible_meters

WHY_ASK = "Write why the meter should be released: the comment is shown and mailed to the TDSP."
WHY_DECLINE = "Write why the meter is not released: the comment is mailed to the REP."
NOBODY = "No customer account holds this meter: your customer can attach it now."
MOST = 500

_holder, _rep = accounts.alias("holder"), companies.alias("rep")
_span, _number = rep_spans.alias("current_span"), duns_numbers.alias("current_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """A request as both sides see it; holder is the name of the customer whose account holds the meter."""

    id: int
    esi_id: EsiId
    number: MeterNumber
    service_address: str
    city: str
    company: str
    holder: str
    comment: str
    asked_at: datetime
    status: ReleaseStatus
    answer: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meter:
    """What letters say of a meter."""

    esi_id: EsiId
    number: MeterNumber
    place: str


async def ask_release(act: Act, viewer: Viewer, esi_id: EsiId, comment: str) -> ReleaseRequest | PeopleRefused:
    """Ask for the release of a meter that the viewer sees; asked already, the request that is open is the answer."""
    if not viewer.may(Action.ASK_RELEASES) or viewer.company_id is None:
        return NOT_FOR_YOU
    meter = await find_meter(act.connection, viewer, esi_id, act.now)
    if meter is None:
        return NOT_THERE
    holder = await holder_row(act.connection, esi_id)
    if holder is None:
        return not_now(NOBODY)
    there = await latest_request(act.connection, viewer, esi_id, act.now)
    if there is not None and there.status is ReleaseStatus.OPEN:
        return there
    if not comment:
        return bad_form({"comment": WHY_ASK})
    values = {
        "esi_id": esi_id,
        "company_id": viewer.company_id,
        "holder_id": holder.id,
        "held_since": holder.attached_at,
        "asked_by": viewer.account_id,
        "asked_at": act.now,
        "comment": comment,
        "status": ReleaseStatus.OPEN,
    }
    await act.connection.execute(insert(release_requests).values(values))
    subject = meter_subject(esi_id, viewer.company_id)
    await act.note("meter.ask_release", subject, "asked of the TDSP by the REP of record", comment=comment)
    tdsp_id = await act.connection.scalar(select(premises.c.tdsp_id).where(premises.c.esi_id == esi_id))
    told = _Meter(esi_id=esi_id, number=meter.number, place=f"{meter.service_address}, {meter.city}")
    to = await addresses_of_company(act.connection, tdsp_id or 0)
    await act.mail(letters_of_asked_release(to, told, viewer.company or "", comment, act.address))
    return await latest_request(act.connection, viewer, esi_id, act.now) or NOT_THERE


async def latest_request(
    connection: AsyncConnection, viewer: Viewer, esi_id: EsiId, at: datetime
) -> ReleaseRequest | None:
    """The newest request of the viewer's company about who holds a meter now; None if it never asked."""
    chosen = _requests(viewer, at).where(release_requests.c.esi_id == esi_id)
    row = (await connection.execute(chosen.order_by(release_requests.c.id.desc()).limit(1))).one_or_none()
    return None if row is None else _shown(row)


async def open_requests(
    connection: AsyncConnection, viewer: Viewer, at: datetime
) -> list[ReleaseRequest] | PeopleRefused:
    """What waits, the oldest first: for a TDSP's administrators what they answer, for a REP what it asked."""
    if not (viewer.may(Action.DECIDE_RELEASES) or viewer.may(Action.ASK_RELEASES)):
        return NOT_FOR_YOU
    # Those that are open first: of all in one statement SQLite walks through the meters.
    open_ones = select(release_requests.c.id).where(release_requests.c.status == ReleaseStatus.OPEN, _at_theirs(viewer))
    ids = (await connection.scalars(open_ones.order_by(release_requests.c.id))).all()
    found: list[ReleaseRequest] = []
    for start in range(0, len(ids), AT_ONCE):
        some = _requests(viewer, at).where(release_requests.c.id.in_(ids[start : start + AT_ONCE]))
        found += [_shown(row) for row in await connection.execute(some.order_by(release_requests.c.id))]
        if len(found) >= MOST:
            break
    return found[:MOST]


def _at_theirs(viewer: Viewer) -> ColumnElement[bool]:
    """What leaves out the requests of others; which are theirs and not over is decided afterwards."""
    if viewer.may(Action.ASK_RELEASES):
        return release_requests.c.company_id == viewer.company_id
    return exists().where(premises.c.esi_id == release_requests.c.esi_id, premises.c.tdsp_id == viewer.company_id)


async def answer_request(
    act: Act, viewer: Viewer, request_id: int, comment: str | None, *, release: bool
) -> ReleaseRequest | PeopleRefused:
    """Release the meter, which is free at once, or decline; the first answer binds, and a decline says why."""
    if not viewer.may(Action.DECIDE_RELEASES):
        return NOT_FOR_YOU
    chosen = _requests(viewer, act.now).where(
        release_requests.c.id == request_id, release_requests.c.status == ReleaseStatus.OPEN
    )
    row = (await act.connection.execute(chosen)).one_or_none()
    if row is None:
        return NOT_THERE
    if not release and not comment:
        return bad_form({"comment": WHY_DECLINE})
    status = ReleaseStatus.RELEASED if release else ReleaseStatus.DECLINED
    answer = {"status": status, "answered_by": viewer.account_id, "answered_at": act.now, "answer": comment}
    answered = update(release_requests).where(release_requests.c.id == request_id)
    holder = await holder_row(act.connection, row.esi_id)
    if release and (holder is None or not await _take_away(act, row)):
        # A move-out took it in this very moment: there is nothing to release any more.
        return NOT_THERE
    await act.connection.execute(answered.values(**answer))
    action = "meter.release" if release else "meter.decline_release"
    subject = meter_subject(row.esi_id, viewer.company_id)
    await act.note(action, subject, f"request {request_id} of {row.company}", comment=comment)
    told = _Meter(esi_id=row.esi_id, number=row.number, place=f"{service_address(row)}, {row.city}")
    if release and holder is not None:
        await act.mail([letter_of_loss(holder, told, act.address)])
    to = await _addresses_of_asker(act.connection, row)
    await act.mail(letters_of_answer(to, told, viewer.company or "", comment, act.address, released=release))
    return _shown(row, status=status, answer=comment, answered_at=act.now)


async def _take_away(act: Act, row: Row[Any]) -> bool:
    his = delete(attachments).where(
        attachments.c.esi_id == row.esi_id,
        attachments.c.account_id == row.holder_id,
        attachments.c.attached_at == row.held_since,
    )
    return (await act.connection.execute(his)).rowcount == 1


async def _addresses_of_asker(connection: AsyncConnection, row: Row[Any]) -> list[str]:
    """The REP's addresses, and that of whoever asked, each once."""
    asker = await connection.scalar(select(accounts.c.email).where(accounts.c.id == row.asked_by))
    found = {each.casefold(): each for each in await addresses_of_company(connection, row.company_id)}
    if asker is not None:
        found.setdefault(asker.casefold(), asker)
    return list(found.values())


def _requests(viewer: Viewer, at: datetime) -> Select[Any]:
    """The requests about meters that a viewer sees, as long as they are not over; a REP's are its own company's."""
    still_asks = exists().where(
        _span.c.esi_id == release_requests.c.esi_id,
        _span.c.from_at <= at,
        or_(_span.c.to_at.is_(None), _span.c.to_at > at),
        _number.c.duns == _span.c.duns,
        _number.c.company_id == release_requests.c.company_id,
        _number.c.status == DunsStatus.ACTIVE,
    )
    mine = [release_requests.c.company_id == viewer.company_id] if viewer.may(Action.ASK_RELEASES) else []
    return (
        visible_meters(viewer, at)
        .add_columns(
            *(each for each in release_requests.c if each.name not in ("id", "esi_id")),
            release_requests.c.id.label("request_id"),
            _rep.c.name.label("company"),
            _holder.c.first_name.label("holder_first"),
            _holder.c.last_name.label("holder_last"),
        )
        .where(
            release_requests.c.esi_id == premises.c.esi_id,
            attachments.c.esi_id == release_requests.c.esi_id,
            attachments.c.account_id == release_requests.c.holder_id,
            attachments.c.attached_at == release_requests.c.held_since,
            _holder.c.id == release_requests.c.holder_id,
            _rep.c.id == release_requests.c.company_id,
            still_asks,
            *mine,
        )
    )


def _shown(
    row: Row[Any],
    status: ReleaseStatus | None = None,
    answer: str | None = None,
    answered_at: datetime | None = None,
) -> ReleaseRequest:
    return ReleaseRequest(
        id=row.request_id,
        esi_id=row.esi_id,
        number=row.number,
        service_address=service_address(row),
        city=row.city,
        company=row.company,
        holder=f"{row.holder_first} {row.holder_last}",
        comment=row.comment,
        asked_at=row.asked_at,
        status=status or row.status,
        answer=answer if status else row.answer,
        answered_at=answered_at or row.answered_at,
    )
