"""The Daily Usage report of one meter in its formats, streamed a piece at a time (guide 8.2, figure 40)."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from gateway.identifiers import EsiId
from portal.usage import green_button, lse_write, smt_write, usage_json
from portal.usage.batch import CHANNELS
from portal.usage.daily_csv import csv_of
from portal.usage.intervals import Channel
from portal.usage.report_days import Span, days_of, newest_versions
from portal.usage.report_range import ReportRefusal, ReportRefused
from portal.usage.store import IntervalStore, StoredDay
from portal.visibility import VisibleMeter


class View(StrEnum):
    """The guide's two views: the latest data only, or these and every earlier version (RPT-05)."""

    CURRENT = "current"
    VERSIONS = "versions"


class Format(StrEnum):
    """What a report is written as."""

    JSON = "json"
    CSV = "csv"
    LSE = "lse"
    GREEN_BUTTON = "green_button"


ONE_VERSION = frozenset({Format.LSE, Format.GREEN_BUTTON})
"""Formats whose readers take an interval once."""
MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.LSE: "text/plain; charset=utf-8",
    Format.GREEN_BUTTON: "application/atom+xml; charset=utf-8",
}
ENDINGS = {Format.JSON: "json", Format.CSV: "csv", Format.LSE: "lse", Format.GREEN_BUTTON: "xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is to be; utc adds two columns to a CSV."""

    span: Span
    format: Format
    utc: bool = False


def view_refusal(view: View, written_as: Format) -> ReportRefused | None:
    """Why a format cannot show a view, None if it can."""
    if view is View.CURRENT or written_as not in ONE_VERSION:
        return None
    words = f"{written_as} has room for one version of an interval; csv and json show every version."
    return ReportRefused(reason=ReportRefusal.ONE_VERSION, words=words)


def file_name(meter: VisibleMeter, asked: Asked) -> str:
    """Such as daily-usage_10443720000000001_2026-05-01_2026-05-31_current.csv."""
    span, view = asked.span, View.VERSIONS if asked.span.every_version else View.CURRENT
    return f"daily-usage_{meter.esi_id}_{span.first}_{span.last}_{view}.{ENDINGS[asked.format]}"


class EstimateRules(Protocol):
    """Who knows by which rules values were estimated; portal.vee.explain does."""

    async def estimated_days(self, esi_id: EsiId, span: Span) -> frozenset[tuple[date, Channel]]:
        """The days and channels of a meter of which it knows any."""
        ...

    async def qualities(self, stored: StoredDay) -> Mapping[int, green_button.Quality]:
        """What Green Button calls the rules of a day, by place, as far as it knows them."""
        ...


def report(
    store: IntervalStore, meter: VisibleMeter, asked: Asked, rules: EstimateRules | None = None
) -> AsyncIterator[str]:
    """The text of a report, a piece for each meter-day, or for each month of a CSV without the columns of utc.

    Intervals stand by day, channel and newest version; in Green Button by channel and day. A format of ONE_VERSION is
    given a span of the current version. Without rules Green Button calls every estimate one whose rule is not known.
    The iteration raises BadInput for a value that no interval file can hold.
    """
    assert not (asked.span.every_version and asked.format in ONE_VERSION), "the format has room for one version"
    if asked.format is Format.GREEN_BUTTON:
        return _green_button(store, meter, asked, rules)
    return _WRITERS[asked.format](store, meter, asked)


async def _csv(store: IntervalStore, meter: VisibleMeter, asked: Asked) -> AsyncIterator[str]:
    if not asked.utc:
        async for piece in csv_of(store, meter, asked.span):
            yield piece.decode("ascii")
        return
    yield smt_write.UTC_FIRST_LINE
    async for day in days_of(store, meter, asked.span):
        yield smt_write.rows_with_utc(day.data)


async def _lse(store: IntervalStore, meter: VisibleMeter, asked: Asked) -> AsyncIterator[str]:
    async for day in days_of(store, meter, asked.span):
        yield "".join(lse_write.write([day.data]))


async def _json(store: IntervalStore, meter: VisibleMeter, asked: Asked) -> AsyncIterator[str]:
    yield usage_json.opening(meter.esi_id, asked.span)
    between = ""
    async for day in days_of(store, meter, asked.span):
        yield between + usage_json.intervals(day)
        between = ","
    yield usage_json.CLOSING


async def _green_button(
    store: IntervalStore, meter: VisibleMeter, asked: Asked, rules: EstimateRules | None
) -> AsyncIterator[str]:
    # A channel's entries stand together and are announced before, so the store is asked once more for each.
    span = asked.span
    told = frozenset() if rules is None else await rules.estimated_days(meter.esi_id, span)
    newest = await newest_versions(store, meter, span)
    received = await store.received(newest.values())
    at = {channel: received[version] for channel, version in newest.items()}
    latest: datetime = max(at.values(), default=green_button.nothing_received(span))
    yield green_button.opening(meter, span, latest, has_readings=bool(at))
    for channel in CHANNELS:
        if channel in at:
            yield green_button.reading(meter.esi_id, channel, at[channel])
            async for day in days_of(store, meter, span, (channel,)):
                if rules is not None and (day.data.day, channel) in told:
                    yield green_button.block(day, await rules.qualities(day))
                else:
                    yield green_button.block(day)
    yield green_button.CLOSING


_WRITERS: dict[Format, Callable[[IntervalStore, VisibleMeter, Asked], AsyncIterator[str]]] = {
    Format.CSV: _csv,
    Format.LSE: _lse,
    Format.JSON: _json,
}
