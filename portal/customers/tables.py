"""Requests of REPs that a TDSP release a meter from the customer account that holds it."""

from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, text

from gateway.database import Instant
from portal.schema import Word, metadata


class ReleaseStatus(StrEnum):
    """Where a request stands; one that is open may be over all the same (portal/customers/releases.py)."""

    OPEN = "open"
    RELEASED = "released"
    DECLINED = "declined"


release_requests = Table(
    "release_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("esi_id", ForeignKey("premises.esi_id"), nullable=False, index=True),
    Column("company_id", ForeignKey("companies.id"), nullable=False, index=True),
    Column("holder_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("held_since", Instant, nullable=False),
    Column("asked_by", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("asked_at", Instant, nullable=False),
    Column("comment", Text, nullable=False),
    Column("status", Word(ReleaseStatus), nullable=False),
    Column("answered_by", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("answered_at", Instant),
    Column("answer", Text),
)
"""company_id is the REP that asks. holder_id and held_since name the attachment that the request is about: with it the
request ends by itself, so that a customer who comes later never loses his meter by an old request.
"""

_OPEN = text("status = 'open'")
Index(
    "uq_release_requests_open",
    release_requests.c.esi_id,
    release_requests.c.company_id,
    release_requests.c.held_since,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
