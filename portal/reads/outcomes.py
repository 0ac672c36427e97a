"""What a gateway's word on a read must satisfy to be recorded, and the columns that it becomes (pure).

A gateway is trusted for its own meters but not for its form: what would not fit, or would poison a later decision,
is refused with words instead of failing the whole batch.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gateway.messages import OutcomeStatus, ReadEnded, ReadProgressed
from portal.gateways.plausible import BIG, SKEW, implausible_instant, read_faults
from portal.gateways.words import clean

SMALL = 2**31
WORDS = 300
PATH = 120
UNIT = 20


def implausible_stage(progress: ReadProgressed, now: datetime) -> str | None:
    """What is wrong with the instant of a stage, None if nothing."""
    return implausible_instant("at", progress.at, now)


def implausible(outcome: ReadEnded, now: datetime) -> str | None:
    """The first thing that is wrong with an outcome, in words, None if nothing."""
    return next(_faults(outcome, now), None)


def _faults(outcome: ReadEnded, now: datetime) -> Iterator[str]:
    done = outcome.status is OutcomeStatus.DONE
    if done and (outcome.read is None or outcome.age is None or outcome.accepted_at is None):
        yield "a success without its read, its age or its acceptance"
    if outcome.used_today is not None and not 0 <= outcome.used_today < SMALL:
        yield "used_today out of range"
    for name in ("accepted_at", "on_air_at", "ended_at", "next_allowed_at"):
        # The next allowed read may lie most of a day ahead, so it gets twice the skew.
        allowed = SKEW * 2 if name == "next_allowed_at" else SKEW
        if fault := implausible_instant(name, getattr(outcome, name), now, allowed):
            yield fault
    if outcome.read is not None:
        yield from _value_faults(outcome, now)


def _value_faults(outcome: ReadEnded, now: datetime) -> Iterator[str]:
    read, age = outcome.read, outcome.age
    assert read is not None
    if read.meter != outcome.meter:
        yield "the read of another meter"
    if fault := implausible_instant("read_at", read.read_at, now):
        yield fault
    yield from read_faults(read)
    if age is not None and age.at_most_s is not None and not 0 <= age.at_most_s < BIG:
        yield "an age out of range"


def columns_of(outcome: ReadEnded) -> dict[str, Any]:
    """A plausible outcome as columns of reads: a failure clears the value, a success clears the reason."""
    read, age = outcome.read, outcome.age
    done = outcome.status is OutcomeStatus.DONE and read is not None
    row: dict[str, Any] = {
        "ended_at": outcome.ended_at,
        "reason": None if done else outcome.reason,
        "detail": None if done else clean(outcome.detail, WORDS),
        "next_allowed_at": outcome.next_allowed_at,
        "used_today": outcome.used_today,
        **dict.fromkeys(VALUE_COLUMNS),
    }
    if done and read is not None:
        row |= {
            "delivered_wh": read.delivered_wh,
            "received_wh": read.received_wh,
            "demand_w": read.demand_w,
            "flags": None if read.flags is None else [str(flag) for flag in read.flags],
            "latched_at": read.latched_at,
            "update_period_s": read.update_period_s,
            "read_at": read.read_at,
            "unit": clean(read.scale.unit, UNIT),
            "multiplier": read.scale.multiplier,
            "divisor": read.scale.divisor,
            "scale_assumed": read.scale.assumed,
            "path": clean(read.path, PATH),
            "freshness": None if age is None else age.freshness,
            "age_at_most_s": None if age is None else age.at_most_s,
        }
    return row


VALUE_COLUMNS = (
    "delivered_wh",
    "received_wh",
    "demand_w",
    "flags",
    "latched_at",
    "update_period_s",
    "read_at",
    "unit",
    "multiplier",
    "divisor",
    "scale_assumed",
    "path",
    "freshness",
    "age_at_most_s",
)
END_COLUMNS = (
    "sent_at",
    "ended_at",
    "recorded_at",
    "reason",
    "detail",
    "next_allowed_at",
    "used_today",
    *VALUE_COLUMNS,
)
STAGE_COLUMNS = ("status", "accepted_at", "on_air_at")
