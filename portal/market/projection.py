"""Premises, spans and meters made to say what a premise's story says now."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId, MeterNumber
from gateway.market_notices import MeterFields, PremiseFields
from portal.market.notices import Installation, PremiseState
from portal.market.spans import Span
from portal.market.tables import premises, rep_spans
from portal.meters.tables import meters

_PREMISE = [each.name for each in fields(PremiseFields)]
_METER = [each.name for each in fields(MeterFields)]


async def put_premise(
    connection: AsyncConnection, esi_id: EsiId, tdsp_id: int, state: PremiseState, there: Row[Any] | None
) -> None:
    """Write a premise's own row, where it differs."""
    values = {name: getattr(state.fields, name) for name in _PREMISE}
    values |= {"retired_at": state.retired_at, "successor": state.successor}
    if there is None:
        await connection.execute(insert(premises), {"esi_id": esi_id, "tdsp_id": tdsp_id, **values})
    elif any(getattr(there, name) != value for name, value in values.items()):
        await connection.execute(update(premises).where(premises.c.esi_id == esi_id).values(values))


async def put_spans(connection: AsyncConnection, esi_id: EsiId, wanted: Sequence[Span]) -> None:
    """Write a premise's spans, those to come included, where they differ."""
    rows = (await connection.execute(select(rep_spans).where(rep_spans.c.esi_id == esi_id))).all()
    there = {(row.duns, row.from_at, row.to_at): row.id for row in rows}
    keys = {(span.duns, span.from_at, span.to_at) for span in wanted}
    gone = [span_id for key, span_id in there.items() if key not in keys]
    if gone:
        await connection.execute(delete(rep_spans).where(rep_spans.c.id.in_(gone)))
    fresh = [span for span in wanted if (span.duns, span.from_at, span.to_at) not in there]
    if fresh:
        values = [{"esi_id": esi_id, "duns": s.duns, "from_at": s.from_at, "to_at": s.to_at} for s in fresh]
        await connection.execute(insert(rep_spans), values)


async def put_meters(
    connection: AsyncConnection, esi_id: EsiId, wanted: Sequence[Installation], now: datetime
) -> list[MeterNumber]:
    """Write a premise's meters, where they differ; returns the numbers that were taken off the wall, or earlier.

    A row is one installation and keeps its id, which much refers to. One that the story does not have any more never
    hung: it is shown to nobody.
    """
    order = (meters.c.installed_at, meters.c.id)
    rows = list((await connection.execute(select(meters).where(meters.c.esi_id == esi_id).order_by(*order))).all())
    pairs = list[tuple[Installation, Row[Any] | None]]()
    for each in wanted:
        row = next((row for row in rows if row.number == each.number), None)
        if row is not None:
            rows.remove(row)
        pairs.append((each, row))
    changes = [(row, _values(each)) for each, row in pairs if row is not None]
    changes += [(row, {"removed_at": row.installed_at}) for row in rows]
    changes = [(row, values) for row, values in changes if any(getattr(row, n) != v for n, v in values.items())]
    # Who leaves the wall goes first: there is one meter on it at a time.
    changes.sort(key=lambda change: change[1]["removed_at"] is None)
    for row, values in changes:
        await connection.execute(update(meters).where(meters.c.id == row.id).values(values | {"updated_at": now}))
    for each, row in pairs:
        if row is None:
            fresh = {"number": each.number, "esi_id": esi_id, "updated_at": now, **_values(each)}
            await connection.execute(insert(meters), fresh)
    ends = [(row.number, row.removed_at, values["removed_at"]) for row, values in changes]
    return [number for number, before, after in ends if after is not None and after != before]


def _values(each: Installation) -> dict[str, Any]:
    told = {name: getattr(each.fields, name) for name in _METER}
    times = {"provisioned_at": each.provisioned_at, "removed_at": each.removed_at}
    return {**told, "installed_at": each.installed_at, **times}
