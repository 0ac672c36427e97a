"""The tables of register reads: what TDSPs tell of a meter's days and months, every version of it."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, Table

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId
from portal.usage.tables import metadata

daily_reads = Table(
    "daily_reads",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("read_date", Date, primary_key=True),
    Column("version", Integer, ForeignKey("source_files.id"), primary_key=True, autoincrement=False),
    Column("revised_at", Instant),
    Column("start_wh", BigInteger),
    Column("end_wh", BigInteger),
    Column("usage_wh", BigInteger),
)

monthly_usage = Table(
    "monthly_usage",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("start_date", Date, primary_key=True),
    Column("version", Integer, ForeignKey("source_files.id"), primary_key=True, autoincrement=False),
    Column("end_date", Date, nullable=False),
    Column("revised_at", Instant),
    Column("actual_wh", BigInteger),
    Column("metered_w", BigInteger),
    Column("billed_w", BigInteger),
    Column("metered_va", BigInteger),
    Column("billed_va", BigInteger),
)
