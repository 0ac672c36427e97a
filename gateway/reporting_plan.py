"""When a meter is to be asked for reports of its registers, and which of its reports come too often (pure)."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.reads import Freshness, RegisterRead, age_of

EARLIEST_SHARE = 0.5
"""A report is taken when so much of the interval has passed since the last: clocks drift, and retries arrive late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a gateway knows of one meter's reports; instants are seconds of its monotonic clock.

    live_s is when the meter last agreed or reported, None if it never did; failures how often in a row it was asked in
    vain; not_before_s when it may be asked again.
    """

    live_s: float | None = None
    heard_s: float | None = None
    failures: int = 0
    not_before_s: float = 0.0


def is_due(standing: Standing, agreed: bool, now_s: float, every_s: int, silent_after: int) -> bool:
    """Whether a meter is to be asked: it has not agreed, or silent_after reports of it are missing."""
    if now_s < standing.not_before_s:
        return False
    return not agreed or standing.live_s is None or now_s - standing.live_s > every_s * silent_after


def is_early(standing: Standing, now_s: float, every_s: int) -> bool:
    """Whether a report comes so soon after the last that it is dropped."""
    return standing.heard_s is not None and now_s - standing.heard_s < every_s * EARLIEST_SHARE


def no_read(read: RegisterRead, every_s: int, tolerance_s: float) -> str | None:
    """Why a report is none that would count as a read, in words; None if it is.

    The rules are those of a read that was asked for, as if that had been one interval before.
    """
    age = age_of(read, read.read_at - timedelta(seconds=every_s), tolerance_s)
    if age.freshness is Freshness.STALE:
        return f"its values were latched {age.at_most_s} s before"
    if read.delivered_wh is None and read.received_wh is None:
        return "it marks its registers as invalid"
    return None


def pause_s(failures: int, first_s: float, last_s: float) -> float:
    """The pause after the failures-th failure in a row: it doubles up to the last."""
    return min(first_s * 2.0 ** min(failures - 1, 20), last_s)
