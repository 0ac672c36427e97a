"""A Daily Usage report as JSON, said twice: as the classes that describe it, and as the text that is streamed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from gateway.clock import CENTRAL, central_midnight
from gateway.identifiers import EsiId
from portal.usage.intervals import Channel
from portal.usage.report_days import Span
from portal.usage.store import StoredDay

QUARTER = timedelta(minutes=15)
WORDS: dict[Channel, Literal["consumption", "generation"]] = {
    Channel.CONSUMPTION: "consumption",
    Channel.GENERATION: "generation",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageInterval:
    """15 minutes of one channel in one version.

    start is UTC, offset what Chicago's clocks added to it then (-06:00 or -05:00). wh is null where the value is
    missing. version grows with every file; revised_at is the TDSP's revision date, received_at when its file came.
    """

    start: datetime
    offset: str
    channel: Literal["consumption", "generation"]
    wh: int | None
    estimated: bool
    version: int
    revised_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUsage:
    """The intervals of one meter from start to end, Chicago days, both included; by day, channel and newest version."""

    esi_id: EsiId
    start: date
    end: date
    view: Literal["current", "versions"]
    intervals: list[UsageInterval]


def utc_text(at: datetime) -> str:
    """An instant such as 2026-05-06T05:00:00Z; parts of a second only where there are some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def offset_text(at: datetime) -> str:
    """What Chicago's clocks add to UTC at an instant: -06:00 or -05:00."""
    return at.astimezone(CENTRAL).isoformat()[-6:]


def opening(esi_id: EsiId, span: Span) -> str:
    """What stands before the intervals."""
    view = "versions" if span.every_version else "current"
    head = {"esi_id": str(esi_id), "start": f"{span.first}", "end": f"{span.last}", "view": view}
    return f'{json.dumps(head, separators=(",", ":"))[:-1]},"intervals":['


CLOSING = "]}\n"
"""What stands behind them."""


def intervals(day: StoredDay) -> str:
    """The intervals of a meter-day in one version, each a line of its own, without the comma before the first."""
    return ",".join(_intervals(day))


def _intervals(day: StoredDay) -> Iterator[str]:
    data = day.data
    revised = "null" if data.revised_at is None else f'"{utc_text(data.revised_at)}"'
    version = f'"version":{day.version},"revised_at":{revised},"received_at":"{utc_text(day.received_at)}"'
    midnight, channel = central_midnight(data.day), WORDS[data.channel]
    for place, (wh, estimated) in enumerate(zip(data.values, data.estimated, strict=True)):
        start = midnight + place * QUARTER
        yield (
            f'\n{{"start":"{utc_text(start)}","offset":"{offset_text(start)}","channel":"{channel}",'
            f'"wh":{"null" if wh is None else wh},"estimated":{"true" if estimated else "false"},{version}}}'
        )
