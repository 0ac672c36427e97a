"""What was known of a premise before notices spoke of it, in the words of notices; and notices as they are kept."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import EsiId
from gateway.market_notices import (
    EsiIdCreated,
    MarketNotice,
    MeterExchanged,
    MeterFields,
    MeterInstalled,
    MeterProvisioned,
    PremiseFields,
    RepChange,
    RepOfRecordChanged,
)
from portal.market.notices import Told
from portal.market.tables import premises, rep_spans
from portal.meters.tables import meters

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
OPENING = "opening"
ONE: TypeAdapter[MarketNotice] = TypeAdapter(MarketNotice)
"""One notice, to and from JSON."""
_MANY: TypeAdapter[list[MarketNotice]] = TypeAdapter(list[MarketNotice])


def kept(notice: MarketNotice) -> Any:
    """A notice as JSON values, without what it does not tell."""
    return ONE.dump_python(notice, mode="json", exclude_none=True)


def kept_opening(notices: Sequence[MarketNotice]) -> Any:
    """An opening as JSON values."""
    return _MANY.dump_python(list(notices), mode="json", exclude_none=True)


def told_of(opening: Any, rows: Sequence[Row[Any]]) -> list[Told]:
    """An opening, with places below 0, and rows of market_notices with theirs."""
    first = _MANY.validate_python(opening or [])
    before = [Told(place=place - len(first), notice=notice) for place, notice in enumerate(first)]
    return before + [Told(place=row.id, notice=ONE.validate_python(row.body)) for row in rows]


async def opening_of(connection: AsyncConnection, esi_id: EsiId) -> list[MarketNotice]:
    """A premise as the tables have it, told as notices; empty if there is none."""
    row = (await connection.execute(select(premises).where(premises.c.esi_id == esi_id))).one_or_none()
    if row is None:
        return []
    common: dict[str, Any] = {"id": OPENING, "esi_id": esi_id}
    told: list[MarketNotice] = [EsiIdCreated(**common, effective_at=EARLIEST, premise=_fields(PremiseFields, row))]
    spans = (await connection.execute(select(rep_spans).where(rep_spans.c.esi_id == esi_id))).all()
    begins = {span.from_at for span in spans}
    for span in spans:
        at = max(span.from_at, EARLIEST)
        told.append(
            RepOfRecordChanged(**common, effective_at=at, change=RepChange.SWITCH, rep_duns=span.duns),
        )
        if span.to_at is not None and span.to_at not in begins:
            told.append(RepOfRecordChanged(**common, effective_at=span.to_at, change=RepChange.MOVE_OUT))
    hung = select(meters).where(meters.c.esi_id == esi_id).order_by(meters.c.installed_at, meters.c.id)
    for meter in (await connection.execute(hung)).all():
        told += _meter(common | {"meter": meter.number}, meter)
    return told


def _meter(common: dict[str, Any], row: Row[Any]) -> list[MarketNotice]:
    """A meter's time on the wall."""
    hung_at = max(row.installed_at, EARLIEST)
    told: list[MarketNotice] = [MeterInstalled(**common, effective_at=hung_at, fields=_fields(MeterFields, row))]
    if row.provisioned_at is not None:
        told.append(MeterProvisioned(**common, effective_at=max(row.provisioned_at, hung_at)))
    if row.removed_at is not None:
        told.append(MeterExchanged(**common, effective_at=row.removed_at))
    return told


def _fields(kind: type[Any], row: Row[Any]) -> Any:
    return kind(**{each.name: getattr(row, each.name) for each in fields(kind)})
