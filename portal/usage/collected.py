"""What a gateway collected from a meter's own log, or heard from it: whether it is believed, and what is news (pure).

A day counts only of a meter that hangs on a wall, from a gateway that serves it, is being left by it or takes it over,
and only if the meter hung there on that day: what it counted elsewhere is of another premise.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.clock import central_midnight
from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.identifiers import EsiId, GatewayId
from gateway.marks import Mark
from gateway.reads import Direction, FrozenRegisters, RegisterRead
from portal.gateways.plausible import SKEW, read_faults
from portal.gateways.tables import IncidentKind
from portal.usage.intervals import Channel, MeterDay
from portal.usage.store import SourceFile

Collected = IntervalsCollected | RegistersCollected | RegistersReported

CHANNELS = {Direction.DELIVERED: Channel.CONSUMPTION, Direction.RECEIVED: Channel.GENERATION}
MOST_WH = 2**31 - 1
"""What a block holds for a quarter hour; a meter behind the largest fuse of a house counts some 20,000."""
OLDEST = timedelta(days=800)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTheWall:
    """A meter where it hangs: the gateways that may speak of it, and whether it is known to generate."""

    esi_id: EsiId
    gateways: frozenset[GatewayId]
    installed_at: datetime
    generates: bool


Why = tuple[IncidentKind, str]
"""The kind and the words of an incident."""
NOT_SERVED: Why = IncidentKind.FOREIGN_METER, "intervals of a meter that this gateway does not serve"


def refusal(told: IntervalsCollected, gateway: GatewayId, meter: OnTheWall, now: datetime) -> Why | None:
    """Why a day is not believed; None if it is."""
    if gateway not in meter.gateways:
        return NOT_SERVED
    if not (now - OLDEST).date() <= told.day <= (now + SKEW).date():
        return IncidentKind.IMPLAUSIBLE, "intervals of a day out of range"
    began, ended = central_midnight(told.day), central_midnight(told.day + timedelta(days=1))
    if ended > now + SKEW:
        return IncidentKind.IMPLAUSIBLE, "intervals of a day that has not ended"
    if ended <= meter.installed_at:
        return IncidentKind.IMPLAUSIBLE, "intervals of a day before the meter was installed"
    if len(told.wh) != (ended - began) // timedelta(minutes=15):
        return IncidentKind.IMPLAUSIBLE, f"{len(told.wh)} quarter hours are not those of the day"
    if not all(value is None or 0 <= value <= MOST_WH for value in told.wh):
        return IncidentKind.IMPLAUSIBLE, "a quarter hour out of range"
    return None


def implausible_registers(told: FrozenRegisters, now: datetime) -> Why | None:
    """Why registers of a midnight are not believed; None if they are."""
    if not now - OLDEST <= told.frozen_at <= now + SKEW or not now - OLDEST <= told.read_at <= now + SKEW:
        return IncidentKind.IMPLAUSIBLE, "registers of an instant out of range"
    if not all(value is None or value >= 0 for value in (told.delivered_wh, told.received_wh)):
        return IncidentKind.IMPLAUSIBLE, "a register below zero"
    return None


def implausible_report(told: RegisterRead, now: datetime) -> Why | None:
    """Why registers that a meter told by itself are not believed; None if they are. They may have waited for long."""
    if not now - OLDEST <= told.read_at <= now + SKEW:
        return IncidentKind.IMPLAUSIBLE, "reported registers of an instant out of range"
    fault = next(read_faults(told), None)
    return None if fault is None else (IncidentKind.IMPLAUSIBLE, f"reported registers: {fault}")


def news(told: IntervalsCollected, meter: OnTheWall, kept: MeterDay | None) -> MeterDay | None:
    """The meter-day as it is known best now; None if the current version says the same.

    What the meter does not have stays as it was known; what it has stands above estimates. Nothing but zeros opens no
    channel of generation at a meter that is not known to generate.
    """
    channel = CHANNELS[told.direction]
    if kept is None:
        if channel is Channel.GENERATION and not meter.generates and not any(told.wh):
            return None
        values, estimated = told.wh, (False,) * len(told.wh)
    else:
        pairs = [
            (old, was) if new is None else (new, False)
            for new, old, was in zip(told.wh, kept.values, kept.estimated, strict=True)
        ]
        values, estimated = tuple(value for value, _ in pairs), tuple(was for _, was in pairs)
        if (values, estimated) == (kept.values, kept.estimated):
            return None
        return replace(kept, revised_at=None, values=values, estimated=estimated)
    return MeterDay(
        esi_id=meter.esi_id, day=told.day, channel=channel, revised_at=None, values=values, estimated=estimated
    )


def source(reports: Iterable[tuple[GatewayId, Mark]], days: Sequence[MeterDay], received_at: datetime) -> SourceFile:
    """What a batch is to the store: named for its gateways, its digest that of its marks and of all that it says."""
    marks = sorted((str(gateway), mark.journal, mark.seq) for gateway, mark in reports)
    text = repr((marks, [(str(d.esi_id), d.day.isoformat(), str(d.channel), d.values, d.estimated) for d in days]))
    names = ", ".join(dict.fromkeys(gateway for gateway, _, _ in marks))
    return SourceFile(
        name=f"collected by {names}", sha256=hashlib.sha256(text.encode()).hexdigest(), received_at=received_at
    )
