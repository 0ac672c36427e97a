"""Agreements of companies with customers, each about one meter."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import MeterNumber
from portal.agreements.machine import AgreementKind, AgreementStatus, EndedBy
from portal.schema import Word, metadata

agreements = Table(
    "agreements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("company_id", ForeignKey("companies.id"), nullable=False),
    Column("esi_id", ForeignKey("premises.esi_id"), nullable=False, index=True),
    Column("number", IdentifierType(MeterNumber, 20), nullable=False),
    Column("kind", Word(AgreementKind), nullable=False),
    Column("months", Integer, nullable=False),
    Column("email", String(254), nullable=False),
    Column("language", String(2), nullable=False),
    Column("status", Word(AgreementStatus), nullable=False),
    Column("status_since", Instant, nullable=False),
    Column("made_by", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("letters", Integer, nullable=False),
    Column("link_key", String(64), nullable=False, unique=True),
    Column("accepted_at", Instant),
    Column("ended_by", Word(EndedBy)),
    Column("to_note", Boolean, nullable=False, server_default=text("false")),
)
"""due_at is when one that stands ends by itself: expires while Pending, is completed while Active. letters counts the
invitations that were mailed; link_key is all that is kept of the last one's link. to_note marks what a market notice
ended, until the scheduler has told the audit log: a notice's transaction does not take that log's lock.
"""

_STANDING = text("status IN ('pending', 'active')")
Index(
    "uq_agreements_standing",
    agreements.c.esi_id,
    agreements.c.company_id,
    agreements.c.kind,
    unique=True,
    sqlite_where=_STANDING,
    postgresql_where=_STANDING,
)
Index("ix_agreements_company", agreements.c.company_id, agreements.c.id)
Index("ix_agreements_due", agreements.c.due_at, sqlite_where=_STANDING, postgresql_where=_STANDING)
