"""Commands to gateways and what still must be sent of them; devices, their timelines, and what they said."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from gateway.database import IdentifierType, Instant
from gateway.han.notices import Answer
from gateway.han.words import Cause, Stage
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber, RequestId
from portal.han.status import CommandKind, CommandStatus
from portal.schema import Word, metadata

han_commands = Table(
    "han_commands",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("kind", Word(CommandKind, 30), nullable=False),
    Column("meter_id", ForeignKey("meters.id")),
    Column("meter", IdentifierType(MeterNumber, 20)),
    Column("esi_id", IdentifierType(EsiId, 22)),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("device", IdentifierType(Eui64, 16)),
    Column("account_id", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("event", BigInteger),
    Column("notice", JSON(none_as_null=True)),
    Column("status", Word(CommandStatus), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("deadline_at", Instant),
    Column("sent_at", Instant),
    Column("ended_at", Instant),
    Column("recorded_at", Instant),
    Column("cause", Word(Cause, 30)),
    Column("detail", String(300)),
    Column("next_step", String(200)),
    Column("info", JSON(none_as_null=True)),
    Column("round_trip_ms", BigInteger),
)
"""What a gateway was asked to do; what is about a whole network of its names no meter.

ended_at is by the gateway's clock, the other instants by ours; an assignment and a withdrawal have no deadline.
Install codes are not here: a join's stands sealed in its message, as long as that waits.
"""

_OPEN = text("status in ('queued', 'sent')")
_OPEN_JOIN = text("kind = 'join' and status in ('queued', 'sent')")
Index("ix_han_commands_meter_id", han_commands.c.meter_id, han_commands.c.asked_at)
Index("ix_han_commands_open_deadline", han_commands.c.deadline_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index(
    "uq_han_commands_open_join",
    han_commands.c.device,
    unique=True,
    sqlite_where=_OPEN_JOIN,
    postgresql_where=_OPEN_JOIN,
)
"""A device joins at one meter at a time, whoever asks."""
OPEN_COMMANDS = _OPEN
"""The condition of the index of open commands, in the words that make a database use it."""

han_outbox = Table(
    "han_outbox",
    metadata,
    Column("command_id", ForeignKey("han_commands.id", ondelete="CASCADE"), primary_key=True),
    Column("message", String(20), nullable=False),
    Column("body", Text, nullable=False),
)
"""Messages that a gateway must still be sent: a row stays until the command's end, not until the broker's word."""

han_devices = Table(
    "han_devices",
    metadata,
    Column("device", IdentifierType(Eui64, 16), primary_key=True),
    Column("meter_id", ForeignKey("meters.id"), nullable=False, index=True),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("stage", Word(Stage), nullable=False),
    Column("cause", Word(Cause, 30)),
    Column("detail", String(300)),
    Column("next_step", String(200)),
    Column("info", JSON(none_as_null=True)),
    Column("changed_at", Instant, nullable=False),
    Column("journal", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
)
"""A device as its gateway last told it: at which meter, how far, why not further; info is of its last interview."""

han_timeline = Table(
    "han_timeline",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", IdentifierType(Eui64, 16), nullable=False),
    Column("meter_id", ForeignKey("meters.id"), nullable=False),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("request_id", IdentifierType(RequestId, 36), index=True),
    Column("stage", Word(Stage), nullable=False),
    Column("at", Instant, nullable=False),
    Column("cause", Word(Cause, 30)),
    Column("detail", String(300)),
    Column("next_step", String(200)),
    Column("info", JSON(none_as_null=True)),
    Column("journal", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    UniqueConstraint("gateway", "journal", "seq"),
)
"""Every stage that a device reached, at an instant of its gateway's clock, by a command of ours or by itself."""
Index("ix_han_timeline_device", han_timeline.c.device, han_timeline.c.meter_id)

han_reports = Table(
    "han_reports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", IdentifierType(Eui64, 16), nullable=False),
    Column("meter_id", ForeignKey("meters.id")),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("answer", Word(Answer, 30), nullable=False),
    Column("event", BigInteger),
    Column("at", Instant, nullable=False),
    Column("detail", String(300)),
    Column("journal", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    UniqueConstraint("gateway", "journal", "seq"),
)
"""What devices said and did, and how notices fared; meter_id is empty for strangers that were turned away."""
Index("ix_han_reports_meter_id", han_reports.c.meter_id, han_reports.c.id)
