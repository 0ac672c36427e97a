"""The tables of the ledger, beside the intervals: what is not simply present, what was found, and why values are so.

Receipts stand before the values that they are of: the batch's digest is that of the source file as which its values
are stored, and is committed first. Receipts whose source never came are of no version, and go after a day.
"""

from sqlalchemy import JSON, BigInteger, Column, Date, Index, Integer, String, Table

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId, GatewayId, MeterNumber
from portal.schema import Word
from portal.usage.intervals import Channel
from portal.usage.tables import metadata
from portal.vee.checks import Check, Severity
from portal.vee.estimate import Rule
from portal.vee.ledger import State

gaps = Table(
    "gaps",
    metadata,
    Column("day", Date, primary_key=True),
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("channel", Word(Channel, 1), primary_key=True),
    Column("state", Word(State), primary_key=True),  # never present
    Column("places", JSON, nullable=False),  # runs: portal.vee.places
    Column("since", Instant, nullable=False),
    Column("deadline", Instant),
    Column("tdsp", String(60), nullable=False),
    Column("gateway", IdentifierType(GatewayId, 32)),  # who owes it; None: the TDSP by its files
)

ledger_days = Table(
    "ledger_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("tdsp", String(60), primary_key=True),
    Column("gateway", String(32), primary_key=True),  # empty: meters without one
    Column("expected", BigInteger, nullable=False),
    Column("present", BigInteger, nullable=False),
    Column("awaited", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("being_back_filled", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("impossible", BigInteger, nullable=False),
    Column("ran_at", Instant, nullable=False),
    Column("seen", Integer, nullable=False),  # the newest of source_files when the run began
)

findings = Table(
    "findings",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("channel", Word(Channel, 1), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("check", Word(Check), primary_key=True),
    Column("severity", Word(Severity), nullable=False),
    Column("places", JSON, nullable=False),  # runs; none: the whole day
    Column("words", String(400), nullable=False),
    Column("found_at", Instant, nullable=False),
)

Index("ix_findings_day", findings.c.day, findings.c.esi_id)

estimate_batches = Table(
    "estimate_batches",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("made_at", Instant, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("channel", Word(Channel, 1), primary_key=True),
    Column("sha256", String(64), primary_key=True),  # of estimate_batches, and of source_files
    Column("first", Integer, primary_key=True, autoincrement=False),  # the first of its places
    Column("rule", Word(Rule), nullable=False),
    Column("places", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("replaced", Integer, nullable=False),  # the version on which it rests; 0: nothing was known
)

exchange_registers = Table(
    "exchange_registers",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20), primary_key=True),
    Column("at", Instant, primary_key=True),  # when it was installed or removed
    Column("delivered_wh", BigInteger),
    Column("received_wh", BigInteger),
    Column("told_at", Instant, nullable=False),
)
"""Registers that whoever exchanged a meter read off it: its start register, or its stop register."""
