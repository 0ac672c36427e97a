"""What a gateway tells of meters that nobody asked just now: a day's intervals, a midnight's registers, their reports.

Numbered like every report.
"""

from dataclasses import dataclass
from datetime import date

from pydantic import AwareDatetime

from gateway.identifiers import MeterNumber
from gateway.marks import Mark
from gateway.reads import Direction, FrozenRegisters, RegisterRead, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalsCollected:
    """A Chicago day of one meter and direction from the meter's own log. Up; numbered.

    wh holds the day's 92, 96 or 100 quarter hours in the order of time; None is one that the meter does not have.
    """

    meter: MeterNumber
    direction: Direction
    day: date
    wh: tuple[Whole | None, ...]
    read_at: AwareDatetime
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistersCollected:
    """A meter's registers as it froze them at midnight. Up; numbered."""

    registers: FrozenRegisters
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistersReported:
    """Registers that a meter told by itself, as it was asked to. Up; numbered. No on-demand read: it counts nowhere."""

    read: RegisterRead
    mark: Mark
