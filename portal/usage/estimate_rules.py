"""Who knows by which rules values were estimated: what reports ask of it."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from gateway.identifiers import EsiId
from portal.usage.green_button import Quality
from portal.usage.intervals import Channel
from portal.usage.report_days import Span
from portal.usage.store import StoredDay


class EstimateRules(Protocol):
    """The rules of our own estimates; portal.vee.explain knows them."""

    async def estimated_days(self, esi_id: EsiId, span: Span) -> frozenset[tuple[date, Channel]]:
        """The days and channels of a meter of which it knows any."""
        ...

    async def qualities(self, stored: StoredDay) -> Mapping[int, Quality]:
        """What Green Button calls the rules of a day, by place, as far as it knows them."""
        ...
