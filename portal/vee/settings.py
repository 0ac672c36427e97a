"""The policies of validation and estimation: section [portal.vee]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class VeeSettings:
    """When a missing interval is late, when it is estimated and how, and what makes a value doubtful."""

    due_days: Annotated[
        int, Field(description="Data of day D are due at 00:01 Central on D plus so many days (RPT-09).", ge=1, le=60)
    ] = 2
    late_h: Annotated[
        float, Field(description="Hours for which what a TDSP's files lack stays late; then it is estimated.", ge=0)
    ] = 24.0
    backfill_days: Annotated[
        int,
        Field(description="Days for which a gateway fills gaps by itself: its collection.lookback_days.", ge=0, le=60),
    ] = 30
    lookback_days: Annotated[int, Field(description="Days back that a run without dates goes over.", ge=1, le=400)] = 45
    every_s: Annotated[float, Field(description="Seconds between two runs of `metergate vee watch`.", gt=0)] = 3600.0
    full_every_h: Annotated[
        float, Field(description="Hours after which the watch goes over a recent day again, though nothing came.", gt=0)
    ] = 24.0
    full_days: Annotated[
        int, Field(description="Days back that are recent; older ones need a newer file or a deadline.", ge=1, le=400)
    ] = 7
    piece: Annotated[int, Field(description="Premises that a run holds in memory at once.", ge=1, le=20_000)] = 2000
    estimate: Annotated[bool, Field(description="Whether gaps are estimated at all.")] = True
    linear_most: Annotated[
        int, Field(description="Missing quarter hours in a row that a straight line may bridge.", ge=0, le=96)
    ] = 8
    flat_one_sided: Annotated[
        bool, Field(description="Whether so short a gap with one neighbour repeats that neighbour.")
    ] = True
    like_days: Annotated[int, Field(description="Like days that are averaged, at most.", ge=1, le=10)] = 3
    like_weeks: Annotated[
        int, Field(description="Weeks back for Friday to Sunday, and for any day once the table has none.", ge=1, le=12)
    ] = 4
    older_like_days: Annotated[
        bool, Field(description="Whether the same weekday of earlier weeks serves when the table has no usable day.")
    ] = True
    estimated_as_reference: Annotated[bool, Field(description="Whether estimated values may be references.")] = False
    holidays_as_reference: Annotated[
        bool, Field(description="Whether a holiday may be the like day of an ordinary day.")
    ] = False
    scale_to_register: Annotated[
        bool, Field(description="Whether estimates are scaled so that the day's sum is the register difference.")
    ] = True
    spread_register: Annotated[
        bool, Field(description="Whether, without like days, what the register leaves is spread evenly.")
    ] = True
    most_quarter_wh: Annotated[
        int, Field(description="Scaling that would put more into a quarter hour is not done, Wh.", ge=1, le=2**31 - 1)
    ] = 1_000_000
    estimate_over_failed: Annotated[
        bool, Field(description="Whether values that fail a check are estimated over; they stay in their version.")
    ] = False
    register_resolution_wh: Annotated[
        int, Field(description="What the last digit of a register counts, before the meter's multiplier, Wh.", ge=1)
    ] = 1
    sum_tolerance_wh: Annotated[
        int, Field(description="How far a day's sum may be from the register difference beyond that, Wh.", ge=0)
    ] = 50
    spike_factor: Annotated[
        float, Field(description="A peak is a spike above so many times the third-highest value.", gt=1)
    ] = 1.8
    spike_floor_wh: Annotated[int, Field(description="Values up to this are never spikes, Wh.", ge=0)] = 5000
    high_factor: Annotated[float, Field(description="A day is high above so many times its usual total.", gt=1)] = 4.0
    high_floor_wh: Annotated[int, Field(description="Days up to this total are never high, Wh.", ge=0)] = 50_000
    low_factor: Annotated[float, Field(description="A day is low below this part of its usual total.", ge=0, lt=1)] = (
        0.1
    )
    low_floor_wh: Annotated[int, Field(description="A usual total below this makes no day low, Wh.", ge=0)] = 10_000
    usual_weeks: Annotated[
        int, Field(description="Weeks whose same weekday makes the usual total; 0 leaves high and low out.", ge=0, le=8)
    ] = 4
    frozen_least: Annotated[
        int, Field(description="Known values, equal and not zero, from which a day is frozen.", ge=2, le=100)
    ] = 48
