"""The tables of usage: the files that were loaded, the meters they spoke of, and every version of every meter-day.

A meter-day is one row with its quarter hours in a block. While its month is open it stands in day order, so that a load
only appends; once the month is sealed it stands in meter order, so that a meter's month is a few adjacent pages. A
month's rows are all in one of the two tables. Columns stand in the order that wastes no bytes on PostgreSQL; the keys
say how rows are found. Rows refer to files and meters without foreign keys: one would cost a look-up for each row.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, SmallInteger, Table
from sqlalchemy import String as Text

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
    Column("name", Text(255), nullable=False),
    Column("sha256", Text(64), nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    Column("meter_days", Integer, nullable=False),  # those that it brought new or revised
)

usage_meters = Table(
    "usage_meters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # dense, from 1
    Column("esi_id", IdentifierType(EsiId, 22), nullable=False, unique=True),
)


def _block_columns() -> list[Column[Any]]:
    return [
        Column("day", SmallInteger, nullable=False),  # days since 2000: portal.usage.row_keys
        Column("channel", SmallInteger, nullable=False),  # its place in portal.usage.batch.CHANNELS
        Column("meter", Integer, nullable=False),  # of usage_meters
        Column("version", Integer, nullable=False),  # of source_files; the greatest is current
        Column("revised_s", Integer, nullable=False),  # the TDSP's revision date, seconds since the day's 00:00 UTC
        Column("total_wh", BigInteger, nullable=False),
        Column("missing", SmallInteger, nullable=False),  # how many quarter hours the day lacks
        Column("data", LargeBinary, nullable=False),  # as portal.usage.day_block packs it
    ]


open_blocks = Table(
    "open_blocks",
    metadata,
    *_block_columns(),
    PrimaryKeyConstraint("day", "meter", "channel", "version"),
    sqlite_with_rowid=False,
)

sealed_blocks = Table(
    "sealed_blocks",
    metadata,
    Column("month", SmallInteger, nullable=False),  # months since January 2000
    *_block_columns(),
    PrimaryKeyConstraint("month", "meter", "day", "channel", "version"),
    sqlite_with_rowid=False,
    postgresql_partition_by="LIST (month)",
)

day_totals = Table(
    "day_totals",
    metadata,
    Column("day", SmallInteger, primary_key=True, autoincrement=False),
    Column("channel", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("first", Integer, primary_key=True, autoincrement=False),  # the meters of the piece, from
    Column("last", Integer, nullable=False),  # and to
    Column("data", LargeBinary, nullable=False),  # as portal.usage.total_columns packs it
)

sealed_months = Table("sealed_months", metadata, Column("month", SmallInteger, primary_key=True, autoincrement=False))

BLOCK = ("day", "channel", "meter", "version", "revised_s", "total_wh", "missing", "data")
"""The columns that both tables of blocks have, in their order."""
