"""What kernels compare with: the Chicago days of fifty years, and the labels that a day's rows may have in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.clock import CENTRAL
from portal.usage.slots import QUARTERS, REPEATED, SMT_LABELS_SLOT_8, labels, slots_in

FIRST, LAST = date(2010, 1, 1), date(2059, 12, 31)
"""The days that kernels know; others are the strict parser's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Days in a row: the ordinal of the first, seconds since 1970 of each midnight, quarter hours of each."""

    first: int
    midnights: NDArray[np.int64]
    counts: NDArray[np.uint8]

    def has(self, days: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Of each ordinal whether it is one of these days."""
        return (days >= self.first) & (days < self.first + len(self.counts))

    def instant(self, place: int, hour: int) -> int:
        """Seconds since 1970 of a full hour of wall time on one of these days; of one that comes twice the first."""
        count = int(self.counts[place])
        shift = -1 if count < QUARTERS and hour >= 3 else 1 if count > QUARTERS and hour >= 2 else 0
        return int(self.midnights[place]) + 3600 * (hour + shift)


@cache
def calendar() -> Calendar:
    """The days from FIRST to LAST, from the time zone's rules."""
    first, last = FIRST.toordinal(), LAST.toordinal() + 1
    epoch = date(1970, 1, 1).toordinal()
    midnights = []
    for ordinal in range(first, last + 1):
        day = date.fromordinal(ordinal)
        behind = datetime(day.year, day.month, day.day, tzinfo=CENTRAL).utcoffset()
        assert behind is not None
        midnights.append((ordinal - epoch) * 86_400 - int(behind.total_seconds()))
    instants = np.array(midnights, dtype=np.int64)
    return Calendar(first=first, midnights=instants[:-1], counts=(np.diff(instants) // 900).astype(np.uint8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The rows of a day of count quarter hours as a file labels them.

    labels: start and end of each row with their commas, all of one length; places: which quarter hour each row is, -1
    for a row of the hour that the day does not have.
    """

    count: int
    labels: tuple[bytes, ...]
    places: tuple[int, ...]


BEFORE_JUMP = REPEATED.start - 1
"""The quarter hour from 01:45, behind which the clock goes forward or back."""


@cache
def forms() -> tuple[Form, ...]:
    """The forms in which Smart Meter Texas and metergate write days; first those that are right, with blanks.

    The first three are the days of 92, 96 and 100 quarter hours as they are written: a row ends when the next begins.
    """
    return tuple(
        _form(count, rows, blank, strange or {})
        for blank in (" ", "")
        for count, rows, strange in (
            (92, slots_in(92), {BEFORE_JUMP: ("01:45", "03:00")}),
            (96, slots_in(96), None),
            (100, slots_in(100), {BEFORE_JUMP: ("01:45", "01:00")}),
            (92, slots_in(92), None),
            (100, slots_in(100), None),
            (92, slots_in(96), None),
            (100, slots_in(100), {REPEATED.start: SMT_LABELS_SLOT_8}),
        )
    )


def _form(count: int, rows: tuple[int, ...], blank: str, strange: Mapping[int, tuple[str, str]]) -> Form:
    texts = [strange.get(slot) or labels(slot) for slot in rows]
    place = {slot: at for at, slot in enumerate(slots_in(count))}
    return Form(
        count=count,
        labels=tuple([f"{blank}{start},{blank}{end},".encode() for start, end in texts]),
        places=tuple([place.get(slot, -1) for slot in rows]),
    )


def today_ends(today: int) -> int:
    """Seconds since 1970 at which a Chicago day, by its ordinal, is over."""
    return int(datetime.combine(date.fromordinal(today + 1), datetime.min.time(), CENTRAL).astimezone(UTC).timestamp())
