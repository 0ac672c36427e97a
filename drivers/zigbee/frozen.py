"""The registers that a meter froze at its daily freeze time (pure).

Source: ZigBee Smart Energy 1.4, D.3.2.2.1: DFTSummation (0x0004, received 0x001F) and DailyFreezeTime (0x0005), whose
upper byte is the hour and whose lower one the minute. The profile does not say of which clock; it is taken as that of
the market, America/Chicago, whose days are what registers are frozen for.
"""

from datetime import UTC, datetime, timedelta

from drivers.zigbee.metering import (
    EPOCH,
    SNAPSHOT_TIME,
    TIMES,
    UNSIGNED,
    UNSUPPORTED_ATTRIBUTE,
    Answers,
    Nameplate,
    Refused,
    number,
    scaled,
)
from gateway.clock import CENTRAL
from gateway.errors import BadReading, Unsupported
from gateway.identifiers import MeterNumber
from gateway.reads import FrozenRegisters

DELIVERED, FREEZE_TIME, RECEIVED = 0x0004, 0x0005, 0x001F

FROZEN = (DELIVERED, RECEIVED, FREEZE_TIME, SNAPSHOT_TIME)
"""What is asked for: the answer has 32 bytes."""


def frozen_registers(answers: Answers, plate: Nameplate, *, meter: MeterNumber, read_at: datetime) -> FrozenRegisters:
    """Turn answers to FROZEN into registers. Raises BadReading, Unauthorised, or Unsupported if there are none."""
    refused = Refused(status=UNSUPPORTED_ATTRIBUTE)
    if answers.get(DELIVERED) == answers.get(RECEIVED) == refused or answers.get(FREEZE_TIME) == refused:
        raise Unsupported("the meter freezes no registers")
    latched = number(answers, SNAPSHOT_TIME, TIMES)
    now = read_at if latched is None else EPOCH + timedelta(seconds=latched)
    return FrozenRegisters(
        meter=meter,
        delivered_wh=scaled(number(answers, DELIVERED, UNSIGNED), plate.wh_per_count, plate.bcd),
        received_wh=scaled(number(answers, RECEIVED, UNSIGNED), plate.wh_per_count, plate.bcd),
        frozen_at=_last(number(answers, FREEZE_TIME, UNSIGNED), now),
        read_at=read_at,
    )


def _last(freeze_time: int | None, now: datetime) -> datetime:
    """The last instant before now at which it was that time of day."""
    hour, minute = divmod(0xFFFF if freeze_time is None else freeze_time, 0x100)
    if hour > 23 or minute > 59:
        raise BadReading(f"the meter's daily freeze time {hour}:{minute} is no time of day")
    local = now.astimezone(CENTRAL).replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    # A day earlier by the wall clock, whatever the clocks did in between.
    return (local if local.astimezone(UTC) <= now else local - timedelta(days=1)).astimezone(UTC)
