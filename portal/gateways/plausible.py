"""What any word of a gateway must satisfy to be recorded: a mark that can be kept, an instant near ours (pure)."""

from datetime import datetime, timedelta

from gateway.messages import Mark
from portal.gateways.words import clean

SKEW = timedelta(days=1)
"""How far a gateway's clock may be from ours before its instants are not believed."""
LONGEST_JOURNAL = 64
BIG = 2**63


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
