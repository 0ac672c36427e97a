"""A run over one Chicago day: every premise is accounted for, and what is due is estimated.

It goes premise by premise in pieces of bounded size and reads heads and registers of a piece at once; values are read
only of days that are not plain. A piece is written whole or not at all, and only where something changed; the day's
sum comes last. So a run may be killed at any moment and begun again, and one that finds nothing new writes nothing but
the day's sum. Receipts are committed before the values that they are of: an estimate without one cannot be.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.database import Database
from portal.usage.batch import CHANNELS
from portal.usage.block_reader import one_state
from portal.usage.intervals import Channel, MeterDay
from portal.usage.meter_ids import look_up
from portal.usage.store import IntervalStore, SourceFile
from portal.vee import kept, verdict
from portal.vee.checks import Finding
from portal.vee.estimate import Receipt, estimate
from portal.vee.expected import Premise, bounds, every_place, expected
from portal.vee.facts import FactsReader
from portal.vee.heads import Heads, heads_of, totals
from portal.vee.ledger import Known, State
from portal.vee.places import Places, runs_of
from portal.vee.premises import every_premise
from portal.vee.register_words import RegisterWords, register_words
from portal.vee.registers import tolerance_wh
from portal.vee.screening import is_plain
from portal.vee.settings import VeeSettings
from portal.vee.verdict import DayFacts, Plan

ORPHANS_AFTER = timedelta(days=1)
WEEK = 7

Tally = dict[tuple[str, str], Counter[State]]
"""Quarter hours by TDSP, gateway (empty: none) and state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRun:
    """What a run over a day came to: quarter hours by state, meter-days estimated or restored, findings."""

    day: date
    counts: Tally
    estimated_days: int
    findings: int
    looked_at: int

    @property
    def total(self) -> Counter[State]:
        """Quarter hours by state."""
        return sum(self.counts.values(), Counter())


@dataclass(slots=True, kw_only=True)
class _Under:
    """A run under way."""

    day: date
    now: datetime
    counts: Tally = field(default_factory=lambda: defaultdict(Counter))
    estimated_days: int = 0
    findings: int = 0
    looked_at: int = 0

    def add(self, premise: Premise, state: State, number: int) -> None:
        self.counts[premise.tdsp, premise.gateway or ""][state] += number


