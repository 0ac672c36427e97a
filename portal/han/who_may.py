"""Who may manage a meter's home-area devices, said here and nowhere else (HAN-02, HAN-03); the gateway decides again.

Administrators and users with the In-Home Device Services permission: a TDSP's at every meter of its own, a REP's at
meters that they see and for which their company has an active agreement with the customer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from portal.agreements.shown import has_device_agreement
from portal.companies.kinds import Kind
from portal.han.ask import DeviceRefusal, DeviceRefused
from portal.market.tables import rep_spans
from portal.permissions import Action
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, find_meter

MANAGERS = (Kind.TDSP, Kind.REP)
_NOT_YOURS = DeviceRefused(
    reason=DeviceRefusal.NOT_FOR_YOU,
    words="In-home devices are managed by the meter's TDSP and, with the customer's agreement, by its REP of record.",
)
_NO_PERMISSION = DeviceRefused(
    reason=DeviceRefusal.NOT_FOR_YOU,
    words="You need the In-Home Device Services permission. Ask your company's administrator for it.",
)
_NO_AGREEMENT = DeviceRefused(
    reason=DeviceRefusal.NO_AGREEMENT,
    words="Your company has no active In-Home Device agreement for this meter. Ask the customer for one: as soon as"
    " it is accepted, you can manage the meter's devices.",
)
_NOT_ASSIGNER = DeviceRefused(
    reason=DeviceRefusal.NOT_FOR_YOU,
    words="Gateways, and which of them serves a meter, are managed by the meter's TDSP.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedMeter:
    """A meter whose devices its viewer may manage at this moment; only this module makes one.

    since is the instant from which on he sees what happened to them: None for all of it.
    """

    meter: VisibleMeter
    since: datetime | None


def refusal_of_role(viewer: Viewer) -> DeviceRefused | None:
    """Why somebody may manage no meter's devices at all; a REP without a refusal still needs the agreement."""
    if viewer.may(Action.MANAGE_DEVICES):
        return None
    return _NO_PERMISSION if viewer.kind in MANAGERS else _NOT_YOURS


def refusal_of_assignments(viewer: Viewer) -> DeviceRefused | None:
    """Why somebody may not say which gateway serves a meter."""
    return None if viewer.may(Action.ASSIGN_METERS) else _NOT_ASSIGNER


async def refusal_for(
    connection: AsyncConnection, viewer: Viewer, meter: VisibleMeter, at: datetime
) -> DeviceRefused | None:
    """Why somebody may not manage the devices of a meter at an instant, None if he may."""
    refusal = refusal_of_role(viewer)
    if refusal is not None or viewer.kind is Kind.TDSP:
        return refusal
    agreed = await has_device_agreement(connection, viewer.company_id, meter, at)
    return None if agreed else _NO_AGREEMENT


async def manage(
    connection: AsyncConnection, viewer: Viewer, meter: VisibleMeter, at: datetime
) -> ManagedMeter | DeviceRefused:
    """A meter as one whose devices somebody manages, or why he may not."""
    refusal = await refusal_for(connection, viewer, meter, at)
    if refusal is not None:
        return refusal
    if viewer.kind is Kind.TDSP:
        return ManagedMeter(meter=meter, since=None)
    span = select(rep_spans.c.from_at).where(_current(meter.esi_id, at))
    return ManagedMeter(meter=meter, since=await connection.scalar(span))


async def refusal_for_command(
    connection: AsyncConnection, viewer: Viewer, esi_id: EsiId | None, at: datetime
) -> DeviceRefused | None:
    """Why somebody may not see a command that is his to find, None if he may; esi_id is None for a network's."""
    meter = None if esi_id is None else await find_meter(connection, viewer, esi_id, at)
    return refusal_of_role(viewer) if meter is None else await refusal_for(connection, viewer, meter, at)


def happened_for(
    viewer: Viewer, esi_id: ColumnElement[Any], happened_at: ColumnElement[Any], at: datetime
) -> ColumnElement[bool]:
    """Whether something happened where its viewer may know of it, as a condition.

    A REP sees what happened since its company became REP of record: what another one's devices were told is not its.
    """
    if viewer.kind is Kind.TDSP:
        return true()
    return select(rep_spans.c.id).where(_current(esi_id, at), rep_spans.c.from_at <= happened_at).exists()


def _current(esi_id: ColumnElement[Any] | EsiId, at: datetime) -> ColumnElement[bool]:
    ends = or_(rep_spans.c.to_at.is_(None), rep_spans.c.to_at > at)
    return (rep_spans.c.esi_id == esi_id) & (rep_spans.c.from_at <= at) & ends
