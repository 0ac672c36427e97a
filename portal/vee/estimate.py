"""Estimation of one day and channel: which rule fills which gap, and a receipt for each (pure).

A gap of up to linear_most quarter hours is bridged; a longer one, or one without neighbours, is filled from like days,
or, where there are none and the registers are known, with equal parts of what these leave. Then all that was estimated
is scaled so that the day's sum is the register difference. What is known stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from portal.vee import linear
from portal.vee.like_day import Reference, likeness
from portal.vee.places import Places, runs_of
from portal.vee.registers import DayEnergy
from portal.vee.scaling import shared
from portal.vee.settings import VeeSettings


class Rule(StrEnum):
    """How values were estimated."""

    LINEAR = "linear"
    FLAT = "flat"
    LIKE_DAY = "like_day"
    REGISTER = "register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Why some values are what they are: the rule, the places, and its inputs as JSON has them."""

    rule: Rule
    places: Places
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be estimated: the places to fill, and what is known around them.

    values are the day's in Wh without those that are to be filled; solid says of each whether a straight line may start
    from it. before and after are the neighbours in the days around, None if not known; history holds the days that
    like_day.look_up may name.
    """

    day: date
    values: Sequence[int | None]
    solid: Sequence[bool]
    fill: Places
    before: int | None = None
    after: int | None = None
    history: Mapping[date, Reference] = field(default_factory=dict)
    energy: DayEnergy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The day afterwards: its values, which of them were estimated now, and their receipts."""

    values: tuple[int | None, ...]
    places: Places
    receipts: tuple[Receipt, ...]


def estimate(task: Task, policy: VeeSettings) -> Estimate:
    """Fill what can be filled; a place that no rule can fill stays None."""
    values = list(task.values)
    receipts: list[Receipt] = []
    left: list[int] = []
    for first, last in runs_of(task.fill):
        run = tuple(range(first, last + 1))
        found = _bridged(task, run, policy) or _liked(task, run, policy)
        if found is None:
            left += run
            continue
        receipt, wh = found
        receipts.append(receipt)
        for place, value in zip(run, wh, strict=True):
            values[place] = value
    spread = _spread(task, tuple(left), values, policy)
    if spread is not None:
        receipts.append(spread)
        left = []
    filled = tuple(place for place in task.fill if values[place] is not None)
    if filled and policy.scale_to_register and task.energy is not None:
        receipts = _scaled(task, values, filled, receipts, policy)
    return Estimate(values=tuple(values), places=filled, receipts=tuple(receipts))


Filled = tuple[Receipt, tuple[int, ...]]


def _bridged(task: Task, run: Places, policy: VeeSettings) -> Filled | None:
    """A short gap between neighbours that are known."""
    if len(run) > policy.linear_most:
        return None
    before = _neighbour(task, run[0] - 1, task.before)
    after = _neighbour(task, run[-1] + 1, task.after)
    if before is not None and after is not None:
        receipt = Receipt(rule=Rule.LINEAR, places=run, inputs={"before_wh": before, "after_wh": after})
        return receipt, linear.straight(before, after, len(run))
    if not policy.flat_one_sided:
        return None
    side, wh = ("before_wh", before) if before is not None else ("after_wh", after)
    if wh is None:
        return None
    return Receipt(rule=Rule.FLAT, places=run, inputs={side: wh}), linear.flat(wh, len(run))


def _neighbour(task: Task, place: int, outside: int | None) -> int | None:
    """The value at a place, or that of the day before or after; None if no line may start from it."""
    value = outside
    if 0 <= place < len(task.values):
        value = task.values[place] if task.solid[place] else None
    return value if value is not None and value >= 0 else None


def _liked(task: Task, run: Places, policy: VeeSettings) -> Filled | None:
    """A gap as the average of like days."""
    found = likeness(task.day, len(task.values), run, task.history, policy)
    if found is None:
        return None
    days = [day.isoformat() for day in found.days]
    return Receipt(rule=Rule.LIKE_DAY, places=run, inputs={"days": days}), found.values


def _spread(task: Task, left: Places, values: list[int | None], policy: VeeSettings) -> Receipt | None:
    """Gaps without like days, as equal parts of what the registers leave; changes the values if it can."""
    if not left or task.energy is None or not policy.spread_register or any(_open(values, left)):
        return None
    rest = task.energy.wh - sum(filter(None, values))
    if rest < 0 or rest > len(left) * policy.most_quarter_wh:
        return None
    for place, wh in zip(left, shared(rest, [1] * len(left)), strict=True):
        values[place] = wh
    return Receipt(rule=Rule.REGISTER, places=left, inputs={"left_wh": rest, "quarters": len(left)})


def _open(values: Sequence[int | None], left: Places) -> list[int]:
    """Places beside those left that are not known either, so that what the registers leave is not theirs alone."""
    return [place for place, value in enumerate(values) if value is None and place not in left]


def _scaled(
    task: Task, values: list[int | None], filled: Places, receipts: Sequence[Receipt], policy: VeeSettings
) -> list[Receipt]:
    """Scale what was estimated to the register difference, and say so, or why not, in every receipt."""
    assert task.energy is not None
    estimates = [value for place in filled if (value := values[place]) is not None]
    known = sum(filter(None, values)) - sum(estimates)
    rest = task.energy.wh - known
    register = {
        "register_wh": task.energy.wh,
        "origin": task.energy.origin.value,
        "parts": [
            {
                "meter": str(part.meter),
                "from_at": part.from_at.isoformat(),
                "to_at": part.to_at.isoformat(),
                "from_wh": part.from_wh,
                "to_wh": part.to_wh,
            }
            for part in task.energy.parts
        ],
        "known_wh": known,
    }
    why = None
    if None in values:
        why = "other quarter hours of the day are not known"
    elif rest < 0:
        why = "what is known is more than the registers counted"
    scaled = () if why else shared(rest, estimates)
    if any(wh > policy.most_quarter_wh for wh in scaled):
        why = f"it would put more than {policy.most_quarter_wh} Wh into a quarter hour"
    if why is None:
        for place, wh in zip(filled, scaled, strict=True):
            values[place] = wh
        register |= {"numerator": rest, "denominator": sum(estimates)}
    else:
        register["not_scaled"] = why
    return [replace(receipt, inputs={**receipt.inputs, "scale": register}) for receipt in receipts]
