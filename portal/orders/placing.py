"""Placing an order: its meters found among those that the viewer sees, in the transaction that writes it down."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import central_date
from gateway.dice import Dice
from gateway.identifiers import EsiId, MeterNumber, RequestId
from portal.accounts.tables import accounts
from portal.companies.kinds import Kind
from portal.meters.tables import meters
from portal.orders.meter_list import By, MeterList
from portal.orders.request import OrderRefusal, OrderRefused, OrderRequest, meter_days, request_refusal, to_json
from portal.orders.settings import OrderSettings
from portal.orders.states import OrderState
from portal.orders.tables import report_order_meters, report_orders
from portal.reports.forms import View
from portal.viewer import Viewer
from portal.visibility import VisibleMeter, find_meters, mint, visible_meters

AT_ONCE = 500
LEAST_NUMBER, NUMBERS = 1_000_000_000, 9_000_000_000
"""Order numbers have ten digits and follow no order, so that they tell nobody how many others there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order that stands; not_found counts the values of its list that name no meter that the viewer sees."""

    id: RequestId
    number: int
    meters: int
    not_found: int


async def place(
    connection: AsyncConnection,
    viewer: Viewer,
    request: OrderRequest,
    wanted: MeterList,
    settings: OrderSettings,
    dice: Dice,
    now: datetime,
    key: str | None = None,
) -> Placed | OrderRefused:
    """Write an order down, or say why not; all in the caller's transaction.

    key is what a program calls its request: under one that stands already, the order that it led to is the answer.
    """
    digest = _digest(request, wanted)
    if key is not None and (stands := await _under_key(connection, viewer, key)) is not None:
        if stands.request_digest == digest:
            return Placed(id=stands.id, number=stands.number, meters=stands.meters, not_found=stands.not_found)
        words = "Another order was asked for under this Idempotency-Key; choose a new one."
        return OrderRefused(reason=OrderRefusal.KEY_USED, words=words)
    refused = _view_refusal(viewer, request) or request_refusal(request, central_date(now))
    refused = refused or await too_many(connection, viewer.account_id, settings)
    if refused is not None:
        return refused
    found = await meters_of_list(connection, viewer, wanted, now)
    if not found:
        words = f"None of the {len(wanted.values)} meters of the list is among yours."
        return OrderRefused(reason=OrderRefusal.NO_METERS, words=words)
    order_id, number = RequestId(dice.request_id(now)), await _free_number(connection, dice)
    not_found = len(wanted.values) - len(found)
    row = {
        "id": order_id,
        "number": number,
        "account_id": viewer.account_id,
        "company_id": viewer.company_id,
        "state": OrderState.PROCESSING,
        "asked": to_json(request),
        "small": meter_days(request, len(found)) <= settings.small_meter_days,
        "placed_at": now,
        "attempts": 0,
        "due_at": now,
        "meters": len(found),
        "not_found": not_found,
        "done": 0,
        "to_place": False,
        "request_key": key,
        "request_digest": None if key is None else digest,
    }
    await connection.execute(insert(report_orders), row)
    rows = [{"order_id": order_id, "esi_id": meter.esi_id, "reported": False} for meter in found]
    await connection.execute(insert(report_order_meters), rows)
    return Placed(id=order_id, number=number, meters=len(found), not_found=not_found)


async def _under_key(connection: AsyncConnection, viewer: Viewer, key: str) -> Row[Any] | None:
    """The order that an account asked for under a key; locks the account, so that two at once become one."""
    await connection.execute(select(accounts.c.id).where(accounts.c.id == viewer.account_id).with_for_update())
    mine = report_orders.c.account_id == viewer.account_id, report_orders.c.request_key == key
    return (await connection.execute(select(report_orders).where(*mine))).one_or_none()


def _digest(request: OrderRequest, wanted: MeterList) -> str:
    asked = [to_json(request), wanted.by, list(wanted.values)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _view_refusal(viewer: Viewer, request: OrderRequest) -> OrderRefused | None:
    """A customer sees the latest data only (RPT-05)."""
    if viewer.kind is not Kind.CUSTOMER or request.view is View.CURRENT:
        return None
    return OrderRefused(reason=OrderRefusal.REPORT, words="The current version is all that a customer sees.")


async def too_many(connection: AsyncConnection, account_id: int, settings: OrderSettings) -> OrderRefused | None:
    """Whether the account has as many orders in Processing as it may have; locks the account."""
    await connection.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())
    is_open = (report_orders.c.account_id == account_id, report_orders.c.state == OrderState.PROCESSING)
    count = await connection.scalar(select(func.count()).select_from(report_orders).where(*is_open)) or 0
    if count < settings.most_open:
        return None
    words = f"{count} of your orders are still in process, and no more may be; wait for one, or cancel one."
    return OrderRefused(reason=OrderRefusal.TOO_MANY_ORDERS, words=words)


async def meters_of_list(
    connection: AsyncConnection, viewer: Viewer, wanted: MeterList, now: datetime
) -> list[VisibleMeter]:
    """Those meters of a list that the viewer sees, in the order of the list."""
    if wanted.by is By.ESI_ID:
        by_id = await find_meters(connection, viewer, [EsiId(value) for value in wanted.values], now)
        return [by_id[esi_id] for esi_id in map(EsiId, wanted.values) if esi_id in by_id]
    by_number: dict[str, VisibleMeter] = {}
    for some in _batches([MeterNumber(value) for value in wanted.values]):
        by_number |= {
            meter.number: meter
            for meter in map(
                mint, await connection.execute(visible_meters(viewer, now).where(meters.c.number.in_(some)))
            )
        }
    return [by_number[value] for value in wanted.values if value in by_number]


def _batches(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]


async def _free_number(connection: AsyncConnection, dice: Dice) -> int:
    """A number that no order has."""
    while True:
        number = LEAST_NUMBER + int.from_bytes(dice.secret(8), "big") % NUMBERS
        if await connection.scalar(select(report_orders.c.id).where(report_orders.c.number == number)) is None:
            return number
