"""The gateway's own tables: what it was asked and told, its devices and meters, and the counters of its journal."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, MetaData, String, Table, Text, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId, Eui64, MeterNumber, RequestId

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

requests = Table(
    "requests",
    metadata,
    Column("id", IdentifierType(RequestId), primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20), nullable=False),
    Column("esi_id", IdentifierType(EsiId, 22), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("deadline_at", Instant, nullable=False),
    Column("accepted_at", Instant),
    Column("status", String(8), nullable=False),  # open, or an OutcomeStatus
    Column("ended_at", Instant),
    Column("seq", Integer, unique=True),
    Column("outcome", Text),  # the outcome as it is told, JSON
)

IS_OPEN = text("status = 'open'")
IS_DONE = text("status = 'done'")
Index("ix_requests_open", requests.c.meter, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
Index("ix_requests_done", requests.c.meter, requests.c.accepted_at, sqlite_where=IS_DONE, postgresql_where=IS_DONE)

counters = Table(
    "counters",
    metadata,
    Column("journal", String(40), primary_key=True),
    Column("last_seq", Integer, nullable=False),
    Column("receipted_seq", Integer, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)
"""Whatever is told beside the outcomes of reads, as it is told, JSON; a device's entries here are its timeline."""

commands = Table(
    "commands",
    metadata,
    Column("id", IdentifierType(RequestId), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("meter", IdentifierType(MeterNumber, 20)),
    Column("device", IdentifierType(Eui64, 16)),
    Column("status", String(8), nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("seq", Integer),
    Column("body", Text),
    Column("outcome", Text),
)
"""What the gateway was asked to do beside reads; status is open, or an OutcomeStatus.

body is the command, JSON, while it is open: with its end a sealed install code is gone from here.
"""
Index("ix_commands_open", commands.c.device, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)

devices = Table(
    "devices",
    metadata,
    Column("device", IdentifierType(Eui64, 16), primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20), nullable=False, index=True),
    Column("stage", String(20), nullable=False),
    Column("is_meter", Boolean, nullable=False),
    Column("request", IdentifierType(RequestId)),
    Column("changed_at", Instant, nullable=False),
    Column("info", Text),
)
"""Every device that was ever asked in: where it belongs, how far it is, and the command whose word on that counts.

is_meter is a meter that was itself joined to the network.
"""

notices = Table(
    "notices",
    metadata,
    Column("device", IdentifierType(Eui64, 16), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    Column("over_at", Instant),
    Column("body", Text, nullable=False),
)
"""What devices must still be told when they ask; over_at None holds until something newer."""

assignments = Table(
    "assignments",
    metadata,
    Column("meter", IdentifierType(MeterNumber, 20), primary_key=True),
    Column("driver", String(64)),
    Column("address", String(200)),
    Column("changed_at", Instant, nullable=False),
)
"""What the gateway was told of its meters; driver and address None is a meter that was withdrawn."""

successes = Table(
    "successes",
    metadata,
    Column("meter", IdentifierType(MeterNumber, 20), primary_key=True),
    Column("accepted_at", Instant, primary_key=True),
)
"""When reads of a meter succeeded at the gateways that had it before."""

errands = Table(
    "errands",
    metadata,
    Column("day", Date, primary_key=True),
    Column("what", String(10), primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20), primary_key=True),
    Column("status", String(12), nullable=False),  # done, impossible, waiting
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
)
"""What scheduled collection has settled, and what it tries again when due_at has passed."""