@dataclass(frozen=True, slots=True)
class _Made:
    """A day that was estimated, or restored, and is to be stored."""

    day: MeterDay
    plan: Plan
    receipts: Sequence[Receipt]
    over: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some premises with what is known of them in bulk."""

    premises: Sequence[Premise]
    heads: Heads
    usual: Sequence[Heads]
    words: RegisterWords


class Run:
    """Over the market's database, the intervals' database and the store in it."""

    def __init__(
        self, market: Database, intervals: Database, store: IntervalStore, clock: Clock, policy: VeeSettings
    ) -> None:
        self._market, self._intervals, self._store = market, intervals, store
        self._clock, self._policy = clock, policy
        self._reader = FactsReader(store, intervals)

    async def day(self, day: date) -> DayRun:
        """Account for a day, as of now."""
        under = _Under(day=day, now=self._clock.now())
        async with self._intervals.reading() as connection:
            seen = await kept.newest_version(connection)
            alone = await kept.orphans(connection, under.now - ORPHANS_AFTER)
        if alone:
            await self._intervals.write(partial(kept.drop_batches, digests=alone))
        async for premises in every_premise(self._market, bounds(day)[1], self._policy.piece):
            await self._piece(under, premises)
        counts = dict(under.counts)
        keep = partial(kept.keep_day, day=day, counts=counts, ran_at=under.now, seen=seen)
        await self._intervals.write(keep)
        return DayRun(
            day=day,
            counts=counts,
            estimated_days=under.estimated_days,
            findings=under.findings,
            looked_at=under.looked_at,
        )

    async def _piece(self, under: _Under, premises: Sequence[Premise]) -> None:
        piece = await self._read(under.day, premises)
        looked: list[tuple[DayFacts, list[int]]] = []
        for premise in premises:
            due = [(channel, self._owed(under, piece, premise, channel)) for channel in CHANNELS]
            if any(wanted for _, wanted in due):
                looked += await self._facts(under, piece, premise, [channel for channel, wanted in due if wanted])
        made = [each for each in [await self._made(facts, under) for facts, _ in looked] if each is not None]
        await self._store_made(under, made)
        stored = {(each.day.esi_id, each.day.channel): each.day for each in made}
        gaps: list[dict[str, Any]] = []
        findings: list[dict[str, Any]] = []
        for facts, usual in looked:
            now_known = stored.get((facts.premise.esi_id, facts.channel))
            gaps += self._account(under, facts, now_known)
            found = verdict.findings(facts, usual, under.now, self._policy)
            findings += [_finding_row(facts, each, under.now) for each in found]
        under.looked_at += len(looked)
        under.estimated_days += len(made)
        under.findings += len(findings)
        await self._keep(under, premises, gaps, findings)

    async def _read(self, day: date, premises: Sequence[Premise]) -> _Piece:
        async with one_state(self._intervals) as connection:
            found = await look_up(connection, [premise.esi_id for premise in premises])
            numbers = {each.esi_id: found[each.esi_id] for each in premises if each.esi_id in found}
            heads = await heads_of(connection, numbers, day)
            weeks = range(1, self._policy.usual_weeks + 1)
            usual = [await heads_of(connection, numbers, day - timedelta(days=WEEK * week)) for week in weeks]
        words = await register_words(self._market, self._intervals, premises, day)
        return _Piece(premises, heads, usual, words)

    def _owed(self, under: _Under, piece: _Piece, premise: Premise, channel: Channel) -> bool:
        """Whether a channel's day must be looked at; counts it if it is plain."""
        places = expected(premise.installations, channel, under.day)
        key = (premise.esi_id, channel)
        if not places:
            return False
        limit = tolerance_wh(premise.installations, self._policy.register_resolution_wh, self._policy.sum_tolerance_wh)
        energy = piece.words.energy(premise, channel)
        quarters = len(every_place(under.day))
        earlier = totals(piece.usual, key)
        if is_plain(piece.heads.get(key), places, quarters, energy, earlier, limit, self._policy):
            under.add(premise, State.PRESENT, len(places))
            return False
        return True

    async def _facts(
        self, under: _Under, piece: _Piece, premise: Premise, channels: Sequence[Channel]
    ) -> list[tuple[DayFacts, list[int]]]:
        """All that is known of some channels of a premise, each with its usual totals."""
        there = any((premise.esi_id, channel) in piece.heads for channel in CHANNELS)
        versions = await self._reader.versions(premise.esi_id, under.day, under.day) if there else {}
        return [
            (
                DayFacts(
                    premise=premise,
                    channel=channel,
                    day=under.day,
                    versions=versions.get((under.day, channel), ()),
                    energy=piece.words.energy(premise, channel),
                ),
                totals(piece.usual, (premise.esi_id, channel)),
            )
            for channel in channels
        ]

    async def _made(self, facts: DayFacts, under: _Under) -> _Made | None:
        """The day as it is to be made anew, None if it stays."""
        made = verdict.plan(facts, under.now, self._policy)
        if made is None:
            return None
        around = await self._reader.around(facts.premise.esi_id, facts.channel, facts.day, self._policy)
        task = verdict.task(facts, made, around.history, around.before, around.after)
        found = estimate(task, self._policy)
        day = verdict.outcome(facts, made, found)
        over = facts.current.version if facts.current else 0
        return None if day is None else _Made(day, made, found.receipts, over)

    async def _store_made(self, under: _Under, made: Sequence[_Made]) -> None:
        """Receipts first, then the values, as the source whose digest the receipts bear."""
        if not made:
            return
        sha256 = _digest(made)
        rows = [row for each in made for row in _receipt_rows(each, sha256)]
        await self._intervals.write(partial(kept.keep_receipts, sha256=sha256, made_at=under.now, rows=rows))
        source = SourceFile(name=f"estimated for {under.day}", sha256=sha256, received_at=under.now)
        days = [each.day for each in made]
        await self._store.load(source, lambda: iter(days))

    def _account(self, under: _Under, facts: DayFacts, made: MeterDay | None) -> list[dict[str, Any]]:
        """Count a day's quarter hours, and say which are not present."""
        known = verdict.known_of(facts.current)
        if made is not None:
            known = Known(values=made.values, estimated=made.estimated, received_at=under.now)
        rows: list[dict[str, Any]] = []
        for state, entry in verdict.states(facts, known, under.now, self._policy).items():
            under.add(facts.premise, state, len(entry.places))
            if state is not State.PRESENT:
                rows.append(
                    {
                        "day": facts.day,
                        "esi_id": facts.premise.esi_id,
                        "channel": facts.channel,
                        "state": state,
                        "places": runs_of(entry.places),
                        "since": entry.standing.since,
                        "deadline": entry.standing.deadline,
                        "tdsp": facts.premise.tdsp,
                        "gateway": facts.premise.gateway,
                    }
                )
        return rows

    async def _keep(
        self,
        under: _Under,
        premises: Sequence[Premise],
        gaps: list[dict[str, Any]],
        findings: list[dict[str, Any]],
    ) -> None:
        stretch = kept.Stretch(day=under.day, first=premises[0].esi_id, last=premises[-1].esi_id)
        gaps.sort(key=lambda row: (row["esi_id"], row["channel"], row["state"]))
        async with self._intervals.reading() as connection:
            same = await kept.gaps_of(connection, stretch) == gaps
        if same and not findings:
            return

        async def job(connection: AsyncConnection) -> None:
            if not same:
                await kept.keep_gaps(connection, stretch, gaps)
            await kept.keep_findings(connection, findings)

        await self._intervals.write(job)


