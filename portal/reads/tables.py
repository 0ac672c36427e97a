"""On-demand reads, who asked for them, and which must still be told to a gateway."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from gateway.database import IdentifierType, Instant
from gateway.errors import FailureReason
from gateway.identifiers import EsiId, GatewayId, MeterNumber, RequestId
from gateway.reads import Freshness
from portal.reads.status import ReadStatus
from portal.schema import Word, metadata

reads = Table(
    "reads",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("meter_id", ForeignKey("meters.id"), nullable=False),
    Column("meter", IdentifierType(MeterNumber, 20), nullable=False),
    Column("esi_id", IdentifierType(EsiId, 22), nullable=False),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("status", Word(ReadStatus), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("deadline_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("accepted_at", Instant),
    Column("on_air_at", Instant),
    Column("ended_at", Instant),
    Column("recorded_at", Instant),
    Column("reason", Word(FailureReason)),
    Column("detail", String(300)),
    Column("delivered_wh", BigInteger),
    Column("received_wh", BigInteger),
    Column("demand_w", BigInteger),
    Column("flags", JSON(none_as_null=True)),
    Column("latched_at", Instant),
    Column("update_period_s", BigInteger),
    Column("read_at", Instant),
    Column("unit", String(20)),
    Column("multiplier", BigInteger),
    Column("divisor", BigInteger),
    Column("scale_assumed", Boolean),
    Column("path", String(120)),
    Column("freshness", Word(Freshness)),
    Column("age_at_most_s", BigInteger),
    Column("next_allowed_at", Instant),
    Column("used_today", Integer),
)
"""One on-demand read. accepted_at lies between asking and recording by our clock; on_air_at and ended_at are by the
gateway's; None is not known."""

_OPEN = text("status in ('queued', 'sent', 'accepted', 'on_air')")
_DONE = text("status = 'done'")
Index("ix_reads_open", reads.c.meter_id, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("ix_reads_open_deadline", reads.c.deadline_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("ix_reads_done", reads.c.meter_id, reads.c.accepted_at, sqlite_where=_DONE, postgresql_where=_DONE)
Index("ix_reads_esi_id", reads.c.esi_id, reads.c.asked_at)
Index("ix_reads_gateway", reads.c.gateway, reads.c.asked_at)
OPEN_READS = _OPEN
"""The condition of the indexes of open reads, in the words that make a database use them."""

read_askers = Table(
    "read_askers",
    metadata,
    Column("read_id", ForeignKey("reads.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("asked_at", Instant, nullable=False),
)
"""Everyone who asked while the read was open: the first and those who joined."""

read_outbox = Table(
    "read_outbox",
    metadata,
    Column("read_id", ForeignKey("reads.id", ondelete="CASCADE"), primary_key=True),
)
"""Reads that a gateway must still be told of: a row stays until the read's end, not until the broker's word."""
