"""Changing agreements: a company asks, the customer answers by the mailed link, time and the market end them.

HAN-05, MAIL-13, ADM-09, ADM-10, AMB-21. Each change is one act, with its line in the audit log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BadInput
from gateway.identifiers import EsiId
from portal.accounts.owner import LANGUAGES
from portal.accounts.sessions import key_of
from portal.acting import Act, Acting
from portal.agreements.letters import letter_of_agreement
from portal.agreements.machine import (
    DURATIONS,
    MANAGED_BY,
    MOST_LETTERS,
    OPEN_FOR,
    STANDING,
    AgreementAction,
    AgreementKind,
    AgreementStatus,
    EndedBy,
    agreement_after,
    ends_after,
)
from portal.agreements.shown import Agreement, find_agreement, invitation_of
from portal.agreements.tables import agreements
from portal.audit.log import SYSTEM, Actor, ActorKind, Subject
from portal.companies.kinds import Kind
from portal.companies.status import DunsStatus
from portal.companies.tables import duns_numbers
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefused, bad_form, not_now
from portal.mail.letters import check_address
from portal.market.premise_lock import lock_premises
from portal.market.tables import rep_spans
from portal.meters.tables import meters
from portal.viewer import Viewer
from portal.visibility import find_meter

AT_ONCE = 50
LOOK_AGAIN_S = 300.0
NO_METER = "Enter the ESI ID of a meter whose REP of record your company is."
NO_EMAIL = "Enter the customer's e-mail address, such as pat@example.com."
NO_DURATION = "Choose one of the durations: 1, 3, 6, 9, 12, 24 or 36 months."
NO_LANGUAGE = "Choose a language."
ASKED_ALREADY = (
    "Your company has such an agreement for this meter already, or waits for the customer's answer. End that one first."
)
NOT_PENDING = "Only an agreement that waits for the customer's answer can be sent again."
SENT_TWICE = "This letter has been sent again already: it can be sent twice in all. End the agreement and ask anew."
OVER = "This agreement is over: nothing can be done with it any more."
CUSTOMER = Actor(kind=ActorKind.LINK, words="the customer, by the mailed link")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgreement:
    """What a company asks a customer for; months is one of DURATIONS, language a key of LANGUAGES."""

    esi_id: EsiId
    kind: AgreementKind
    months: int
    email: str
    language: str


async def make_agreement(act: Act, viewer: Viewer, new: NewAgreement, secret: str) -> Agreement | PeopleRefused:
    """Record an agreement for a meter that the viewer sees, and mail the customer the link that answers it."""
    if viewer.kind is not Kind.REP or not viewer.may(MANAGED_BY[new.kind]):
        return NOT_FOR_YOU
    meter = await find_meter(act.connection, viewer, new.esi_id, act.now)
    if meter is not None:  # and is asked for again, now that no switch can come between
        await lock_premises(act.connection, [meter.esi_id])
        meter = await find_meter(act.connection, viewer, new.esi_id, act.now)
    faults = _faults(new) | ({"esi_id": NO_METER} if meter is None else {})
    if faults or meter is None:
        return bad_form(faults)
    there = select(agreements.c.id).where(
        agreements.c.esi_id == meter.esi_id,
        agreements.c.company_id == viewer.company_id,
        agreements.c.kind == new.kind,
        agreements.c.status.in_(STANDING),
    )
    if (await act.connection.execute(there)).first() is not None:
        return not_now(ASKED_ALREADY)
    values = {
        "company_id": viewer.company_id,
        "esi_id": meter.esi_id,
        "number": meter.number,
        "kind": new.kind,
        "months": new.months,
        "email": new.email,
        "language": new.language,
        "status": AgreementStatus.PENDING,
        "status_since": act.now,
        "made_by": viewer.account_id,
        "made_at": act.now,
        "due_at": act.now + OPEN_FOR,
        "letters": 1,
        "link_key": key_of(secret),
    }
    made = await act.connection.scalar(insert(agreements).values(values).returning(agreements.c.id))
    assert made is not None
    subject = _subject(made, new.kind, meter.esi_id, viewer.company_id)
    await act.note("agreement.ask", subject, "asked of the customer by mail", after=AgreementStatus.PENDING)
    await act.mail([letter_of_agreement(await invitation_of(act.connection, made), secret, act.address)])
    return await find_agreement(act.connection, viewer, made, act.now) or NOT_THERE


async def resend_agreement(act: Act, viewer: Viewer, agreement_id: int, secret: str) -> Agreement | PeopleRefused:
    """Send the letter again, once, with a new link: the earlier one opens nothing any more."""
    row = await _own(act, viewer, agreement_id)
    if isinstance(row, PeopleRefused):
        return row
    if row.status is not AgreementStatus.PENDING or row.due_at <= act.now:
        return not_now(NOT_PENDING)
    if row.letters >= MOST_LETTERS:
        return not_now(SENT_TWICE)
    again = update(agreements).where(agreements.c.id == row.id)
    await act.connection.execute(again.values(letters=row.letters + 1, link_key=key_of(secret)))
    await act.note("agreement.resend", _subject_of(row), "the letter was sent again")
    await act.mail([letter_of_agreement(await invitation_of(act.connection, row.id), secret, act.address)])
    return await find_agreement(act.connection, viewer, row.id, act.now) or NOT_THERE


async def terminate_agreement(act: Act, viewer: Viewer, agreement_id: int) -> Agreement | PeopleRefused:
    """End an agreement, or take back the question, for the company."""
    row = await _own(act, viewer, agreement_id)
    if isinstance(row, PeopleRefused):
        return row
    if not await _change(act, row, AgreementAction.TERMINATE, "ended by the company", EndedBy.COMPANY):
        return not_now(OVER)
    return await find_agreement(act.connection, viewer, row.id, act.now) or NOT_THERE


async def answer_agreement(act: Act, secret: str, action: AgreementAction) -> AgreementStatus | PeopleRefused:
    """The customer's word by the mailed link; pressed twice, the first answer is the answer. An act of CUSTOMER."""
    of_link = agreements.c.link_key == key_of(secret)
    esi_id = await act.connection.scalar(select(agreements.c.esi_id).where(of_link))
    if esi_id is None:
        return NOT_THERE
    await lock_premises(act.connection, [esi_id])
    row = (await act.connection.execute(select(agreements).where(of_link).with_for_update())).one()
    reached: AgreementStatus = _REACHED[action]
    if row.status == reached:
        return reached
    is_over = row.due_at is not None and row.due_at <= act.now
    if not is_over and action is AgreementAction.ACCEPT:
        is_over = await _serving(act.connection, esi_id, act.now) != row.company_id
    ended_by = EndedBy.CUSTOMER if action is AgreementAction.TERMINATE else None
    if is_over or not await _change(act, row, action, "the customer's answer", ended_by):
        return not_now(OVER)
    return reached


