"""What notices make of a premise over time: one story, whatever the order in which they came (pure).

A story is told from the beginning: notices are put in the order of their effective instants (at the same instant by
what they are about, then as they came), and each is applied to what those before it left. So a late notice changes
what it must and no more, and one that cannot be applied yet, for another is missing, is applied once that has come.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from gateway.identifiers import EsiId, MeterNumber
from gateway.market_notices import (
    EsiIdCreated,
    EsiIdRetired,
    MarketNotice,
    MeterChanged,
    MeterExchanged,
    MeterFields,
    MeterInstalled,
    MeterProvisioned,
    PremiseChanged,
    PremiseFields,
    RepChange,
    RepOfRecordChanged,
)
from portal.market import spans as rep
from portal.market.spans import Span

CENTRAL_NAME = "America/Chicago"


class NoticeRefusal(StrEnum):
    """Why a notice changes nothing."""

    UNKNOWN_ESI_ID = "unknown_esi_id"
    ESI_ID_IN_USE = "esi_id_in_use"
    RETIRED = "retired"
    METER_THERE = "meter_there"
    NO_SUCH_METER = "no_such_meter"
    METER_ELSEWHERE = "meter_elsewhere"
    CONFLICT = "conflict"
    TOO_FAR = "too_far"
    SENDER_NOT_ACTIVE = "sender_not_active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One meter's time on the wall; by is the place of the notice that hung it up."""

    number: MeterNumber
    fields: MeterFields
    by: int
    installed_at: datetime
    provisioned_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiseState:
    """A premise as it stands after some notices: spans and installations are those until then, oldest first."""

    fields: PremiseFields
    spans: tuple[Span, ...] = ()
    meters: tuple[Installation, ...] = ()
    retired_at: datetime | None = None
    successor: EsiId | None = None

    @property
    def on_wall(self) -> Installation | None:
        """The smart meter on the wall."""
        return self.meters[-1] if self.meters and self.meters[-1].removed_at is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notice with its place in the order in which notices came; what was known before the feed has places below 0."""

    place: int
    notice: MarketNotice


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All states of a premise in the order of their instants, and what became of each notice.

    refused names the places of those that change nothing; departures are the instants at which whoever lived there
    left, by the places of the notices that say so.
    """

    at: tuple[datetime, ...] = ()
    states: tuple[PremiseState, ...] = ()
    refused: Mapping[int, NoticeRefusal] = field(default_factory=dict)
    departures: Mapping[int, datetime] = field(default_factory=dict)

    def as_of(self, instant: datetime) -> PremiseState | None:
        """The premise at an instant, with what was told of it until now; None before it had its ESI ID."""
        index = bisect_right(self.at, instant)
        return self.states[index - 1] if index else None

    @property
    def end(self) -> PremiseState | None:
        """The premise after everything that was told, the future included."""
        return self.states[-1] if self.states else None


_RANKS: Mapping[type[Any], int] = {
    EsiIdCreated: 0,
    MeterInstalled: 4,
    MeterExchanged: 5,
    MeterProvisioned: 6,
    MeterChanged: 7,
    PremiseChanged: 7,
    EsiIdRetired: 8,
}


def _rank(notice: MarketNotice) -> int:
    """Of notices with one instant: an ESI ID is there before anything happens, who leaves goes before who comes."""
    if isinstance(notice, RepOfRecordChanged):
        return 1 if notice.change is RepChange.MOVE_OUT else 2
    if isinstance(notice, MeterExchanged) and notice.new_meter is None:
        return 3
    return _RANKS[type(notice)]


def tell(told: Sequence[Told], barred: Mapping[int, NoticeRefusal] | None = None) -> Story:
    """The story of one premise by all notices about it; barred are places that are refused for reasons elsewhere."""
    refused, departures = dict(barred or {}), dict[int, datetime]()
    instants, states = list[datetime](), list[PremiseState]()
    state: PremiseState | None = None
    for each in sorted(told, key=lambda each: (each.notice.effective_at, _rank(each.notice), each.place)):
        if each.place in refused:
            continue
        after = _after(state, each)
        if isinstance(after, NoticeRefusal):
            refused[each.place] = after
            continue
        if state is not None and _is_departure(state, each.notice):
            departures[each.place] = each.notice.effective_at
        state = after
        instants.append(each.notice.effective_at)
        states.append(after)
    return Story(at=tuple(instants), states=tuple(states), refused=refused, departures=departures)


