"""Gateways as last heard, how far their reports are recorded, and what they said that was refused."""

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, UniqueConstraint, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import GatewayId
from portal.schema import Word, metadata

gateways = Table(
    "gateways",
    metadata,
    Column("id", IdentifierType(GatewayId, 32), primary_key=True),
    Column("tdsp_id", ForeignKey("companies.id"), index=True),
    Column("online", Boolean, nullable=False, server_default=text("false")),
    Column("boot_id", String(64)),
    Column("told_at", Instant),
    Column("seen_at", Instant),
    Column("version", String(40)),
    Column("meters", Integer),
    Column("links", JSON),
    Column("sealing_key", String(64)),
)
"""A gateway's state as it last told it, at told_at by its clock and seen_at by ours; tdsp_id says whose it is.

sealing_key is the public key to which install codes for it are sealed.
"""

gateway_marks = Table(
    "gateway_marks",
    metadata,
    Column("gateway", IdentifierType(GatewayId, 32), primary_key=True),
    Column("journal", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("moved_at", Instant),
)
"""Up to which number a gateway's reports are recorded or lost to it, and since when: what its receipts say."""


class IncidentKind(StrEnum):
    """Why something that a gateway said was refused."""

    UNKNOWN_READ = "unknown_read"
    FOREIGN_READ = "foreign_read"
    IMPLAUSIBLE = "implausible"
    FALSE_NAME = "false_name"
    UNKNOWN_GATEWAY = "unknown_gateway"
    UNKNOWN_COMMAND = "unknown_command"
    FOREIGN_COMMAND = "foreign_command"
    FOREIGN_DEVICE = "foreign_device"
    FOREIGN_METER = "foreign_meter"
    UNKNOWN_REPORT = "unknown_report"


incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("kind", Word(IncidentKind), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("words", String(300), nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
    Column("times", Integer, nullable=False),
    UniqueConstraint("gateway", "kind", "subject"),
)
"""What was refused, for the operator: one row per gateway, kind and subject, counted when it happens again."""
