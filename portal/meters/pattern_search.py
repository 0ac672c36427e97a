"""Meters by a pattern of their identifiers, one asterisk in it, among the meters of this viewer (MTR-09).

Whoever sees up to LOOKED_THROUGH meters has all of them looked through. With more of them the market's meters are
walked in the order of what the pattern tells most of, its beginning or its end, each found by index, and the viewer's
are picked: he sees so large a part of the market that enough are found soon.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, exists, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database import Database
from portal.companies.kinds import Kind
from portal.market.tables import premises, rep_spans
from portal.meters.tables import backwards, meters
from portal.viewer import Viewer
from portal.visibility import AT_ONCE, VisibleMeter, count_meters, find_meters, mint, visible_meters
from portal.wildcards import begins_with, matches

LOOKED_THROUGH = 10_000
SHARED = 7
"""Digits with which a TDSP's ESI IDs all begin, and makers' numbers alike: they tell next to nothing."""


async def search_by_pattern(
    database: Database,
    viewer: Viewer,
    at: datetime,
    column: Any,
    pattern: str,
    most: int,
    looked_through: int = LOOKED_THROUGH,
) -> Sequence[VisibleMeter]:
    """Meters that match, at most so many, by ESI ID; column is that of meters' numbers or ESI IDs."""
    small = await count_meters(database, viewer, at, looked_through + 1) <= looked_through
    async with database.reading() as connection:
        if small:
            asked = visible_meters(viewer, at).where(matches(column, pattern)).order_by(meters.c.esi_id).limit(most)
            return [mint(row) for row in await connection.execute(asked)]
        found = await _walked(connection, viewer, at, column, pattern, most)
    return sorted(found, key=lambda meter: meter.esi_id)


async def _walked(
    connection: AsyncConnection, viewer: Viewer, at: datetime, column: Any, pattern: str, most: int
) -> list[VisibleMeter]:
    head, _, tail = pattern.lower().partition("*")
    by_number = column is meters.c.number
    key, wanted = meters.c.number_lower if by_number else type_coerce(meters.c.esi_id, String), head
    if tail and len(tail) > len(head) - SHARED:
        key, wanted = meters.c.number_backwards if by_number else meters.c.esi_id_backwards, backwards(tail)
    candidates = (
        select(meters.c.esi_id, key.label("key"))
        .where(meters.c.removed_at.is_(None), begins_with(key, wanted), matches(column, pattern), _theirs(viewer, at))
        .order_by(key)
        .limit(AT_ONCE)
    )
    found: list[VisibleMeter] = []
    after: str | None = None
    while len(found) < most:
        piece = candidates if after is None else candidates.where(key > after)
        rows = (await connection.execute(piece)).all()
        seen = await find_meters(connection, viewer, [row.esi_id for row in rows], at)
        found += [seen[row.esi_id] for row in rows if row.esi_id in seen]
        if len(rows) < AT_ONCE:
            break
        after = rows[-1].key
    return found[:most]


def _theirs(viewer: Viewer, at: datetime) -> ColumnElement[bool]:
    """What leaves out most of what the viewer does not see; whether he sees one is decided afterwards."""
    if viewer.kind is Kind.REP:
        return exists().where(
            rep_spans.c.esi_id == meters.c.esi_id,
            rep_spans.c.duns.in_(sorted(viewer.duns)),
            rep_spans.c.from_at <= at,
            or_(rep_spans.c.to_at.is_(None), rep_spans.c.to_at > at),
        )
    if viewer.kind is Kind.TDSP:
        return exists().where(premises.c.esi_id == meters.c.esi_id, premises.c.tdsp_id == viewer.company_id)
    return and_(True)
