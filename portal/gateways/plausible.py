"""What any word of a gateway must satisfy to be recorded: a mark that can be kept, an instant near ours (pure)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.messages import Mark
from gateway.reads import RegisterRead
from portal.gateways.words import clean

SKEW = timedelta(days=1)
"""How far a gateway's clock may be from ours before its instants are not believed."""
LONGEST_JOURNAL = 64
BIG = 2**63
YEARS = range(1970, 2200)
"""Years that a meter's own clock may show, right or wrong."""


def fits(mark: Mark) -> bool:
    """Whether a mark can be kept at all."""
    return 1 <= mark.seq < BIG and clean(mark.journal, LONGEST_JOURNAL) == mark.journal


def implausible_instant(name: str, at: datetime | None, now: datetime, allowed: timedelta = SKEW) -> str | None:
    """What is wrong with an instant, in words; None if nothing, or if there is none."""
    if at is None:
        return None
    if at.tzinfo is None:
        return f"{name} without a time zone"
    return None if abs(at - now) <= allowed else f"{name} is more than {allowed.days} d from the portal's time"


def read_faults(read: RegisterRead) -> Iterator[str]:
    """What is wrong with the values of a meter's registers, in words."""
    if read.latched_at is not None and (read.latched_at.tzinfo is None or read.latched_at.year not in YEARS):
        yield "latched_at without a time zone or out of range"
    for name in ("delivered_wh", "received_wh", "update_period_s"):
        value = getattr(read, name)
        if value is not None and not 0 <= value < BIG:
            yield f"{name} out of range"
    if read.demand_w is not None and not -BIG < read.demand_w < BIG:
        yield "demand_w out of range"
    if not (0 < read.scale.multiplier < BIG and 0 < read.scale.divisor < BIG):
        yield "a scale out of range"
