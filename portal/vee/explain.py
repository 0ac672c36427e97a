"""Why a value is what it is, and how complete a meter's days are: what is told to those who see the meter."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from gateway.clock import Clock, central_date, central_midnight
from gateway.database import Database
from gateway.identifiers import EsiId
from portal.usage.batch import CHANNELS
from portal.usage.green_button import Quality
from portal.usage.intervals import Channel
from portal.usage.report_days import Span
from portal.usage.smt_file import EARLIEST
from portal.usage.store import IntervalStore, StoredDay
from portal.vee.checks import Check, Severity
from portal.vee.estimate import Receipt, Rule
from portal.vee.expected import QUARTER, Premise
from portal.vee.facts import FactsReader
from portal.vee.ledger import State
from portal.vee.places import places_of
from portal.vee.premises import premise_of
from portal.vee.receipt_words import kwh, receipt_words
from portal.vee.register_words import register_words
from portal.vee.registers import DayEnergy
from portal.vee.settings import VeeSettings
from portal.vee.tables import receipts
from portal.vee.verdict import DayFacts, Version, known_of, states
from portal.visibility import VisibleMeter

DAYS_AT_ONCE = 31
QUALITIES = {
    Rule.LIKE_DAY: Quality.REFERENCE_DAY,
    Rule.LINEAR: Quality.INTERPOLATED,
    Rule.FLAT: Quality.INTERPOLATED,
    Rule.REGISTER: Quality.VALIDATED,
}
"""What Green Button calls our rules; an estimate of a TDSP, whose rule nobody told, stays Quality.VALIDATED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldVersion:
    """A quarter hour in one version: which file or gateway it came from, when, Wh (None: missing), whether estimated.

    ours says that metergate estimated in this version.
    """

    version: int
    source: str
    received_at: datetime
    wh: int | None
    estimated: bool
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReceipt:
    """A receipt: the version that it is of, its rule, all of it in words, and its inputs."""

    version: int
    rule: Rule
    words: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFinding:
    """What a check found of this quarter hour, or of its day."""

    version: int
    check: Check
    severity: Severity
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All about one quarter hour: what it is now, in what state, and how it came to be.

    state is None if no meter owed it; registers are what the day counted by them, over every meter that hung there;
    versions, receipts and findings stand newest first.
    """

    esi_id: EsiId
    channel: Channel
    start: datetime
    end: datetime
    wh: int | None
    estimated: bool
    state: State | None
    since: datetime | None
    deadline: datetime | None
    words: str
    registers: DayEnergy | None
    versions: Sequence[ToldVersion]
    receipts: Sequence[ToldReceipt]
    findings: Sequence[ToldFinding]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCompleteness:
    """A day of one channel: quarter hours that are expected, and those in each state."""

    day: date
    channel: Channel
    expected: int
    states: Mapping[State, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """A meter's days. percent is the part of what is expected that is known, actual or estimated; None of nothing."""

    esi_id: EsiId
    start: date
    end: date
    percent: float | None
    days: Sequence[DayCompleteness]


def can_be_explained(at: datetime, now: datetime) -> bool:
    """Whether an instant begins a quarter hour of a day that is kept and has begun."""
    begins = not at.timestamp() % QUARTER.total_seconds()
    return begins and EARLIEST <= central_date(at) <= central_date(now)


class Explainer:
    """Over the market's database, the intervals' database and the store in it."""

    def __init__(
        self, market: Database, intervals: Database, store: IntervalStore, clock: Clock, policy: VeeSettings
    ) -> None:
        self._market, self._intervals, self._clock, self._policy = market, intervals, clock, policy
        self._store = store
        self._reader = FactsReader(store, intervals)

    async def explain(
        self, meter: VisibleMeter, start: datetime, channel: Channel, *, every_version: bool
    ) -> Explanation:
        """All about the quarter hour that begins at an instant; without every_version, of the current one only."""
        told = await self.explain_premise(meter.esi_id, start, channel)
        assert told is not None, "a visible meter is one"
        return told if every_version else newest_only(told)

    async def explain_premise(self, esi_id: EsiId, start: datetime, channel: Channel) -> Explanation | None:
        """The same for the operator at the databases; None of a premise that has never had a meter."""
        day = central_date(start)
        place = (start - central_midnight(day)) // QUARTER
        premise = await premise_of(self._market, esi_id)
        if premise is None:
            return None
        versions = (await self._reader.versions(esi_id, day, day)).get((day, channel), [])
        words = await register_words(self._market, self._intervals, [premise], day)
        facts = DayFacts(
            premise=premise, channel=channel, day=day, versions=versions, energy=words.energy(premise, channel)
        )
        found = [row for row in await self._reader.found(esi_id, day, day) if row.channel is channel]
        return explanation(facts, place, found, self._clock.now(), self._policy)

    async def completeness(self, meter: VisibleMeter, first: date, last: date) -> Completeness:
        """A meter's days by state, first and last included."""
        premise = await premise_of(self._market, meter.esi_id)
        assert premise is not None, "a visible meter is one"
        days: list[DayCompleteness] = []
        start = first
        while start <= last:
            end = min(last, start + timedelta(days=DAYS_AT_ONCE - 1))
            days += await self._complete(premise, start, end)
            start = end + timedelta(days=1)
        expected = sum(each.expected for each in days)
        known = sum(each.states.get(state, 0) for each in days for state in (State.PRESENT, State.ESTIMATED))
        percent = round(100 * known / expected, 2) if expected else None
        return Completeness(esi_id=meter.esi_id, start=first, end=last, percent=percent, days=days)

    async def _complete(self, premise: Premise, first: date, last: date) -> list[DayCompleteness]:
        versions = await self._reader.versions(premise.esi_id, first, last)
        now = self._clock.now()
        found: list[DayCompleteness] = []
        for ago in range((last - first).days + 1):
            day = first + timedelta(days=ago)
            await asyncio.sleep(0)  # nothing here makes a coroutine wait, and others are to have their turns
            for channel in CHANNELS:
                of_day = versions.get((day, channel), ())
                facts = DayFacts(premise=premise, channel=channel, day=day, versions=of_day)
                if not facts.expected:
                    continue
                entries = states(facts, known_of(facts.current), now, self._policy)
                counted = {state: len(entry.places) for state, entry in entries.items()}
                found.append(DayCompleteness(day=day, channel=channel, expected=len(facts.expected), states=counted))
        return found

    async def estimated_days(self, esi_id: EsiId, span: Span) -> frozenset[tuple[date, Channel]]:
        """The days and channels of a meter that have ever been estimated here."""
        columns = receipts.c
        statement = select(columns.day, columns.channel).distinct()
        wanted = statement.where(columns.esi_id == esi_id, columns.day.between(span.first, span.last))
        async with self._intervals.reading() as connection:
            return frozenset((day, channel) for day, channel in await connection.execute(wanted))

    async def qualities(self, stored: StoredDay) -> Mapping[int, Quality]:
        """How Green Button calls those places of a day whose rule is known."""
        data = stored.data
        versions = (await self._reader.versions(data.esi_id, data.day, data.day)).get((data.day, data.channel), [])
        of_these = [each for each in versions if each.version <= stored.version]
        proofs = ((place, proof_of(of_these, place)) for place, flag in enumerate(data.estimated) if flag)
        return {place: QUALITIES[proof[1].rule] for place, proof in proofs if proof is not None}


