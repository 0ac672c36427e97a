"""Premises, and which REP of record each has had from when to when."""

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from gateway.database import IdentifierType, Instant
from gateway.identifiers import Duns, EsiId
from portal.schema import metadata

premises = Table(
    "premises",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("tdsp_id", ForeignKey("companies.id"), nullable=False, index=True),
    Column("house_number", String(10)),
    Column("house_fraction", String(6)),
    Column("leading_directional", String(2)),
    Column("street_name", String(60), nullable=False),
    Column("street_type", String(12)),
    Column("trailing_directional", String(2)),
    Column("unit", String(20)),
    Column("city", String(60), nullable=False),
    Column("state", String(2), nullable=False),
    Column("zip", String(5), nullable=False),
    Column("zip_4", String(4)),
    Column("service_voltage", String(20)),
    Column("status", String(1), nullable=False),
    Column("time_zone", String(40), nullable=False),
    Column("read_cycle", String(4)),
    Column("load_profile", String(60)),
    Column("rate_class", String(20)),
    Column("ams_profile_from", Date),
)
"""The guide's premise fields (PMI-03); status is A (active) or I (inactive)."""

rep_spans = Table(
    "rep_spans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("esi_id", ForeignKey("premises.esi_id"), nullable=False),
    Column("duns", IdentifierType(Duns, 13), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant),
    UniqueConstraint("esi_id", "from_at"),
)
"""The REP of record by DUNS number, [from_at, to_at): spans of one premise never overlap (portal/market/spans.py)."""

Index("ix_rep_spans_duns", rep_spans.c.duns, rep_spans.c.esi_id)