async def end_due(act: Act, most: int = AT_ONCE) -> int:
    """Expire and complete what is due, and note what the market ended; returns how many it was."""
    due = or_(agreements.c.due_at <= act.now, agreements.c.to_note)
    standing_or_to_note = or_(agreements.c.status.in_(STANDING), agreements.c.to_note)
    chosen = select(agreements).where(due, standing_or_to_note).order_by(agreements.c.id).limit(most)
    # One that a notice holds just now is left to the next look: waiting for it with others in hand could be a circle.
    rows = (await act.connection.execute(chosen.with_for_update(skip_locked=True))).all()
    for row in rows:
        if row.to_note:
            await act.note("agreement.terminate", _subject_of(row), f"ended by a {row.ended_by}", after=row.status)
            noted = update(agreements).where(agreements.c.id == row.id)
            await act.connection.execute(noted.values(to_note=False))
        elif row.status is AgreementStatus.PENDING:
            await _change(act, row, AgreementAction.EXPIRE, f"nobody answered for {OPEN_FOR.days} days")
        else:
            await _change(act, row, AgreementAction.COMPLETE, f"{row.months} months have passed")
    return len(rows)


async def keep_ending(acting: Acting) -> None:
    """Do what is due, piece by piece, and look again in some minutes; until cancelled.

    Nobody acts on an agreement past its instant meanwhile: whoever asks compares due_at himself.
    """
    while True:
        if await acting.run(SYSTEM, end_due) < AT_ONCE:
            await acting.clock.sleep(LOOK_AGAIN_S)


