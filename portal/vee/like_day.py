"""Like days: which days stand for another, by the market's published look-up table, and their average (pure).

| day | references in order |
|---|---|
| Monday | previous Monday, the Monday before it |
| Tuesday | previous Tuesday, Wednesday, Thursday |
| Wednesday | previous Wednesday, this Tuesday, previous Tuesday, previous Thursday |
| Thursday | previous Thursday, this Wednesday, previous Wednesday, this Tuesday, previous Tuesday |
| Friday, Saturday, Sunday | the same day of the weeks before |
| holiday | this Sunday, previous Sunday |

Days are aligned by the wall clock: the hour that comes again in autumn is like the 1 AM hour of an ordinary day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.usage.slots import QUARTERS, REPEATED, SKIPPED, SLOTS, slots_in
from portal.vee.holidays import is_holiday
from portal.vee.places import Places
from portal.vee.settings import VeeSettings

WEEK = 7
TABLE: Mapping[int, tuple[int, ...]] = {
    0: (7, 14),
    1: (7, 6, 5),
    2: (7, 1, 8, 6),
    3: (7, 1, 8, 2, 9),
}
"""Days back by weekday, Monday first; Friday to Sunday go back week by week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A day that may serve: its values in Wh, and of each whether it may be used."""

    values: Sequence[int | None]
    usable: Sequence[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What like days say of some quarter hours: which days were averaged, and the Wh of each place."""

    days: tuple[date, ...]
    values: tuple[int, ...]


def look_up(day: date, policy: VeeSettings) -> tuple[date, ...]:
    """The references of a day in the table's order, then those of earlier weeks where the policy allows them."""
    if is_holiday(day):
        since_sunday = (day.weekday() + 1) % WEEK or WEEK
        found = [day - timedelta(days=since_sunday), day - timedelta(days=since_sunday + WEEK)]
    else:
        weeks = [WEEK * week for week in range(1, policy.like_weeks + 1)]
        back = list(TABLE.get(day.weekday(), weeks))
        if policy.older_like_days:
            back += [days for days in weeks if days not in back]
        found = [day - timedelta(days=days) for days in back]
        if not policy.holidays_as_reference:
            found = [each for each in found if not is_holiday(each)]
    return tuple(found)


def earliest(day: date, policy: VeeSettings) -> date:
    """The earliest day that can be a reference of a day."""
    return min(look_up(day, policy), default=day)


def likeness(
    day: date, count: int, places: Places, history: Mapping[date, Reference], policy: VeeSettings
) -> Likeness | None:
    """The average of the first usable references for some places of a day; None without any.

    count is how many quarter hours the day has; history holds what is known of the days before. A reference is usable
    if all of its quarter hours that the places are like may be used.
    """
    slots = [slots_in(count)[place] for place in places]
    days: list[date] = []
    columns: list[Sequence[int]] = []
    for each in look_up(day, policy):
        values = _at(history[each], slots) if each in history else None
        if values is not None:
            days.append(each)
            columns.append(values)
        if len(days) == policy.like_days:
            break
    if not days:
        return None
    most = len(days)
    # Halves are rounded up; the sum is scaled to the register afterwards, where there is one.
    averages = tuple((2 * sum(some) + most) // (2 * most) for some in zip(*columns, strict=True))
    return Likeness(days=tuple(days), values=averages)


def _at(reference: Reference, slots: Sequence[int]) -> Sequence[int] | None:
    """A reference's values at some slots; None if one of them is not there or may not be used."""
    count = len(reference.values)
    found: list[int] = []
    for slot in slots:
        place = _place(slot, count)
        value = None if place is None else reference.values[place]
        if place is None or value is None or not reference.usable[place]:
            return None
        found.append(value)
    return found


def _place(slot: int, count: int) -> int | None:
    """Where a day of so many quarter hours has what a slot is like; None for the hour that summer time skips."""
    if slot in REPEATED and count < SLOTS:
        slot -= len(REPEATED)
    if slot in SKIPPED and count < QUARTERS:
        return None
    return slots_in(count).index(slot)
