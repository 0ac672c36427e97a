"""A premise as it was at an instant, by all that is known of it now; and the notices of a TDSP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import Duns, EsiId, MeterNumber
from gateway.market_notices import MarketNotice, MeterFields, PremiseFields
from portal.market.feed import ASIDE
from portal.market.notices import NoticeRefusal, tell
from portal.market.openings import ONE, kept_opening, opening_of, told_of
from portal.market.tables import NoticeSource, NoticeState, market_notices, premise_histories
from portal.visibility import VisiblePremise


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterAsOf:
    """The smart meter that hung there, with its fields as they were; provisioned_at is None before that instant."""

    number: MeterNumber
    installed_at: datetime
    provisioned_at: datetime | None
    fields: MeterFields


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiseAsOf:
    """A premise at an instant; None is not known, no smart meter, or nobody. rep_since is when the REP became it."""

    esi_id: EsiId
    at: datetime
    premise: PremiseFields
    meter: MeterAsOf | None
    rep_of_record: Duns | None
    rep_since: datetime | None
    retired_at: datetime | None
    successor: EsiId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSeen:
    """A notice that was told, and what became of it; number is its place in the order of arrival."""

    number: int
    received_at: datetime
    source: NoticeSource
    state: NoticeState
    reason: NoticeRefusal | None
    words: str | None
    notice: MarketNotice


async def premise_as_of(connection: AsyncConnection, of: VisiblePremise, at: datetime) -> PremiseAsOf | None:
    """The premise at an instant, past or to come; None if it had no ESI ID yet."""
    history = select(premise_histories).where(premise_histories.c.esi_id == of.esi_id)
    known = (await connection.execute(history)).one_or_none()
    if known is None or known.opened_at is None:
        opening = kept_opening(await opening_of(connection, of.esi_id))
    else:
        opening = known.opening
    notices = select(market_notices).where(market_notices.c.esi_id == of.esi_id, market_notices.c.tdsp_id == of.tdsp_id)
    rows = [row for row in (await connection.execute(notices)).all() if row.reason not in ASIDE]
    barred = {row.id: row.reason for row in rows if row.reason is NoticeRefusal.METER_ELSEWHERE}
    state = tell(told_of(opening, rows), barred).as_of(at)
    if state is None:
        return None
    span = next((span for span in state.spans if span.covers(at)), None)
    here = state.on_wall
    return PremiseAsOf(
        esi_id=of.esi_id,
        at=at,
        premise=state.fields,
        meter=None
        if here is None
        else MeterAsOf(
            number=here.number, installed_at=here.installed_at, provisioned_at=here.provisioned_at, fields=here.fields
        ),
        rep_of_record=None if span is None else span.duns,
        rep_since=None if span is None else span.from_at,
        retired_at=state.retired_at,
        successor=state.successor,
    )


async def notices_of(
    connection: AsyncConnection,
    tdsp_id: int,
    state: NoticeState | None,
    notice_id: str | None,
    after: int,
    most: int,
) -> list[NoticeSeen]:
    """A TDSP's own notices in the order in which they came."""
    found = select(market_notices).where(market_notices.c.tdsp_id == tdsp_id, market_notices.c.id > after)
    found = found if state is None else found.where(market_notices.c.state == state)
    found = found if notice_id is None else found.where(market_notices.c.notice_id == notice_id)
    return [_seen(row) for row in await connection.execute(found.order_by(market_notices.c.id).limit(most))]


async def newest_notices(
    connection: AsyncConnection, tdsp_id: int, state: NoticeState | None, before: int | None, most: int
) -> list[NoticeSeen]:
    """A TDSP's own notices, those that came last first; before continues the list."""
    found = select(market_notices).where(market_notices.c.tdsp_id == tdsp_id)
    found = found if state is None else found.where(market_notices.c.state == state)
    found = found if before is None else found.where(market_notices.c.id < before)
    return [_seen(row) for row in await connection.execute(found.order_by(market_notices.c.id.desc()).limit(most))]


def _seen(row: Row[Any]) -> NoticeSeen:
    return NoticeSeen(
        number=row.id,
        received_at=row.received_at,
        source=row.source,
        state=row.state,
        reason=row.reason,
        words=row.words,
        notice=ONE.validate_python(row.body),
    )