async def follow_market(
    connection: AsyncConnection, esi_id: EsiId, departures: Mapping[int, datetime], now: datetime
) -> None:
    """End what stands for a premise and must not any more, in the transaction of the notice (AMB-21).

    departures are the instants at which whoever lived there left: what was agreed before is over. What is left ends if
    its company is not the REP of record any more, or else is about the meter that hangs there now. The premise is
    locked.
    """
    standing = select(agreements).where(agreements.c.esi_id == esi_id, agreements.c.status.in_(STANDING))
    rows = (await connection.execute(standing.order_by(agreements.c.id).with_for_update())).all()
    if not rows:
        return
    serving = await _serving(connection, esi_id, now)
    hangs = select(meters.c.number).where(meters.c.esi_id == esi_id, meters.c.removed_at.is_(None))
    number = await connection.scalar(hangs)
    for row in rows:
        moved = any(row.made_at <= left_at <= now for left_at in departures.values())
        values: dict[str, Any] = {}
        if moved or row.company_id != serving:
            ended_by = EndedBy.MOVE_OUT if moved else EndedBy.SWITCH
            values |= {"status": AgreementStatus.TERMINATED, "status_since": now, "ended_by": ended_by}
            values |= {"due_at": None, "to_note": True}
        elif number is not None and row.number != number:
            values["number"] = number
        if values:
            await connection.execute(update(agreements).where(agreements.c.id == row.id).values(values))


_REACHED = {
    AgreementAction.ACCEPT: AgreementStatus.ACTIVE,
    AgreementAction.DECLINE: AgreementStatus.NOT_ACCEPTED,
    AgreementAction.TERMINATE: AgreementStatus.TERMINATED,
}


async def _serving(connection: AsyncConnection, esi_id: EsiId, at: datetime) -> int | None:
    """The company that is a premise's REP of record at an instant, None if nobody is."""
    serving: int | None = await connection.scalar(
        select(duns_numbers.c.company_id)
        .join(rep_spans, rep_spans.c.duns == duns_numbers.c.duns)
        .where(
            rep_spans.c.esi_id == esi_id,
            rep_spans.c.from_at <= at,
            or_(rep_spans.c.to_at.is_(None), rep_spans.c.to_at > at),
            duns_numbers.c.status != DunsStatus.REVOKED,
        )
    )
    return serving


def _faults(new: NewAgreement) -> dict[str, str]:
    faults = {}
    try:
        check_address(new.email)
    except BadInput:
        faults["email"] = NO_EMAIL
    if new.months not in DURATIONS:
        faults["months"] = NO_DURATION
    if new.language not in LANGUAGES:
        faults["language"] = NO_LANGUAGE
    return faults


async def _own(act: Act, viewer: Viewer, agreement_id: int) -> Row[Any] | PeopleRefused:
    """A row of the viewer's company, locked, if he may change it."""
    seen = await find_agreement(act.connection, viewer, agreement_id, act.now)
    if seen is None:
        return NOT_THERE
    if not viewer.may(MANAGED_BY[seen.kind]):
        return NOT_FOR_YOU
    chosen = select(agreements).where(agreements.c.id == agreement_id).with_for_update()
    return (await act.connection.execute(chosen)).one()


async def _change(
    act: Act, row: Row[Any], action: AgreementAction, cause: str, ended_by: EndedBy | None = None
) -> bool:
    """Change a row by the table, with its line in the audit log; False if the action is not for its status."""
    after = agreement_after(row.status, action)
    if after is None:
        return False
    accepted = after is AgreementStatus.ACTIVE
    values: dict[str, Any] = {
        "status": after,
        "status_since": act.now,
        "ended_by": ended_by,
        "due_at": ends_after(act.now, row.months) if accepted else None,
    }
    if accepted:
        values["accepted_at"] = act.now
    await act.connection.execute(update(agreements).where(agreements.c.id == row.id).values(values))
    await act.note(f"agreement.{action}", _subject_of(row), cause, before=row.status, after=after)
    return True


def _subject_of(row: Row[Any]) -> Subject:
    return _subject(row.id, row.kind, row.esi_id, row.company_id)


def _subject(agreement_id: int, kind: AgreementKind, esi_id: EsiId, company_id: int | None) -> Subject:
    words = f"{kind.replace('_', ' ')} agreement for {esi_id}"
    return Subject(kind="agreement", id=agreement_id, words=words, company_id=company_id)
