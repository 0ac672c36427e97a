"""Notices applied: kept, and everything that follows from them brought about, in one transaction.

A premise's story is told anew from all of its notices whenever one comes or takes effect, and the tables are made to
say what it says. So a notice may come twice, late or early, and a crash leaves all of it or nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns, EsiId, MeterNumber
from gateway.market_notices import CREATED, REP_CHANGED, MarketNotice, hung_up
from portal.agreements.changing import follow_market
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.companies.tables import companies, duns_numbers
from portal.market.consequences import Acts, carry_departure, withdraw_removed
from portal.market.movements import last_settled, reps_seeing, tell_of_movements
from portal.market.notices import NoticeRefusal, PremiseState, Story, tell
from portal.market.openings import ONE, kept, kept_opening, opening_of, told_of
from portal.market.premise_lock import lock_premises
from portal.market.projection import put_meters, put_premise, put_spans
from portal.market.settings import MarketSettings
from portal.market.tables import (
    HANGS_ELSEWHERE,
    IS_TO_CARRY,
    IS_WAITING,
    NoticeSource,
    NoticeState,
    market_notices,
    premise_histories,
    premises,
)
from portal.meters.tables import meters
from portal.webhooks.events import is_anyone_told
from portal.webhooks.tables import EventKind

ASIDE = frozenset({NoticeRefusal.TOO_FAR, NoticeRefusal.SENDER_NOT_ACTIVE})
"""Refused when they came: no part of a premise's story. They are decided anew when they come again."""
MOST_FOLLOWING = 100
"""Premises whose notices are tried again for what happened elsewhere; more wait for the next notice there."""

