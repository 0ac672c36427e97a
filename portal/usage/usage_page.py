"""The usage of many meters as JSON, a meter-day as one object: described by classes, and written as text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS, instant
from portal.usage.report_days import Span
from portal.usage.store import StoredBlock
from portal.usage.unpacked import unpacked
from portal.usage.usage_json import WORDS, utc_text


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """A Chicago day of one channel in one version: 92, 96 or 100 quarter hours in the order of real time.

    wh are Wh, null where missing; estimated are the places, from 0, of those that were estimated. total_wh is the sum
    of what is known.
    """

    day: date
    channel: Literal["consumption", "generation"]
    version: int
    revised_at: datetime | None
    total_wh: int
    wh: list[int | None]
    estimated: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUsage:
    """A meter's days, by day, channel and newest version; none where there are no data."""

    esi_id: EsiId
    days: list[UsageDay]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePage:
    """The meters that you see, by ESI ID, from start to end, Chicago days; next_after continues, null at the end."""

    start: date
    end: date
    view: Literal["current", "versions"]
    next_after: EsiId | None
    meters: list[MeterUsage]


def opening(span: Span, next_after: EsiId | None) -> str:
    """What stands before the meters."""
    head = {
        "start": f"{span.first}",
        "end": f"{span.last}",
        "view": "versions" if span.every_version else "current",
        "next_after": next_after,
    }
    return f'{json.dumps(head, separators=(",", ":"))[:-1]},"meters":['


CLOSING = "]}\n"
"""What stands behind them."""


def meter_usage(esi_id: EsiId, blocks: Sequence[StoredBlock]) -> str:
    """One meter, a line for each of its days."""
    days = ",".join(_day(block, wh, estimated) for block, (wh, estimated) in zip(blocks, _values(blocks), strict=True))
    return f'\n{{"esi_id":"{esi_id}","days":[{days}]}}'


def _values(blocks: Sequence[StoredBlock]) -> list[tuple[Sequence[int | None], Sequence[bool]]]:
    return [(day.values, day.estimated) for day in unpacked(blocks)] if blocks else []


def _day(block: StoredBlock, wh: Sequence[int | None], estimated: Sequence[bool]) -> str:
    day, channel, revised_at = date.fromordinal(block.day), WORDS[CHANNELS[block.channel]], instant(block.revised)
    revised = "null" if revised_at is None else f'"{utc_text(revised_at)}"'
    places = [place for place, flag in enumerate(estimated) if flag] if True in estimated else []
    arrays = f'"wh":{json.dumps(wh, separators=(",", ":"))},"estimated":{json.dumps(places, separators=(",", ":"))}'
    head = f'"day":"{day}","channel":"{channel}","version":{block.version},"revised_at":{revised}'
    return f'\n{{{head},"total_wh":{block.total_wh},{arrays}}}'
