"""The checks of a meter-day's values; each is a pure function that says what it found.

Gaps are no finding here: the ledger has every one. A failure names the values that are wrong, so that they can be
estimated over where the policy says so; a warning is about the day, and no one value is to blame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.clock import intervals_in
from portal.vee.expected import QUARTER, bounds
from portal.vee.places import Places
from portal.vee.registers import DayEnergy
from portal.vee.settings import VeeSettings

Values = Sequence[int | None]


class Check(StrEnum):
    """What was looked at."""

    TIME = "time"
    SPIKE = "spike"
    SUM = "sum"
    HIGH = "high"
    LOW = "low"
    FROZEN = "frozen"
    NEGATIVE = "negative"


class Severity(StrEnum):
    """A failure is about values, a warning about a day."""

    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: where (no places: the whole day), and in words."""

    check: Check
    severity: Severity
    words: str
    places: Places = ()


def count_check(day: date, count: int) -> Finding | None:
    """Whether a day has as many values as it has quarter hours."""
    wanted = intervals_in(day)
    if count == wanted:
        return None
    words = f"{count} values on a day of {wanted} quarter hours"
    return Finding(check=Check.TIME, severity=Severity.WARNING, words=words)


def time_check(day: date, values: Values, metered: Places, now: datetime) -> Finding | None:
    """Whether values lie where no meter hung on the wall, or in the future; a zero claims nothing."""
    begin, _ = bounds(day)
    there = frozenset(metered)
    strange = tuple(
        place
        for place, value in enumerate(values)
        if value and (place not in there or begin + (place + 1) * QUARTER > now)
    )
    if not strange:
        return None
    words = f"{len(strange)} values lie in the future, or when no meter hung on the wall"
    return Finding(check=Check.TIME, severity=Severity.WARNING, words=words, places=strange)


def negative_check(values: Values) -> Finding | None:
    """Whether a value is below zero; each channel counts in one direction only."""
    places = tuple(place for place, value in enumerate(values) if value is not None and value < 0)
    if not places:
        return None
    words = f"{len(places)} values are below zero"
    return Finding(check=Check.NEGATIVE, severity=Severity.FAILURE, words=words, places=places)


def spike_check(values: Values, policy: VeeSettings) -> Finding | None:
    """Whether the one or two highest values stand far above the third-highest, as a peak of an hour's use does not."""
    known = sorted((value for value in values if value is not None), reverse=True)
    if len(known) < 3 or known[0] <= policy.spike_floor_wh:
        return None
    limit = max(policy.spike_factor * known[2], policy.spike_floor_wh)
    places = tuple(place for place, value in enumerate(values) if value is not None and value > limit)
    if not places:
        return None
    words = (
        f"a peak of {known[0] / 1000:.3f} kWh in a quarter hour, more than {policy.spike_factor:g} times the "
        f"third-highest, {known[2] / 1000:.3f} kWh"
    )
    return Finding(check=Check.SPIKE, severity=Severity.FAILURE, words=words, places=places)


def frozen_check(least: int, most: int, known: int, policy: VeeSettings) -> Finding | None:
    """Whether all known values of a day are the same and not zero: an empty house counts nothing, not always one."""
    if least != most or least == 0 or known < policy.frozen_least:
        return None
    words = f"all {known} known values are {least} Wh"
    return Finding(check=Check.FROZEN, severity=Severity.WARNING, words=words)


def usual_check(total_wh: int, earlier: Sequence[int], policy: VeeSettings) -> Finding | None:
    """Whether a whole day's total is far from that of the same weekday in the weeks before; two are needed."""
    if len(earlier) < 2:
        return None
    usual = sum(earlier) / len(earlier)
    said = f"{total_wh / 1000:.3f} kWh, where {usual / 1000:.3f} kWh are usual on this weekday"
    if total_wh > policy.high_floor_wh and total_wh > policy.high_factor * usual:
        return Finding(check=Check.HIGH, severity=Severity.WARNING, words=said)
    if usual > policy.low_floor_wh and total_wh < policy.low_factor * usual:
        return Finding(check=Check.LOW, severity=Severity.WARNING, words=said)
    return None


def sum_check(total_wh: int, energy: DayEnergy | None, tolerance_wh: int) -> Finding | None:
    """Whether a whole day's sum is the register difference, within a tolerance."""
    if energy is None or abs(total_wh - energy.wh) <= tolerance_wh:
        return None
    words = f"the intervals make {total_wh / 1000:.3f} kWh, the registers {energy.wh / 1000:.3f} kWh" + (
        f" over {len(energy.parts)} meters" if len(energy.parts) > 1 else ""
    )
    return Finding(check=Check.SUM, severity=Severity.WARNING, words=words)
