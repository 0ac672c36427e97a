"""Webhooks and what they were told, as people and programs see them: never a secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identifiers import RequestId
from portal.webhooks.tables import EventKind, webhook_deliveries, webhook_events, webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook. disabled_at and disabled_because say since when and why it is switched off, None if it is on.

    old_secret_until is until when the secret before the last rotation signs too. delivered_at and failed_at are the
    last times that a try went well and did not.
    """

    id: RequestId
    name: str
    address: str
    events: tuple[EventKind, ...]
    made_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None
    old_secret_until: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None


class DeliveryStatus(StrEnum):
    """What became of telling an event."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """An event for a webhook: event_id is its `webhook-id`. tries were made so far, tried_at is when the last one was.

    answer_code, took_ms and error are of the last try; next_at is when the next one is due while it waits.
    """

    id: int
    event_id: str
    event: EventKind
    status: DeliveryStatus
    created_at: datetime
    tries: int
    tried_at: datetime | None
    next_at: datetime | None
    answer_code: int | None
    took_ms: int | None
    error: str | None
    data: Mapping[str, Any]


async def webhooks_of(connection: AsyncConnection, company_id: int, now: datetime) -> list[Webhook]:
    """A company's webhooks in the order in which they were made."""
    own = select(webhooks).where(webhooks.c.company_id == company_id).order_by(webhooks.c.made_at, webhooks.c.id)
    rows = (await connection.execute(own)).all()
    return await _shown(connection, rows, now)


async def find_webhook(
    connection: AsyncConnection, company_id: int, webhook_id: RequestId, now: datetime
) -> Webhook | None:
    """One webhook of a company, None if it has none of this id."""
    own = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.company_id == company_id)
    row = (await connection.execute(own)).one_or_none()
    return None if row is None else (await _shown(connection, [row], now))[0]


async def deliveries_of(
    connection: AsyncConnection, webhook: Webhook, most: int, before: int | None = None
) -> list[WebhookDelivery]:
    """What a webhook was told and is to be told, newest first; before is the id of the last one of the page before."""
    own = select(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook.id)
    own = own if before is None else own.where(webhook_deliveries.c.id < before)
    rows = (await connection.execute(own.order_by(webhook_deliveries.c.id.desc()).limit(most))).all()
    return [_delivery(row) for row in rows]


async def find_delivery(connection: AsyncConnection, webhook: Webhook, delivery_id: int) -> WebhookDelivery | None:
    """One delivery of a webhook, None if it has none of this id."""
    own = select(webhook_deliveries).where(
        webhook_deliveries.c.webhook_id == webhook.id, webhook_deliveries.c.id == delivery_id
    )
    row = (await connection.execute(own)).one_or_none()
    return None if row is None else _delivery(row)


async def _shown(connection: AsyncConnection, rows: Any, now: datetime) -> list[Webhook]:
    of_these = select(webhook_events).where(webhook_events.c.webhook_id.in_([row.id for row in rows]))
    kinds = dict[str, set[EventKind]]()
    for event in await connection.execute(of_these):
        kinds.setdefault(event.webhook_id, set()).add(event.kind)
    return [_webhook(row, kinds.get(row.id, set()), now) for row in rows]


def _webhook(row: Row[Any], kinds: set[EventKind], now: datetime) -> Webhook:
    return Webhook(
        id=row.id,
        name=row.name,
        address=row.address,
        events=tuple(kind for kind in EventKind if kind in kinds),
        made_at=row.made_at,
        disabled_at=row.disabled_at,
        disabled_because=row.disabled_because,
        old_secret_until=row.old_until if row.old_until is not None and row.old_until > now else None,
        delivered_at=row.succeeded_at,
        failed_at=row.failed_at,
    )


def _delivery(row: Row[Any]) -> WebhookDelivery:
    status = DeliveryStatus.WAITING
    if row.delivered_at is not None:
        status = DeliveryStatus.DELIVERED
    elif row.failed_at is not None:
        status = DeliveryStatus.FAILED
    return WebhookDelivery(
        id=row.id,
        event_id=row.event_id,
        event=row.kind,
        status=status,
        created_at=row.created_at,
        tries=row.tries,
        tried_at=row.tried_at,
        next_at=row.next_at if status is DeliveryStatus.WAITING else None,
        answer_code=row.answer_code,
        took_ms=row.took_ms,
        error=row.error,
        data=row.data,
    )
