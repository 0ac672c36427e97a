"""What is to be done about one day of one channel, from all that is known of it (pure).

The base of an estimate is the newest version that is not our own; what a gateway's version carried on from an estimate
of ours is still that estimate. An estimate of ours stays as long as it rests on the newest base, leaves nothing open
that could be filled, and makes the register difference where that is known; else the day is estimated anew from its
base. So an actual value that was loaded beside an estimate wins whichever was stored first, and a file that still
lacks a value brings no hole back for longer than until the next run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.usage.intervals import Channel, MeterDay
from portal.vee import checks
from portal.vee.checks import Finding
from portal.vee.estimate import Estimate, Receipt, Task
from portal.vee.expected import Premise, every_place, expected, metered
from portal.vee.ledger import Entry, Known, State, account, standing
from portal.vee.like_day import Reference
from portal.vee.places import Places
from portal.vee.registers import DayEnergy, tolerance_wh
from portal.vee.settings import VeeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a day and channel. receipts are there if it is our estimate, which rests on the version replaced.

    collected says that it came from a gateway, so that what it lacks the meter does not have.
    """

    version: int
    name: str
    received_at: datetime
    revised_at: datetime | None
    values: tuple[int | None, ...]
    estimated: tuple[bool, ...]
    collected: bool = False
    receipts: tuple[Receipt, ...] = ()
    replaced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """All that is known of a day and channel: every version, rising, and what the registers say."""

    premise: Premise
    channel: Channel
    day: date
    versions: Sequence[Version] = ()
    energy: DayEnergy | None = None

    @property
    def expected(self) -> Places:
        """What the premise owes."""
        return expected(self.premise.installations, self.channel, self.day)

    @property
    def current(self) -> Version | None:
        """The newest version."""
        return self.versions[-1] if self.versions else None

    @property
    def base(self) -> Version | None:
        """The newest version that is not our estimate."""
        return next((each for each in reversed(self.versions) if not each.receipts), None)

    @property
    def denied(self) -> frozenset[int]:
        """The places of which their gateway said that the meter does not have them."""
        base = self.base
        if base is None or not base.collected:
            return frozenset()
        return frozenset(place for place, value in enumerate(base.values) if value is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A day to be made anew: its base (None: nothing was known), values without those to fill, and these."""

    base: Version | None
    values: tuple[int | None, ...]
    solid: tuple[bool, ...]
    fill: Places


def carried(facts: DayFacts) -> frozenset[int]:
    """Places at which the base repeats an estimate of ours that came before it."""
    base = facts.base
    if base is None:
        return frozenset()
    found: set[int] = set()
    for each in facts.versions:
        if each.receipts and each.version < base.version:
            ours = (place for receipt in each.receipts for place in receipt.places)
            found.update(p for p in ours if base.estimated[p] and base.values[p] == each.values[p])
    return frozenset(found)


def failed(facts: DayFacts, policy: VeeSettings) -> frozenset[int]:
    """Places of the base whose values fail a check."""
    base = facts.base
    if base is None:
        return frozenset()
    actual = [None if flag else value for value, flag in zip(base.values, base.estimated, strict=True)]
    found = (checks.negative_check(actual), checks.spike_check(actual, policy))
    return frozenset(place for each in found if each is not None for place in each.places)


def plan(facts: DayFacts, now: datetime, policy: VeeSettings) -> Plan | None:
    """How a day is to be made anew, None if it stays as it is."""
    if not policy.estimate or not _is_sound(facts):
        return None
    base, current = facts.base, facts.current
    count = len(every_place(facts.day))
    values: Sequence[int | None] = base.values if base else (None,) * count
    flags: Sequence[bool] = base.estimated if base else (False,) * count
    owed = facts.expected
    kept = carried(facts).intersection(owed)
    wrong = failed(facts, policy).intersection(owed) if policy.estimate_over_failed else frozenset()
    over = {
        denied: standing(facts.day, now, policy, gateway=facts.premise.gateway is not None, denied=denied).state
        is State.IMPOSSIBLE
        for denied in (False, True)
    }
    denials = facts.denied
    fill = tuple(
        place for place in owed if place in kept or place in wrong or (values[place] is None and over[place in denials])
    )
    open_now = [p for p in fill if current is None or current.values[p] is None]
    stale = current is not None and bool(current.receipts) and current.replaced != (base.version if base else 0)
    unscaled = bool(fill) and current is not None and _misses_registers(facts, current, policy)
    unmade = bool(wrong) and current is base
    if not (open_now or stale or unscaled or unmade):
        return None
    left = tuple(None if place in kept or place in wrong else value for place, value in enumerate(values))
    return Plan(
        base=base,
        values=left,
        solid=tuple(value is not None and not flag for value, flag in zip(left, flags, strict=True)),
        fill=fill,
    )


def _is_sound(facts: DayFacts) -> bool:
    """Whether every version has as many values as its day has quarter hours."""
    return all(len(each.values) == len(every_place(facts.day)) for each in facts.versions)


def _misses_registers(facts: DayFacts, current: Version, policy: VeeSettings) -> bool:
    if not policy.scale_to_register or facts.energy is None or None in current.values:
        return False
    return sum(filter(None, current.values)) != facts.energy.wh


def task(facts: DayFacts, made: Plan, history: Mapping[date, Reference], before: int | None, after: int | None) -> Task:
    """A plan with what is known around it."""
    return Task(
        day=facts.day,
        values=made.values,
        solid=made.solid,
        fill=made.fill,
        before=before,
        after=after,
        history=history,
        energy=facts.energy,
    )


def outcome(facts: DayFacts, made: Plan, estimate: Estimate) -> MeterDay | None:
    """The day as it is to be stored, None if it stands so already. A value that no rule could replace stays."""
    base, current = made.base, facts.current
    ours = frozenset(estimate.places)
    values, flags = list(estimate.values), [place in ours for place in range(len(estimate.values))]
    if base is not None:
        for place, value in enumerate(base.values):
            if place not in ours:
                values[place], flags[place] = value, base.estimated[place]
    if not any(value is not None for value in values) and current is None:
        return None
    if current is not None and (tuple(values), tuple(flags)) == (current.values, current.estimated):
        return None
    return MeterDay(
        esi_id=facts.premise.esi_id,
        day=facts.day,
        channel=facts.channel,
        revised_at=None if base is None else base.revised_at,
        values=tuple(values),
        estimated=tuple(flags),
    )


def states(facts: DayFacts, day: Known | None, now: datetime, policy: VeeSettings) -> Mapping[State, Entry]:
    """The ledger's entries of a day; day is its current version, or what has just become of it."""
    known = day if day is None or len(day.values) == len(every_place(facts.day)) else None
    return account(
        facts.day,
        facts.expected,
        known,
        now,
        policy,
        gateway=facts.premise.gateway is not None,
        denied=facts.denied,
    )


def known_of(version: Version | None) -> Known | None:
    """A version as the ledger takes it."""
    if version is None:
        return None
    return Known(values=version.values, estimated=version.estimated, received_at=version.received_at)


def findings(facts: DayFacts, usual: Sequence[int], now: datetime, policy: VeeSettings) -> list[Finding]:
    """What the checks say of the base; usual holds the totals of the same weekday in the weeks before, Wh."""
    base = facts.base
    if base is None:
        return []
    if not _is_sound(facts):
        found = checks.count_check(facts.day, len(base.values))
        return [] if found is None else [found]
    there = metered(facts.premise.installations, facts.day)
    actual = [None if flag else value for value, flag in zip(base.values, base.estimated, strict=True)]
    known = [value for value in actual if value is not None]
    said = [
        checks.time_check(facts.day, base.values, there, now),
        checks.negative_check(actual),
        checks.spike_check(actual, policy),
        checks.frozen_check(min(known), max(known), len(known), policy) if known else None,
    ]
    if None not in base.values:
        total = sum(filter(None, base.values))
        limit = tolerance_wh(facts.premise.installations, policy.register_resolution_wh, policy.sum_tolerance_wh)
        said += [checks.usual_check(total, usual, policy), checks.sum_check(total, facts.energy, limit)]
    return [each for each in said if each is not None]
