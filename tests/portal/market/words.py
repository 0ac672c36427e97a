"""Notices for tests, in few words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from gateway.identifiers import Duns, EsiId, MeterNumber
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
from portal.market.desk import MarketDesk
from portal.market.feed import NoticeOutcome
from portal.market.tables import NoticeSource
from tests.portal.world import BEGAN, WIRES, esi

NEW = esi(100)
"""A premise that the world does not have."""
DAY = timedelta(days=1)
_IDS = count(1)


def fresh_id() -> str:
    """An id that no other notice of the tests has."""
    return f"n-{next(_IDS)}"


def on(day: float) -> datetime:
    """So many days after the world began."""
    return BEGAN + day * DAY


def created(at: datetime, esi_id: EsiId = NEW, **more: Any) -> EsiIdCreated:
    """A premise on Oak Ave."""
    told = {"house_number": "7", "street_name": "Oak", "city": "Waco", "state": "TX", "zip": "76701", **more}
    return EsiIdCreated(id=fresh_id(), esi_id=esi_id, effective_at=at, premise=PremiseFields(**told))


def retired(at: datetime, esi_id: EsiId = NEW, successor: EsiId | None = None) -> EsiIdRetired:
    return EsiIdRetired(id=fresh_id(), esi_id=esi_id, effective_at=at, successor=successor)


def installed(at: datetime, meter: str, esi_id: EsiId = NEW, **more: Any) -> MeterInstalled:
    number, fields = MeterNumber(meter), MeterFields(**more)
    return MeterInstalled(id=fresh_id(), esi_id=esi_id, effective_at=at, meter=number, fields=fields)


def provisioned(at: datetime, meter: str, esi_id: EsiId = NEW) -> MeterProvisioned:
    return MeterProvisioned(id=fresh_id(), esi_id=esi_id, effective_at=at, meter=MeterNumber(meter))


def exchanged(at: datetime, meter: str, new: str | None, esi_id: EsiId = NEW, **more: Any) -> MeterExchanged:
    return MeterExchanged(
        id=fresh_id(),
        esi_id=esi_id,
        effective_at=at,
        meter=MeterNumber(meter),
        new_meter=None if new is None else MeterNumber(new),
        fields=MeterFields(**more),
    )


def rep(at: datetime, change: RepChange, duns: Duns | None = None, esi_id: EsiId = NEW) -> RepOfRecordChanged:
    return RepOfRecordChanged(id=fresh_id(), esi_id=esi_id, effective_at=at, change=change, rep_duns=duns)


def premise_changed(at: datetime, esi_id: EsiId = NEW, cleared: Sequence[str] = (), **more: Any) -> PremiseChanged:
    told = PremiseFields(**more)
    return PremiseChanged(id=fresh_id(), esi_id=esi_id, effective_at=at, premise=told, cleared=tuple(cleared))


def meter_changed(
    at: datetime, meter: str, esi_id: EsiId = NEW, cleared: Sequence[str] = (), **more: Any
) -> MeterChanged:
    return MeterChanged(
        id=fresh_id(),
        esi_id=esi_id,
        effective_at=at,
        meter=MeterNumber(meter),
        fields=MeterFields(**more),
        cleared=tuple(cleared),
    )


async def tell(desk: MarketDesk, *notices: MarketNotice, tdsp: Duns = WIRES) -> list[NoticeOutcome]:
    """Let a TDSP tell notices over the API."""
    sender = await desk.sender(tdsp)
    assert sender is not None
    return await desk.take(sender, notices, NoticeSource.API)