def _digest(made: Sequence[_Made]) -> str:
    """Of all that a batch says, and of the versions over which it stands: the same estimate may be due again."""
    text = [
        (
            str(each.day.esi_id),
            each.day.day.isoformat(),
            str(each.day.channel),
            each.over,
            each.plan.base.version if each.plan.base else 0,
            each.day.values,
            each.day.estimated,
        )
        for each in made
    ]
    return hashlib.sha256(repr(text).encode()).hexdigest()


def _receipt_rows(made: _Made, sha256: str) -> list[dict[str, Any]]:
    base = made.plan.base
    return [
        {
            "esi_id": made.day.esi_id,
            "day": made.day.day,
            "channel": made.day.channel,
            "sha256": sha256,
            "first": receipt.places[0],
            "rule": receipt.rule,
            "places": runs_of(receipt.places),
            "inputs": {**receipt.inputs, "replaced_wh": _replaced(base.values if base else (), receipt.places)},
            "replaced": base.version if base else 0,
        }
        for receipt in made.receipts
    ]


def _replaced(values: Sequence[int | None], places: Places) -> list[int | None]:
    """What stood at some places before; nothing at all where nothing was known."""
    found = [values[place] for place in places] if values else []
    return found if any(value is not None for value in found) else []


def _finding_row(facts: DayFacts, finding: Finding, now: datetime) -> dict[str, Any]:
    base = facts.base
    assert base is not None, "a finding is of a version"
    return {
        "esi_id": facts.premise.esi_id,
        "day": facts.day,
        "channel": facts.channel,
        "version": base.version,
        "check": finding.check,
        "severity": finding.severity,
        "places": runs_of(finding.places),
        "words": finding.words,
        "found_at": now,
    }
