"""Who may fetch a company's files, and which daily files have been dropped."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from gateway.database import Instant
from portal.schema import metadata

file_credentials = Table(
    "file_credentials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("company_id", ForeignKey("companies.id"), nullable=False, index=True),
    Column("user_name", String(40), nullable=False),
    Column("password_hash", String(200)),
    Column("public_keys", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
"""A way into a company's folder over FTPS and SFTP; public_keys are SSH keys in OpenSSH's text form, for SFTP."""

_STANDING = text("revoked_at is null")
Index(
    "uq_file_credentials_user_name",
    file_credentials.c.user_name,
    unique=True,
    sqlite_where=_STANDING,
    postgresql_where=_STANDING,
)

lse_drops = Table(
    "lse_drops",
    metadata,
    Column("company_id", ForeignKey("companies.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("tdsp_id", ForeignKey("companies.id"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("takes", Integer, nullable=False),
    Column("leased_until", Instant),
    Column("placed_at", Instant),
    Column("meters", Integer),
    Column("missing", BigInteger),
    PrimaryKeyConstraint("company_id", "day", "tdsp_id"),
    UniqueConstraint("company_id", "name"),
)
"""A day's LSE file of one REP and TDSP. Its name is decided before it is written, so that a repeat replaces it.

takes counts who took it up; only the latest may put the file in its place and say so. missing counts quarter hours.
"""