WORDS: dict[NoticeRefusal, str] = {
    NoticeRefusal.UNKNOWN_ESI_ID: "You have no premise with this ESI ID at that instant.",
    NoticeRefusal.ESI_ID_IN_USE: "This ESI ID is in use.",
    NoticeRefusal.RETIRED: "This ESI ID was retired before that instant.",
    NoticeRefusal.METER_THERE: "A meter hangs there at that instant; an exchange names it.",
    NoticeRefusal.NO_SUCH_METER: "This meter does not hang there at that instant.",
    NoticeRefusal.METER_ELSEWHERE: "A meter of this number hangs on another wall at that time.",
    NoticeRefusal.CONFLICT: "Another notice came under this id; the first one stands.",
    NoticeRefusal.TOO_FAR: "This instant is too far ahead.",
    NoticeRefusal.SENDER_NOT_ACTIVE: "The sender's company or DUNS number is not active.",
}
LATEST = datetime.max.replace(tzinfo=UTC)
NOT_REGISTERED = "No REP has registered this DUNS number; whoever does will see the meter."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A TDSP that tells, and whether it may at present."""

    company_id: int
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOutcome:
    """What became of a notice; words say why it was refused, or what to know of it."""

    id: str
    state: NoticeState
    reason: NoticeRefusal | None
    words: str | None


async def find_sender(connection: AsyncConnection, duns: Duns) -> Sender | None:
    """The TDSP that has a DUNS number, None if none does."""
    found = (
        select(companies.c.id, companies.c.status, duns_numbers.c.status.label("number"))
        .join(duns_numbers, duns_numbers.c.company_id == companies.c.id)
        .where(duns_numbers.c.duns == duns, duns_numbers.c.status != DunsStatus.REVOKED, companies.c.kind == Kind.TDSP)
    )
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        return None
    active = row.status is CompanyStatus.ACTIVE and row.number is DunsStatus.ACTIVE
    return Sender(company_id=row.id, active=active)


async def take(
    connection: AsyncConnection,
    sender: Sender,
    notices: Sequence[MarketNotice],
    source: NoticeSource,
    settings: MarketSettings,
    acts: Acts,
) -> list[NoticeOutcome]:
    """Keep and apply notices in their order; returns what became of each. Doing so again changes nothing more.

    A notice that comes again gets the answer that holds now; under its id, another one is a conflict.
    """
    company = select(companies.c.id).where(companies.c.id == sender.company_id)
    await connection.execute(company.with_for_update(key_share=True))  # a TDSP's notices come one batch after the other
    known = await _known(connection, sender, {notice.id for notice in notices})
    bodies = {row.notice_id: ONE.validate_python(row.body) for row in known}
    again = {row.notice_id: row for row in known if row.reason in ASIDE}
    fresh, conflicts = list[MarketNotice](), set[int]()
    for index, notice in enumerate(notices):
        if notice.id not in bodies:
            bodies[notice.id] = notice
            fresh.append(notice)
        elif bodies[notice.id] != notice:
            conflicts.add(index)
    if fresh:
        values = [_row(notice, sender, source, settings, acts.now) for notice in fresh]
        await connection.execute(insert(market_notices), values)
    for notice_id, row in again.items():
        decided = _first_word(bodies[notice_id], sender, settings, acts.now)
        await connection.execute(update(market_notices).where(market_notices.c.id == row.id).values(decided))
    touched = {notice.esi_id for notice in fresh} | {row.esi_id for row in again.values()}
    await bring_up_to_date(connection, touched, acts)
    rows = {row.notice_id: row for row in await _known(connection, sender, set(bodies))}
    return [
        _conflict(notice) if index in conflicts else _outcome(rows[notice.id]) for index, notice in enumerate(notices)
    ]


async def take_effect(connection: AsyncConnection, most: int, acts: Acts) -> int:
    """Bring up to date the premises of which a notice takes effect, or somebody's leaving is still to be carried out.

    Returns how many notices took effect; running it again changes nothing more.
    """
    esi_ids = select(market_notices.c.esi_id).limit(most)
    is_due = esi_ids.where(IS_WAITING, market_notices.c.effective_at <= acts.now)
    due = (await connection.scalars(is_due.order_by(market_notices.c.effective_at))).all()
    left = (await connection.scalars(esi_ids.where(IS_TO_CARRY).order_by(market_notices.c.id))).all()
    await bring_up_to_date(connection, {*due, *left}, acts)
    return len(due)


async def next_effect(connection: AsyncConnection) -> datetime | None:
    """When the next notice takes effect."""
    waiting = select(func.min(market_notices.c.effective_at)).where(IS_WAITING)
    at: datetime | None = await connection.scalar(waiting)
    return at


async def bring_up_to_date(connection: AsyncConnection, esi_ids: Collection[EsiId], acts: Acts) -> None:
    """Make the tables say what the stories of some premises say now, and bring about what follows."""
    todo, done, following = sorted(esi_ids), set[EsiId](), 0
    watched = await is_anyone_told(connection, EventKind.REP_CHANGED)
    while todo:
        await lock_premises(connection, todo)
        told = [_Premise(connection, esi_id, acts, watched) for esi_id in todo]
        freed = [number for premise in told for number in await premise.bring_up_to_date()]
        done.update(todo)
        todo = [] if not freed else [esi for esi in await _waiting_for(connection, freed) if esi not in done]
        following += len(todo)
        todo = todo if following <= MOST_FOLLOWING else []
    await withdraw_removed(connection, acts)


class _Premise:
    """One premise while its story is told; its history is locked."""

    def __init__(self, connection: AsyncConnection, esi_id: EsiId, acts: Acts, watched: bool) -> None:
        """watched says whether anybody is told of meters that come and go."""
        self._connection = connection
        self._esi_id = esi_id
        self._acts = acts
        self._watched = watched

    async def bring_up_to_date(self) -> list[MeterNumber]:
        """Write what differs; returns the numbers of the meters that were taken off the wall."""
        connection, now = self._connection, self._acts.now
        there = (await connection.execute(select(premises).where(premises.c.esi_id == self._esi_id))).one_or_none()
        ordered = select(market_notices).where(market_notices.c.esi_id == self._esi_id).order_by(market_notices.c.id)
        rows = [row for row in (await connection.execute(ordered)).all() if row.reason not in ASIDE]
        owner = owner_of(there, rows)
        own = [row for row in rows if row.tdsp_id == owner]
        opening = await self._opening(there)
        story, state = await self._story(opening, own)
        freed = list[MeterNumber]()
        held = await reps_seeing(connection, self._esi_id, last_settled(rows, now)) if self._watched else frozenset()
        if state is not None and owner is not None:
            if there is None:
                await self._open(None)
            await put_premise(connection, self._esi_id, owner, state, there)
            await put_spans(connection, self._esi_id, () if story.end is None else story.end.spans)
            await self._carry_departures(own, story)
            freed = await put_meters(connection, self._esi_id, state.meters, now)
            await follow_market(connection, self._esi_id, story.departures, now)
        if self._watched:
            await tell_of_movements(connection, self._esi_id, held, now)
        await self._decide(rows, own, story)
        return freed

    async def _carry_departures(self, own: Sequence[Row[Any]], story: Story) -> None:
        """Bring about once what follows for those who left; a late notice may say that nobody did."""
        for row in own:
            left_at = story.departures.get(row.id)
            if left_at is None and row.to_carry:
                settled = update(market_notices).where(market_notices.c.id == row.id)
                await self._connection.execute(settled.values(to_carry=False))
            elif left_at is not None and left_at <= self._acts.now and row.carried_at is None:
                await carry_departure(self._connection, self._esi_id, row.id, left_at, self._acts)

    async def _opening(self, there: Row[Any] | None) -> Any:
        """What was known before the feed, kept at its first word of a premise that is there already."""
        history = select(premise_histories).where(premise_histories.c.esi_id == self._esi_id)
        row = (await self._connection.execute(history)).one()
        if row.opened_at is None and there is not None:
            opening = kept_opening(await opening_of(self._connection, self._esi_id))
            await self._open(opening)
            return opening
        return row.opening

    async def _open(self, opening: Any) -> None:
        history = update(premise_histories).where(premise_histories.c.esi_id == self._esi_id)
        await self._connection.execute(history.values(opening=opening, opened_at=self._acts.now))

    async def _story(self, opening: Any, own: Sequence[Row[Any]]) -> tuple[Story, PremiseState | None]:
        """The story, and the premise now; a meter that hung on another wall at the time was not hung up here."""
        told, barred = told_of(opening, own), dict[int, NoticeRefusal]()
        while True:
            story = tell(told, barred)
            state = story.as_of(self._acts.now)
            contradicted = None if state is None else await self._contradicted(state)
            if contradicted is None:
                return story, state
            barred[contradicted] = NoticeRefusal.METER_ELSEWHERE

    async def _contradicted(self, state: PremiseState) -> int | None:
        """The first notice that hung up a meter while it hung on another wall; what was there before stands."""
        told = [each for each in state.meters if each.by > 0]
        if not told:
            return None
        elsewhere = select(meters.c.number, meters.c.installed_at, meters.c.removed_at).where(
            meters.c.number.in_({each.number for each in told}), meters.c.esi_id != self._esi_id
        )
        rows = (await self._connection.execute(elsewhere)).all()
        times = [(row.number, row.installed_at, row.removed_at or LATEST) for row in rows]
        return next(
            (
                each.by
                for each in told
                for number, since, until in times
                if number == each.number and max(since, each.installed_at) < min(until, each.removed_at or LATEST)
            ),
            None,
        )

    async def _decide(self, rows: Sequence[Row[Any]], own: Sequence[Row[Any]], story: Story) -> None:
        """Write down what became of each notice, where that differs."""
        mine = {row.id for row in own}
        for row in rows:
            foreign = NoticeRefusal.ESI_ID_IN_USE if row.kind == CREATED else NoticeRefusal.UNKNOWN_ESI_ID
            reason = story.refused.get(row.id) if row.id in mine else foreign
            state = NoticeState.WAITING if row.effective_at > self._acts.now else NoticeState.APPLIED
            state = state if reason is None else NoticeState.REFUSED
            words = WORDS[reason] if reason is not None else await self._remark(row)
            if (state, reason, words) != (row.state, row.reason, row.words):
                decided = {"state": state, "reason": reason, "words": words}
                await self._connection.execute(
                    update(market_notices).where(market_notices.c.id == row.id).values(decided)
                )

    async def _remark(self, row: Row[Any]) -> str | None:
        """What there is to know of a notice that holds: its REP may not be registered yet."""
        if row.kind != REP_CHANGED or "rep_duns" not in row.body:
            return None
        registered = (
            select(duns_numbers.c.id)
            .join(companies, companies.c.id == duns_numbers.c.company_id)
            .where(
                duns_numbers.c.duns == row.body["rep_duns"],
                duns_numbers.c.status != DunsStatus.REVOKED,
                companies.c.kind == Kind.REP,
            )
        )
        return None if (await self._connection.execute(registered)).first() is not None else NOT_REGISTERED


def owner_of(there: Row[Any] | None, rows: Sequence[Row[Any]]) -> int | None:
    """Whose premise it is: the TDSP's that has it, or else the first one's that told of its creation."""
    if there is not None:
        return int(there.tdsp_id)
    return next((row.tdsp_id for row in rows if row.kind == CREATED and row.reason not in ASIDE), None)


async def _known(connection: AsyncConnection, sender: Sender, ids: Collection[str]) -> Sequence[Row[Any]]:
    wanted = select(market_notices).where(
        market_notices.c.tdsp_id == sender.company_id, market_notices.c.notice_id.in_(ids)
    )
    return (await connection.execute(wanted)).all()


async def _waiting_for(connection: AsyncConnection, freed: Sequence[MeterNumber]) -> list[EsiId]:
    """The premises where one of some numbers was to hang, but hung elsewhere."""
    barred = select(market_notices.c.esi_id).where(HANGS_ELSEWHERE, market_notices.c.hung_up.in_(freed))
    return list((await connection.scalars(barred.distinct().order_by(market_notices.c.esi_id))).all())


def _row(
    notice: MarketNotice, sender: Sender, source: NoticeSource, settings: MarketSettings, now: datetime
) -> dict[str, Any]:
    return {
        "tdsp_id": sender.company_id,
        "notice_id": notice.id,
        "kind": notice.kind,
        "esi_id": notice.esi_id,
        "hung_up": hung_up(notice),
        "effective_at": notice.effective_at,
        "received_at": now,
        "source": source,
        "body": kept(notice),
        "to_carry": False,
        **_first_word(notice, sender, settings, now),
    }


def _first_word(notice: MarketNotice, sender: Sender, settings: MarketSettings, now: datetime) -> dict[str, Any]:
    """What is said of a notice before its premise is looked at."""
    reason = None
    if not sender.active:
        reason = NoticeRefusal.SENDER_NOT_ACTIVE
    elif notice.effective_at > now + timedelta(days=settings.furthest_days):
        reason = NoticeRefusal.TOO_FAR
    state = NoticeState.WAITING if reason is None else NoticeState.REFUSED
    return {"state": state, "reason": reason, "words": None if reason is None else WORDS[reason]}


def _outcome(row: Row[Any]) -> NoticeOutcome:
    return NoticeOutcome(id=row.notice_id, state=row.state, reason=row.reason, words=row.words)


def _conflict(notice: MarketNotice) -> NoticeOutcome:
    conflict = NoticeRefusal.CONFLICT
    return NoticeOutcome(id=notice.id, state=NoticeState.REFUSED, reason=conflict, words=WORDS[conflict])
