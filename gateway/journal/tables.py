"""The gateway's own tables: the read requests it was asked, and the counters of its journal."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId, MeterNumber, RequestId

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
