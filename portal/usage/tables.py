"""The tables of usage: the files that were loaded, and every version of every meter-day."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId

VERSION_TABLE = "usage_schema_version"
"""Alembic's note of the schema's revision: not the market's, which may live in the same database."""

metadata = MetaData(
    naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)

source_files = Table(
    "source_files",
    metadata,
    Column("id", Integer, primary_key=True),  # the version of every meter-day it brought
    Column("name", String(255), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    Column("meter_days", Integer, nullable=False),  # those that it brought new or revised
)

meter_days = Table(
    "meter_days",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("channel", String(1), primary_key=True),
    Column("version", Integer, ForeignKey("source_files.id"), primary_key=True, autoincrement=False),
    Column("revised_at", Instant),
    Column("intervals", SmallInteger, nullable=False),
    Column("total_wh", BigInteger, nullable=False),
    Column("missing", SmallInteger, nullable=False),  # how many values the day lacks
    Column("block", LargeBinary, nullable=False),  # as portal.usage.block packs it
)
