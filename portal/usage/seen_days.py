"""Which meter-days a file has told already, in a few bytes for each meter however many days it has."""

from datetime import date

from gateway.identifiers import EsiId
from portal.usage.intervals import Channel


class SeenDays:
    """A set of meter-days: one number for each meter and channel, in which each day is a bit."""

    def __init__(self) -> None:
        self._days: dict[tuple[EsiId, Channel], tuple[int, int]] = {}

    def add(self, esi_id: EsiId, channel: Channel, day: date) -> bool:
        """Note a meter-day; False if it was noted before."""
        ordinal = day.toordinal()
        first, bits = self._days.get((esi_id, channel), (ordinal, 0))
        if ordinal < first:
            first, bits = ordinal, bits << (first - ordinal)
        bit = 1 << (ordinal - first)
        if bits & bit:
            return False
        self._days[esi_id, channel] = (first, bits | bit)
        return True
