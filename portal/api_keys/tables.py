"""API keys, by the digest of what their holders keep."""

from enum import StrEnum

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table

from gateway.database import Instant
from portal.schema import metadata


class Scope(StrEnum):
    """What a key opens; a route that names none of a key's scopes is closed to it."""

    MARKET_WRITE = "market:write"
    MARKET_READ = "market:read"


api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("company_id", ForeignKey("companies.id"), nullable=False, index=True),
    Column("name", String(60), nullable=False),
    Column("prefix", String(12), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("made_by", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)
"""digest is the SHA-256 of the key, so that a stolen table opens nothing; prefix is how people tell keys apart.

made_by is empty for those that an operator made. last_used_at is written once a minute at most.
"""
