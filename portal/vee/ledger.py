"""The ledger's rule: what state an expected quarter hour is in, and until when (pure).

                    from the day's end                                     after the deadline
  gateway's meter   being back-filled until its horizon ─────────────────▶ estimated, else impossible
  TDSP's file       awaited until 00:01 on D+2, then late for late_h ────▶ estimated, else impossible

A gateway that told a day without some quarter hours has said that the meter does not have them: there is no more to
wait for than the day's due time. Whatever is known is present, or estimated where its flag says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from gateway.clock import central_midnight
from portal.vee.expected import bounds
from portal.vee.places import Places
from portal.vee.settings import VeeSettings

AFTER_MIDNIGHT = timedelta(minutes=1)


class State(StrEnum):
    """What has become of an expected quarter hour. AWAITED is not due yet; each of the others is exactly one word."""

    PRESENT = "present"
    AWAITED = "awaited"
    LATE = "late"
    BACK_FILLED = "being_back_filled"
    ESTIMATED = "estimated"
    IMPOSSIBLE = "impossible"


MISSING = (State.AWAITED, State.LATE, State.BACK_FILLED, State.IMPOSSIBLE)
"""States of what is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A state since when, and until when it may last; None where it lasts until something comes."""

    state: State
    since: datetime
    deadline: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Quarter hours of one day and channel that share a standing."""

    standing: Standing
    places: Places


def due_at(day: date, policy: VeeSettings) -> datetime:
    """When a day's data must be here: a minute into the second day after, unless configured otherwise (RPT-09)."""
    return central_midnight(day + timedelta(days=policy.due_days)) + AFTER_MIDNIGHT


def standing(day: date, now: datetime, policy: VeeSettings, *, gateway: bool, denied: bool) -> Standing:
    """The standing of a missing quarter hour. denied: its source said that the meter does not have it."""
    begin, end = bounds(day)
    due = due_at(day, policy)
    filling = gateway and not denied
    last = end + timedelta(days=policy.backfill_days) if filling else due + timedelta(hours=policy.late_h)
    if denied:
        last = due
    if now < end:
        return Standing(state=State.AWAITED, since=begin, deadline=last if filling else due)
    if now < last and filling:
        return Standing(state=State.BACK_FILLED, since=end, deadline=last)
    if now < due and now < last:
        return Standing(state=State.AWAITED, since=begin, deadline=due)
    if now < last:
        return Standing(state=State.LATE, since=due, deadline=last)
    return Standing(state=State.IMPOSSIBLE, since=last, deadline=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What stands of a day and channel: values in Wh (None is missing), which are estimates, and when it came."""

    values: Sequence[int | None]
    estimated: Sequence[bool]
    received_at: datetime


def account(
    day: date,
    expected: Places,
    known: Known | None,
    now: datetime,
    policy: VeeSettings,
    *,
    gateway: bool,
    denied: Collection[int] = (),
) -> Mapping[State, Entry]:
    """Every expected quarter hour of a day and channel under exactly one state; known is None if nothing came."""
    places: dict[State, list[int]] = {}
    standings: dict[State, Standing] = {}
    waits = {flag: standing(day, now, policy, gateway=gateway, denied=flag) for flag in (False, True)}
    for place in expected:
        if known is not None and known.values[place] is not None:
            state = State.ESTIMATED if known.estimated[place] else State.PRESENT
            found = Standing(state=state, since=known.received_at, deadline=None)
        else:
            found = waits[place in denied]
        kept = standings.setdefault(found.state, found)
        if found.deadline is not None and kept.deadline is not None and found.deadline < kept.deadline:
            standings[found.state] = found
        places.setdefault(found.state, []).append(place)
    return {state: Entry(standing=standings[state], places=tuple(some)) for state, some in places.items()}
