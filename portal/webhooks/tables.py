"""Webhooks, the events that each wants, and the outbox of what they are told."""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId, RequestId
from portal.schema import Word, metadata

WEBHOOK_ADDRESS = 500


class EventKind(StrEnum):
    """What a webhook is told of; a ping is told when somebody asks for it, and is not chosen."""

    READ_FINISHED = "read.finished"
    ORDER_FINISHED = "order.finished"
    JOIN_FINISHED = "join.finished"
    REP_CHANGED = "meter.rep_changed"
    PING = "ping"


CHOSEN = tuple(kind for kind in EventKind if kind is not EventKind.PING)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("company_id", ForeignKey("companies.id"), nullable=False, index=True),
    Column("name", String(60), nullable=False),
    Column("address", String(WEBHOOK_ADDRESS), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("old_sealed", LargeBinary),
    Column("old_until", Instant),
    Column("made_by", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("made_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("disabled_because", String(300)),
    Column("resting_until", Instant),
    Column("succeeded_at", Instant),
    Column("failed_at", Instant),
)
"""sealed is the secret that signs, sealed for this row (portal/accounts/vault.py); old_sealed the one before it, which
signs too until old_until. succeeded_at and failed_at are of the last time that each happened."""

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("kind", Word(EventKind, 30), primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True, index=True),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("kind", Word(EventKind, 30), nullable=False),
    Column("esi_id", IdentifierType(EsiId, 22)),
    Column("data", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("takes", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("leased_until", Instant),
    Column("tried_at", Instant),
    Column("delivered_at", Instant),
    Column("failed_at", Instant),
    Column("answer_code", Integer),
    Column("took_ms", Integer),
    Column("error", String(300)),
    UniqueConstraint("webhook_id", "event_id"),
)
"""The outbox: an event waits for a webhook until delivered_at or failed_at.

event_id is what the receiver tells repetitions by. esi_id is of the meter that the company must see whenever it is
told. takes grows when a sender takes the row and is what it holds against others; tries counts what was sent since it
was last asked for. answer_code, took_ms and error are of the last try.
"""

_WAITING = text("delivered_at is null and failed_at is null")
Index(
    "ix_webhook_deliveries_waiting",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.next_at,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index("ix_webhook_deliveries_webhook", webhook_deliveries.c.webhook_id, webhook_deliveries.c.id)
Index("ix_webhook_deliveries_created_at", webhook_deliveries.c.created_at)
