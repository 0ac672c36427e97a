"""A customer attaches a meter by ESI ID and meter number, and takes it off again (guide 10.1, 10.2; CUS-01 to CUS-03).

Unknown, mismatched and not provisioned look alike: whoever tries numbers learns nothing but that a pair is not one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, insert, select

from gateway.identifiers import EsiId, MeterNumber
from portal.acting import Act
from portal.audit.log import Subject
from portal.customers.pairs import Pair
from portal.faults import NOT_FOR_YOU, NOT_THERE, PeopleRefusal, PeopleRefused
from portal.locales.catalogues import N_
from portal.market.addresses import service_address
from portal.market.tables import premises
from portal.meters.tables import attachments, meters
from portal.permissions import Action
from portal.viewer import Viewer

NO_SUCH_PAIR = N_(
    "This meter cannot be added. Compare the ESI ID and the meter number with your electric bill: they must belong "
    "together. If they do, the usual causes are that you do not have a smart meter (one with a digital display is not "
    "necessarily one), or that it is installed but not yet provisioned by the utility, which can take up to 60 days. "
    "Call your electricity company (REP) for assistance."
)
HELD = N_("This meter is attached to another account. Call your electricity company (REP) for assistance.")


class Attaching(StrEnum):
    """What comes of an attempt."""

    ATTACHED = "attached"
    ALREADY = "already"
    NO_SUCH_PAIR = "no_such_pair"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTheWall:
    """The meter on the wall of a premise, and which account has attached it."""

    number: MeterNumber
    provisioned_at: datetime | None
    holder_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedMeter:
    """A meter that is the customer's now."""

    esi_id: EsiId
    number: MeterNumber
    service_address: str
    city: str
    state: str
    zip: str
    attached_at: datetime


def decide(there: OnTheWall | None, number: MeterNumber, account_id: int | None, at: datetime) -> Attaching:
    """The rule (pure). account_id is None for somebody who registers. Case is not told apart: bills print capitals."""
    if there is None or there.number.upper() != number.upper():
        return Attaching.NO_SUCH_PAIR
    if there.provisioned_at is None or there.provisioned_at > at:
        return Attaching.NO_SUCH_PAIR
    if there.holder_id is None:
        return Attaching.ATTACHED
    return Attaching.ALREADY if there.holder_id == account_id else Attaching.HELD


def refused(result: Attaching) -> PeopleRefused:
    """The refusal of an attempt that came to nothing."""
    if result is Attaching.HELD:
        return PeopleRefused(reason=PeopleRefusal.HELD, words=HELD)
    return PeopleRefused(reason=PeopleRefusal.NO_SUCH_PAIR, words=NO_SUCH_PAIR)


async def attach(act: Act, viewer: Viewer, pair: Pair) -> AttachedMeter | PeopleRefused:
    """Attach a meter to the viewer's account; one that is attached to it already stays as it is."""
    if not viewer.may(Action.ATTACH_METERS):
        return NOT_FOR_YOU
    result, row = await look(act, pair, viewer.account_id)
    if row is None or result in (Attaching.NO_SUCH_PAIR, Attaching.HELD):
        return refused(result)
    if result is Attaching.ATTACHED:
        await put(act, pair.esi_id, viewer.account_id)
    return AttachedMeter(
        esi_id=pair.esi_id,
        number=row.number,
        service_address=service_address(row),
        city=row.city,
        state=row.state,
        zip=row.zip,
        attached_at=row.attached_at or act.now,
    )


async def look(act: Act, pair: Pair, account_id: int | None) -> tuple[Attaching, Row[Any] | None]:
    """What the rule says of a pair, and the meter on the premise's wall if there is one."""
    chosen = (
        select(meters.c.number, meters.c.provisioned_at, premises, attachments.c.account_id, attachments.c.attached_at)
        .select_from(meters.join(premises).outerjoin(attachments, attachments.c.esi_id == meters.c.esi_id))
        .where(meters.c.esi_id == pair.esi_id, meters.c.removed_at.is_(None))
    )
    row = (await act.connection.execute(chosen)).one_or_none()
    if row is None:
        return decide(None, pair.number, account_id, act.now), None
    there = OnTheWall(number=row.number, provisioned_at=row.provisioned_at, holder_id=row.account_id)
    return decide(there, pair.number, account_id, act.now), row


async def put(act: Act, esi_id: EsiId, account_id: int) -> None:
    """Write an attachment that the rule allows."""
    values = {"esi_id": esi_id, "account_id": account_id, "attached_at": act.now}
    await act.connection.execute(insert(attachments).values(values))
    await act.note("meter.attach", meter_subject(esi_id), "by its ESI ID and meter number")


async def detach(act: Act, viewer: Viewer, esi_id: EsiId) -> PeopleRefused | None:
    """The customer takes a meter off his own account."""
    if not viewer.may(Action.ATTACH_METERS):
        return NOT_FOR_YOU
    his = delete(attachments).where(attachments.c.esi_id == esi_id, attachments.c.account_id == viewer.account_id)
    if (await act.connection.execute(his)).rowcount != 1:
        return NOT_THERE
    await act.note("meter.detach", meter_subject(esi_id), "by the customer")
    return None


def meter_subject(esi_id: EsiId, company_id: int | None = None) -> Subject:
    """A premise's meter in the audit log."""
    return Subject(kind="meter", id=esi_id, words=esi_id, company_id=company_id)
