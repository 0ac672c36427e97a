"""The REP of record of one premise over time: spans [from, to) that never overlap (pure; guide 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.identifiers import Duns


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From from_at on, and before to_at (None: until further notice), this DUNS number is the REP of record."""

    duns: Duns
    from_at: datetime
    to_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether an instant falls into the span: its start does, its end does not."""
        return self.from_at <= at and (self.to_at is None or at < self.to_at)


def current_rep(spans: Sequence[Span], at: datetime) -> Duns | None:
    """The DUNS number of the REP of record at an instant, None between a move-out and the next move-in."""
    return next((span.duns for span in spans if span.covers(at)), None)


def begin(spans: Sequence[Span], duns: Duns, at: datetime) -> list[Span]:
    """A switch or a move-in at an instant: whoever was or would have been from then on is not (ROR-03, ROR-05)."""
    return [*end(spans, at), Span(duns=duns, from_at=at)]


def end(spans: Sequence[Span], at: datetime) -> list[Span]:
    """A move-out at an instant: nobody is the REP of record from then on (ROR-04)."""
    kept = [span for span in spans if span.from_at < at]
    return [replace(span, to_at=at) if span.covers(at) else span for span in kept]
