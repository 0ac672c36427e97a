"""Wishing for reads: a batch of meters, a read at an instant, and taking either back.

What is not among the account's meters is refused within the batch, in the same words whether it is another's or
nobody's. Whether each may be read now is decided when it is asked for (portal/wishes/asker.py).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dice import Dice
from gateway.identifiers import EsiId, RequestId
from portal.accounts.tables import accounts
from portal.orders.meter_list import By, MeterList
from portal.orders.placing import meters_of_list
from portal.reads.settings import DeskSettings
from portal.viewer import Viewer
from portal.visibility import VisibleMeter
from portal.wishes.states import NOT_FOUND, WishState
from portal.wishes.tables import read_batches, read_wishes

NOT_YOURS = "No meter of yours has this number."
SOON = timedelta(seconds=1)
"""A booked read lies at least this far ahead; what is wanted now is asked for now."""


class WishRefusal(StrEnum):
    """Why nothing was wished for."""

    NOT_FOR_YOU = "not_for_you"
    TOO_MANY = "too_many"
    NO_METERS = "no_meters"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True, kw_only=True)
class WishRefused:
    """No wish was kept; words say why."""

    reason: WishRefusal
    words: str


NOT_FOR_YOU = WishRefused(
    reason=WishRefusal.NOT_FOR_YOU,
    words="On-demand reads are for the meter's REP of record, its TDSP and its customer.",
)


async def place_batch(
    connection: AsyncConnection, viewer: Viewer, wanted: MeterList, settings: DeskSettings, dice: Dice, now: datetime
) -> RequestId | WishRefused:
    """Keep a batch in the caller's transaction: its id, or why there is none."""
    if not viewer.may_request_reads:
        return NOT_FOR_YOU
    await _alone(connection, viewer)
    waiting = select(func.count(read_wishes.c.batch_id.distinct())).where(
        read_wishes.c.account_id == viewer.account_id, read_wishes.c.state == WishState.WAITING
    )
    if (await connection.scalar(waiting) or 0) >= settings.batches:
        words = f"You have {settings.batches} batches under way. Wait until one has ended, or cancel one."
        return WishRefused(reason=WishRefusal.TOO_MANY, words=words)
    seen = await meters_of_list(connection, viewer, wanted, now)
    there = {str(meter.esi_id if wanted.by is By.ESI_ID else meter.number): meter for meter in seen}
    if not there:
        return WishRefused(reason=WishRefusal.NO_METERS, words="None of these is a meter of yours.")
    batch_id = RequestId(dice.request_id(now))
    row = {"id": batch_id, "account_id": viewer.account_id, "placed_at": now, "count": len(wanted.values)}
    await connection.execute(insert(read_batches), row)
    wishes = [
        _row(viewer, dice, value, there.get(value), place, now, now) | {"batch_id": batch_id}
        for place, value in enumerate(wanted.values, 1)
    ]
    await connection.execute(insert(read_wishes), wishes)
    return batch_id


async def book(
    connection: AsyncConnection,
    viewer: Viewer,
    meter: VisibleMeter,
    at: datetime,
    settings: DeskSettings,
    dice: Dice,
    now: datetime,
) -> RequestId | WishRefused:
    """Book a read of a meter at an instant in the caller's transaction; the same instant again is the same booking."""
    if not viewer.may_request_reads:
        return NOT_FOR_YOU
    if not now + SOON <= at <= now + timedelta(days=settings.book_ahead_days):
        words = f"A read is booked for an instant within the next {settings.book_ahead_days} days."
        return WishRefused(reason=WishRefusal.INSTANT, words=words)
    await _alone(connection, viewer)
    mine = (
        read_wishes.c.account_id == viewer.account_id,
        read_wishes.c.state == WishState.WAITING,
        read_wishes.c.batch_id.is_(None),
    )
    same = select(read_wishes.c.id).where(*mine, read_wishes.c.esi_id == meter.esi_id, read_wishes.c.due_at == at)
    known: RequestId | None = await connection.scalar(same)
    if known is not None:
        return known
    if (await connection.scalar(select(func.count()).where(*mine)) or 0) >= settings.most_booked:
        words = f"You have booked {settings.most_booked} reads. Cancel one, or wait until one has come."
        return WishRefused(reason=WishRefusal.TOO_MANY, words=words)
    row = _row(viewer, dice, str(meter.esi_id), meter, 0, now, at)
    await connection.execute(insert(read_wishes), row)
    wish_id: RequestId = row["id"]
    return wish_id


async def cancel_batch(connection: AsyncConnection, viewer: Viewer, batch_id: RequestId, now: datetime) -> int | None:
    """Take back what of a batch has not been asked for: how many that were; None if it is no batch of the viewer's."""
    own = read_batches.c.account_id == viewer.account_id
    if await connection.scalar(select(read_batches.c.id).where(read_batches.c.id == batch_id, own)) is None:
        return None
    return await _cancel(connection, now, read_wishes.c.batch_id == batch_id)


async def cancel_booked(
    connection: AsyncConnection, viewer: Viewer, esi_id: EsiId, wish_id: RequestId, now: datetime
) -> bool | None:
    """Take a booked read back: whether it was still to come; None if it is no booking of the viewer's at this meter."""
    is_this = (
        read_wishes.c.id == wish_id,
        read_wishes.c.account_id == viewer.account_id,
        read_wishes.c.esi_id == esi_id,
        read_wishes.c.batch_id.is_(None),
    )
    if await connection.scalar(select(read_wishes.c.id).where(*is_this)) is None:
        return None
    return await _cancel(connection, now, read_wishes.c.id == wish_id) > 0


async def _cancel(connection: AsyncConnection, now: datetime, which: Any) -> int:
    # The condition is asked again once the row's lock is had: what was asked for meanwhile stays asked for.
    waiting = update(read_wishes).where(which, read_wishes.c.state == WishState.WAITING)
    return (await connection.execute(waiting.values(state=WishState.CANCELLED, decided_at=now))).rowcount


async def _alone(connection: AsyncConnection, viewer: Viewer) -> None:
    """Lock the account's row, so that of several wishes at once each counts those before it."""
    await connection.execute(select(accounts.c.id).where(accounts.c.id == viewer.account_id).with_for_update())


def _row(
    viewer: Viewer, dice: Dice, value: str, meter: VisibleMeter | None, place: int, now: datetime, due_at: datetime
) -> dict[str, Any]:
    refused = {"state": WishState.REFUSED, "reason": NOT_FOUND, "words": NOT_YOURS, "decided_at": now}
    waits = {"state": WishState.WAITING, "reason": None, "words": None, "decided_at": None}
    return {
        "id": RequestId(dice.request_id(now)),
        "account_id": viewer.account_id,
        "batch_id": None,
        "place": place,
        "value": value,
        "esi_id": None if meter is None else meter.esi_id,
        "wished_at": now,
        "due_at": due_at,
        **(refused if meter is None else waits),
    }