def proof_of(versions: Sequence[Version], place: int) -> tuple[Version, Receipt] | None:
    """The receipt of what the newest version holds at a place, itself or carried on from an estimate of ours."""
    newest = versions[-1] if versions else None
    if newest is None or not newest.estimated[place]:
        return None
    for each in reversed(versions):
        if each.values[place] == newest.values[place]:
            for receipt in each.receipts:
                if place in receipt.places:
                    return each, receipt
    return None


def explanation(facts: DayFacts, place: int, found: Sequence[Any], now: datetime, policy: VeeSettings) -> Explanation:
    """All about one place of a day; found are rows of findings."""
    current = facts.current
    entries = states(facts, known_of(current), now, policy)
    state, entry = next(((s, e) for s, e in entries.items() if place in e.places), (None, None))
    proof = proof_of(facts.versions, place)
    start = central_midnight(facts.day) + place * QUARTER
    return Explanation(
        esi_id=facts.premise.esi_id,
        channel=facts.channel,
        start=start,
        end=start + QUARTER,
        wh=current.values[place] if current else None,
        estimated=current is not None and current.estimated[place],
        state=state,
        since=entry.standing.since if entry else None,
        deadline=entry.standing.deadline if entry else None,
        words=_words(current, place, state, proof),
        registers=facts.energy,
        versions=[_told(each, place) for each in reversed(facts.versions)],
        receipts=list(_receipts(facts.versions, place)),
        findings=[_finding(row) for row in reversed(found) if not row.places or place in places_of(row.places)],
    )


def newest_only(told: Explanation) -> Explanation:
    """An explanation without what stood before: the latest data are all that a customer ever sees (RPT-05)."""
    newest = told.versions[:1]
    numbers = {each.version for each in newest}
    return replace(
        told,
        words=told.words.rpartition("; replaced ")[0] or told.words,
        versions=newest,
        receipts=(),
        findings=[each for each in told.findings if each.version in numbers],
    )


def _words(current: Version | None, place: int, state: State | None, proof: tuple[Version, Receipt] | None) -> str:
    if proof is not None:
        version, receipt = proof
        return receipt_words(receipt, place, version.replaced)
    if current is not None and current.values[place] is not None:
        wh = current.values[place] or 0
        what = "estimated by whoever sent it" if current.estimated[place] else "as it was metered"
        return f"{kwh(wh)}, {what}: version {current.version}, {current.name}"
    return {
        None: "no meter owed this quarter hour",
        State.AWAITED: "not here, and not due yet",
        State.LATE: "late: its TDSP has not sent it",
        State.BACK_FILLED: "not here yet: its gateway still collects it from the meter's own log",
        State.IMPOSSIBLE: "not to be had: nobody has sent it, and no rule could estimate it",
    }.get(state, "not known")


def _told(version: Version, place: int) -> ToldVersion:
    return ToldVersion(
        version=version.version,
        source=version.name,
        received_at=version.received_at,
        wh=version.values[place],
        estimated=version.estimated[place],
        ours=bool(version.receipts),
    )


def _receipts(versions: Sequence[Version], place: int) -> Iterator[ToldReceipt]:
    for each in reversed(versions):
        for receipt in each.receipts:
            if place in receipt.places:
                words = receipt_words(receipt, place, each.replaced)
                yield ToldReceipt(version=each.version, rule=receipt.rule, words=words, inputs=receipt.inputs)


def _finding(row: Any) -> ToldFinding:
    return ToldFinding(version=row.version, check=row.check, severity=row.severity, words=row.words)
