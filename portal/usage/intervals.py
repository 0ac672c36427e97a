"""A meter-day: the quarter hours of one Chicago day that one channel of one meter counted."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.identifiers import EsiId


class Channel(StrEnum):
    """What a series counts: energy from the grid, or surplus generation into it."""

    CONSUMPTION = "C"
    GENERATION = "G"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDay:
    """One meter, day and channel.

    values holds 92, 96 or 100 quarter hours in Wh, in the order of real time; None is missing, never zero. estimated
    says of each whether the TDSP estimated it. revised_at is the TDSP's revision date, None where it gave none.
    """

    esi_id: EsiId
    day: date
    channel: Channel
    revised_at: datetime | None
    values: tuple[int | None, ...]
    estimated: tuple[bool, ...]

    @property
    def total_wh(self) -> int:
        """The sum of what is known."""
        return sum(filter(None, self.values))
