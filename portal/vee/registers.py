"""What the registers say that a day counted: their difference, over both meters where one was exchanged (pure).

On the day of an exchange the old meter counts from its midnight register to its stop register, the new one from its
start register to midnight; the sum of the day's intervals is the sum of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.identifiers import MeterNumber
from portal.vee.expected import Installation, bounds

Points = Mapping[tuple[MeterNumber, datetime], int]
"""Registers in Wh by meter and instant, of one channel."""


class Origin(StrEnum):
    """Whose word a register difference is."""

    DAILY_READ = "daily_read"
    REGISTERS = "registers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one meter counted of a day: two registers, Wh, and when they stood so."""

    meter: MeterNumber
    from_at: datetime
    to_at: datetime
    from_wh: int
    to_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnergy:
    """What the registers say of a day, Wh; parts are the meters' (none if a TDSP told the difference only)."""

    wh: int
    origin: Origin
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyWord:
    """A TDSP's daily read: registers at both ends of the day and the usage, Wh; None is missing."""

    start_wh: int | None
    end_wh: int | None
    usage_wh: int | None


def day_energy(
    day: date, installations: Sequence[Installation], points: Points, read: DailyWord | None = None
) -> DayEnergy | None:
    """The register difference of a day, the TDSP's word before the meters'; None unless all of it is known.

    A register that moved back says nothing.
    """
    begin, end = bounds(day)
    there = [
        each
        for each in installations
        if each.installed_at < end and (each.removed_at is None or each.removed_at > begin)
    ]
    if read is not None and read.usage_wh is not None:
        return DayEnergy(wh=read.usage_wh, origin=Origin.DAILY_READ)
    alone = len(there) == 1 and there[0].installed_at <= begin
    if read is not None and alone and read.start_wh is not None and read.end_wh is not None:
        part = Part(meter=there[0].meter, from_at=begin, to_at=end, from_wh=read.start_wh, to_wh=read.end_wh)
        if part.to_wh >= part.from_wh:
            return DayEnergy(wh=part.to_wh - part.from_wh, origin=Origin.DAILY_READ, parts=(part,))
    parts: list[Part] = []
    for each in there:
        from_at = max(begin, each.installed_at)
        to_at = end if each.removed_at is None else min(end, each.removed_at)
        from_wh, to_wh = points.get((each.meter, from_at)), points.get((each.meter, to_at))
        if from_wh is None or to_wh is None or to_wh < from_wh:
            return None
        parts.append(Part(meter=each.meter, from_at=from_at, to_at=to_at, from_wh=from_wh, to_wh=to_wh))
    if not parts:
        return None
    wh = sum(part.to_wh - part.from_wh for part in parts)
    return DayEnergy(wh=wh, origin=Origin.REGISTERS, parts=tuple(parts))


def tolerance_wh(installations: Sequence[Installation], resolution_wh: int, more_wh: int) -> int:
    """How far a day's sum may be from its register difference: the last digit by the multiplier, and something more."""
    multiplier = max((each.multiplier for each in installations), default=1.0)
    return int(resolution_wh * max(multiplier, 1.0)) + more_wh
