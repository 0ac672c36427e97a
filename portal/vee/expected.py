"""Which quarter hours of a day a premise owes: those for which a meter hung on its wall all the time (pure).

An exchange of the meter is two installations at one premise. The first is owed from its provisioning on (MCH-03), a
later one from its installation, for the history of a premise is one (MCH-01). A quarter hour in which no meter hung
for a while cannot be known whole, so that it is not owed; what a file says of it is kept all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from gateway.clock import central_midnight, intervals_in
from gateway.identifiers import EsiId, GatewayId, MeterNumber
from portal.usage.intervals import Channel
from portal.vee.places import Places

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A meter on a wall, from when to when; provisioned_at is None as long as only its TDSP sees it."""

    meter: MeterNumber
    installed_at: datetime
    provisioned_at: datetime | None
    removed_at: datetime | None
    gateway: GatewayId | None
    generates: bool
    multiplier: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Premise:
    """A premise with every meter that it has had, in the order of installation, and the name of its TDSP."""

    esi_id: EsiId
    tdsp: str
    installations: tuple[Installation, ...]

    @property
    def gateway(self) -> GatewayId | None:
        """The gateway that reaches the meter now on the wall, or the last that was."""
        return self.installations[-1].gateway if self.installations else None


Span = tuple[datetime, datetime | None]
"""From an instant on, and before another (None: until further notice)."""


def owed(installations: Sequence[Installation], channel: Channel) -> list[Span]:
    """The spans in which a channel is owed: separate, in order; meters that follow at once make one span."""
    spans: list[Span] = []
    earlier = False
    for each in installations:
        if each.provisioned_at is None:
            continue
        begin = each.installed_at if earlier else max(each.installed_at, each.provisioned_at)
        earlier = True
        if channel is Channel.GENERATION and not each.generates:
            continue
        if each.removed_at is not None and each.removed_at <= begin:
            continue
        if spans and (spans[-1][1] is None or begin <= spans[-1][1]):
            first, until = spans.pop()
            end = None if until is None or each.removed_at is None else max(until, each.removed_at)
            spans.append((first, end))
        else:
            spans.append((begin, each.removed_at))
    return spans


def expected(installations: Sequence[Installation], channel: Channel, day: date) -> Places:
    """The places of the quarter hours that a premise owes of a channel on a Chicago day."""
    begin, end = bounds(day)
    whole = every_place(day)
    found: set[int] = set()
    for first, until in owed(installations, channel):
        if first <= begin and (until is None or until >= end):
            return whole
        if first < end and (until is None or until > begin):
            found.update(
                place
                for place in whole
                if first <= begin + place * QUARTER and (until is None or begin + (place + 1) * QUARTER <= until)
            )
    return tuple(sorted(found))


def metered(installations: Sequence[Installation], day: date) -> Places:
    """The places of the quarter hours in which a meter hung on the wall at some time, whether they are owed or not."""
    begin, end = bounds(day)
    found: set[int] = set()
    for each in installations:
        first, until = each.installed_at, each.removed_at
        if until is not None and until <= first:
            continue
        if first <= begin and (until is None or until >= end):
            return every_place(day)
        found.update(
            place
            for place in every_place(day)
            if first < begin + (place + 1) * QUARTER and (until is None or begin + place * QUARTER < until)
        )
    return tuple(sorted(found))


@lru_cache(maxsize=512)
def bounds(day: date) -> tuple[datetime, datetime]:
    """When a Chicago day begins and ends, in UTC."""
    return central_midnight(day), central_midnight(day + DAY)


@lru_cache(maxsize=512)
def every_place(day: date) -> Places:
    """All places of a Chicago day: 92, 96 or 100."""
    return tuple(range(intervals_in(day)))
