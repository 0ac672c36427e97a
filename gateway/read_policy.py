"""The on-demand read policy: how often a meter may be read, and when it may be read next (pure).

Guide 8.2.4: "once every hour, 24 times in a day". Successes count; the hour slides from the acceptance of the request
that succeeded and its end, 3,600 s later, is already allowed; the day is the Chicago date of that acceptance (AMB-07).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gateway.clock import central_date, next_central_midnight
from gateway.config import settings

HOUR = timedelta(seconds=3600)


@settings
class ReadLimits:
    """The numbers of the policy, the table [limits] of a configuration."""

    reads_per_hour: Annotated[int, Field(description="Successful on-demand reads of a meter in any hour.", ge=1)] = 1
    reads_per_day: Annotated[
        int, Field(description="Successful on-demand reads of a meter in a Chicago calendar day.", ge=1)
    ] = 24
    deadline_s: Annotated[float, Field(description="Seconds after which a request is abandoned.", gt=0)] = 120.0


class RefusalReason(StrEnum):
    """Which limit said no."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The read may run now; used_today counts the successes of this Chicago day before it."""

    used_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The read may not run; at retry_at exactly it may."""

    reason: RefusalReason
    retry_at: datetime
    used_today: int


def decide(successes: Iterable[datetime], now: datetime, limits: ReadLimits) -> Granted | Refused:
    """May a meter be read now, given when its successful requests were accepted (any order, a day back suffices)?

    All instants are aware. Where both limits refuse, the later retry_at holds, for that is when a read may run.
    """
    accepted = sorted(successes)
    today = [instant for instant in accepted if central_date(instant) == central_date(now)]
    last_hour = [instant for instant in accepted if instant > now - HOUR]
    refusals = []
    if len(last_hour) >= limits.reads_per_hour:
        freed_at = last_hour[-limits.reads_per_hour] + HOUR
        refusals.append(Refused(reason=RefusalReason.HOUR, retry_at=freed_at, used_today=len(today)))
    if len(today) >= limits.reads_per_day:
        midnight = next_central_midnight(now)
        refusals.append(Refused(reason=RefusalReason.DAY, retry_at=midnight, used_today=len(today)))
    return max(refusals, key=lambda refused: refused.retry_at, default=Granted(used_today=len(today)))


def next_allowed(successes: Iterable[datetime], now: datetime, limits: ReadLimits) -> datetime:
    """The first instant, now or later, at which the policy would grant a read."""
    accepted = list(successes)
    answer = decide(accepted, now, limits)
    while isinstance(answer, Refused):
        now = answer.retry_at
        answer = decide(accepted, now, limits)
    return now
