"""The audit log's rows, and the head of their chain."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.database import Instant
from portal.schema import metadata

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor_kind", String(20), nullable=False),
    Column("actor_id", Integer),
    Column("actor", String(200), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject_kind", String(20), nullable=False),
    Column("subject_id", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("company_id", Integer),
    Column("before", String(40)),
    Column("after", String(40)),
    Column("cause", String(200), nullable=False),
    Column("comment", Text),
    Column("seal", String(64), nullable=False),
)
"""What happened, in order. Rows outlive what they tell of, so they hold names beside ids and refer to no table.

before and after are statuses; cause says what led to it; comment is what the actor wrote. Triggers refuse to change or
remove rows (migration v0010).
"""

Index("ix_audit_subject", audit.c.subject_kind, audit.c.subject_id, audit.c.number)
Index("ix_audit_company", audit.c.company_id, audit.c.number)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("seal", String(64), nullable=False),
)
"""The newest row's number and seal; locked by whoever adds one, so that the chain has no fork."""
