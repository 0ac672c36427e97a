"""The Daily Usage report of one meter in its formats, streamed a piece at a time (guide 8.2, figure 40)."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime
from typing import Protocol

from gateway.identifiers import EsiId
from portal.reports.asked import Asked
from portal.reports.forms import ONE_VERSION, Format
from portal.usage import green_button, lse_write, smt_write, usage_json
from portal.usage.batch import CHANNELS
from portal.usage.daily_csv import csv_of
from portal.usage.intervals import Channel
from portal.usage.report_days import Span, days_of, newest_versions
from portal.usage.store import IntervalStore, StoredDay
from portal.visibility import VisibleMeter


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

    The report's format is one that is text; the first piece of a CSV is its header.

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
