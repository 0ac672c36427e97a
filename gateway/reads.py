"""What a meter says: register reads in integer watt-hours, and how fresh they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Annotated

from pydantic import AwareDatetime, Field

from gateway.identifiers import MeterNumber

Whole = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
"""An integer that fits 64 bits, as every database's must; checked where a value is decoded."""


class MeterFlag(StrEnum):
    """A bit of the Metering cluster's Status attribute (0x0200), named as the specification does."""

    CHECK_METER = "check_meter"
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"
    POWER_FAILURE = "power_failure"
    POWER_QUALITY = "power_quality"
    LEAK = "leak"
    SERVICE_DISCONNECT_OPEN = "service_disconnect_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How raw counts became watt-hours: value x multiplier / divisor in the meter's unit.

    assumed is true when the meter supports neither attribute, which the specification reads as 1/1.
    """

    unit: str
    multiplier: Whole
    divisor: Whole
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRead:
    """A meter's registers as one read returned them; None is absent, never zero.

    delivered_wh and received_wh are the running sums from and to the grid in Wh, demand_w the instantaneous demand
    in W (negative while exporting). latched_at is the meter's own snapshot time where it has one; update_period_s
    how often the meter renews its registers where it says so; read_at when the answer arrived; path names the way.
    """

    meter: MeterNumber
    delivered_wh: Whole | None
    received_wh: Whole | None
    demand_w: Whole | None
    flags: tuple[MeterFlag, ...] | None
    latched_at: AwareDatetime | None
    update_period_s: Whole | None
    read_at: AwareDatetime
    scale: Scale
    path: str


class Direction(StrEnum):
    """Which way energy went: delivered from the grid, or received by it."""

    DELIVERED = "delivered"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProfile:
    """Consecutive intervals from a meter's own log, oldest first, in Wh; None is an interval that it marks invalid.

    ends_at is the end of the newest, by the meter's clock; interval_s the length of each.
    """

    meter: MeterNumber
    direction: Direction
    ends_at: AwareDatetime
    interval_s: Whole
    wh: tuple[Whole | None, ...]
    read_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRegisters:
    """Registers in Wh as a meter froze them at its daily freeze time, at frozen_at by the meter's clock."""

    meter: MeterNumber
    delivered_wh: Whole | None
    received_wh: Whole | None
    frozen_at: AwareDatetime
    read_at: AwareDatetime


class Freshness(StrEnum):
    """Whether a read's value is known to be newer than the request for it."""

    FRESH = "fresh"
    UNKNOWN = "unknown"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old a value may be: a freshness, and the greatest possible age in seconds (None: nobody can say)."""

    freshness: Freshness
    at_most_s: Whole | None


def age_of(read: RegisterRead, asked_at: datetime, tolerance_s: float) -> Age:
    """Judge a read against the instant at which it was asked for.

    The meter's snapshot time decides where there is one, with a tolerance for its clock; the value never does, for
    an empty house truly repeats it. Without a snapshot time the age is bounded by the meter's update period, if known.
    """
    if read.latched_at is None:
        return Age(freshness=Freshness.UNKNOWN, at_most_s=read.update_period_s)
    age_s = max(0, ceil((read.read_at - read.latched_at).total_seconds()))
    stale = read.latched_at < asked_at - timedelta(seconds=tolerance_s)
    return Age(freshness=Freshness.STALE if stale else Freshness.FRESH, at_most_s=age_s)
