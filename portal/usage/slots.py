"""The hundred slots of a Chicago day, in which the quarter hours of every day have their place.

Slots 0 to 7 are midnight to 2 AM, slots 8 to 11 the 1 AM hour that comes again when summer time ends, slots 12 to 99
are 2 AM to midnight. An ordinary day leaves 8 to 11 empty, the day on which summer time begins 12 to 15 as well.
"""

from collections.abc import Sequence
from functools import lru_cache

SLOTS = 100
REPEATED = range(8, 12)
SKIPPED = range(12, 16)
QUARTERS = 96


class BadTime(ValueError):
    """The label of a row that cannot stand where it stands: which row of the series, and why."""

    def __init__(self, row: int, cause: str) -> None:
        super().__init__(cause)
        self.row = row


@lru_cache
def slots_in(count: int) -> tuple[int, ...]:
    """The slots that a day of 92, 96 or 100 quarter hours truly has, in order: one for each of its values."""
    absent: set[int] = set()
    if count < SLOTS:
        absent.update(REPEATED)
    if count < QUARTERS:
        absent.update(SKIPPED)
    return tuple(slot for slot in range(SLOTS) if slot not in absent)


def clock_label(quarter: int) -> str:
    """Wall time of a quarter of the day, counted round the clock: 96 is 00:00 again."""
    hour, minute = divmod(quarter % QUARTERS * 15, 60)
    return f"{hour:02}:{minute:02}"


def labels(slot: int) -> tuple[str, str]:
    """Start and end of a slot in wall time; the last ends at 00:00."""
    quarter = slot if slot < REPEATED.start else slot - len(REPEATED)
    return clock_label(quarter), clock_label(quarter + 1)


SMT_LABELS_SLOT_8 = ("02:00", "01:15")
"""What Smart Meter Texas writes, by mistake, for the first quarter of the repeated hour instead of 01:00, 01:15."""


@lru_cache
def _table(count: int) -> dict[tuple[str, str], tuple[int, ...]]:
    """The slots that a row's labels may mean on such a day."""
    rows = [slot for slot in range(SLOTS) if count == SLOTS or slot not in REPEATED]
    meant = [(labels(slot), slot) for slot in rows]
    if count == SLOTS:
        meant += [(SMT_LABELS_SLOT_8, REPEATED.start), (("01:45", "01:00"), REPEATED.start - 1)]
    if count < QUARTERS:
        meant.append((("01:45", "03:00"), REPEATED.start - 1))
    table: dict[tuple[str, str], tuple[int, ...]] = {}
    for label, slot in meant:
        table[label] = (*table.get(label, ()), slot)
    return table


@lru_cache(maxsize=64)
def place(count: int, starts: Sequence[str], ends: Sequence[str]) -> tuple[int, ...]:
    """The slot of every row of one series from its labels, given as tuples; rows may be absent, never out of order.

    Raises BadTime. Remembered, for nearly all days of a file have the same labels.
    """
    table, last = _table(count), -1
    found: list[int] = []
    for row, label in enumerate(zip(map(str.strip, starts), map(str.strip, ends), strict=True)):
        meant = table.get(label)
        if meant is None:
            raise BadTime(row, _strange(label))
        slot = next((slot for slot in meant if slot > last), None)
        if slot is None:
            again = not set(meant).isdisjoint(found)
            start, end = label
            raise BadTime(row, f"{start} to {end} {'occurs twice' if again else 'comes after a later interval'}")
        found.append(slot)
        last = slot
    return tuple(found)


def _strange(label: tuple[str, str]) -> str:
    """Why labels belong to no interval."""
    known = {clock_label(quarter) for quarter in range(QUARTERS)}
    wrong = [time for time in label if time not in known]
    if wrong:
        return f"{wrong[0][:20]!r} is not the time of a quarter hour, HH:MM"
    return f"{label[0]} to {label[1]} is not an interval of 15 minutes"