def _after(state: PremiseState | None, told: Told) -> PremiseState | NoticeRefusal:
    """What a notice makes of a premise."""
    notice, at = told.notice, told.notice.effective_at
    if isinstance(notice, EsiIdCreated):
        usual = PremiseFields(status="A", time_zone=CENTRAL_NAME)
        fresh = PremiseState(fields=changed(usual, notice.premise))
        return fresh if state is None else NoticeRefusal.ESI_ID_IN_USE
    if state is None:
        return NoticeRefusal.UNKNOWN_ESI_ID
    if state.retired_at is not None:
        return NoticeRefusal.RETIRED
    if isinstance(notice, PremiseChanged):
        return replace(state, fields=changed(state.fields, notice.premise, notice.cleared))
    if isinstance(notice, RepOfRecordChanged):
        spans = rep.end(state.spans, at) if notice.rep_duns is None else rep.begin(state.spans, notice.rep_duns, at)
        return replace(state, spans=tuple(spans))
    if isinstance(notice, EsiIdRetired):
        inactive = replace(state.fields, status="I")
        left = replace(state, fields=inactive, spans=tuple(rep.end(state.spans, at)))
        return replace(_taken_down(left, at), retired_at=at, successor=notice.successor)
    return _after_at_meter(state, notice, told.place)


def _after_at_meter(
    state: PremiseState, notice: MeterInstalled | MeterProvisioned | MeterExchanged | MeterChanged, place: int
) -> PremiseState | NoticeRefusal:
    at, here = notice.effective_at, state.on_wall
    if isinstance(notice, MeterInstalled):
        new = Installation(number=notice.meter, fields=notice.fields, by=place, installed_at=at)
        return NoticeRefusal.METER_THERE if here is not None else replace(state, meters=(*state.meters, new))
    if here is None or here.number != notice.meter:
        return NoticeRefusal.NO_SUCH_METER
    if isinstance(notice, MeterProvisioned):
        return _with_meter(state, replace(here, provisioned_at=here.provisioned_at or at))
    if isinstance(notice, MeterChanged):
        return _with_meter(state, replace(here, fields=changed(here.fields, notice.fields, notice.cleared)))
    without = _taken_down(state, at)
    if notice.new_meter is None:
        return without
    # The service goes on without a break (guide 3.3): what follows a meter that sent its usage sends it from then on.
    new = Installation(
        number=notice.new_meter,
        fields=notice.fields,
        by=place,
        installed_at=at,
        provisioned_at=None if here.provisioned_at is None else at,
    )
    return replace(without, meters=(*without.meters, new))


def _is_departure(state: PremiseState, notice: MarketNotice) -> bool:
    """Whether whoever lived there has left by a notice.

    A move-in where somebody still is the REP of record says that he has, though no move-out was told: else he would
    see what the next one uses. After a move-out nobody is left to leave.
    """
    if isinstance(notice, EsiIdRetired):
        return True
    if not isinstance(notice, RepOfRecordChanged):
        return False
    if notice.change is RepChange.MOVE_IN:
        return bool(state.spans) and state.spans[-1].to_at is None
    return notice.change is RepChange.MOVE_OUT


def _with_meter(state: PremiseState, meter: Installation) -> PremiseState:
    return replace(state, meters=(*state.meters[:-1], meter))


def _taken_down(state: PremiseState, at: datetime) -> PremiseState:
    here = state.on_wall
    return state if here is None else _with_meter(state, replace(here, removed_at=at))


Fields = TypeVar("Fields", PremiseFields, MeterFields)


def changed(before: Fields, told: Fields, cleared: Sequence[str] = ()) -> Fields:
    """Fields with other values where some were told, and without those that were cleared."""
    news: dict[str, Any] = dict.fromkeys(cleared)
    for each in fields(told):
        value = getattr(told, each.name)
        if value is not None:
            news[each.name] = value
    return replace(before, **news)
