"""Companies and their DUNS numbers."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import Duns
from portal.companies.kinds import Kind
from portal.companies.status import CompanyStatus, DunsStatus
from portal.schema import Word, metadata

companies = Table(
    "companies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Word(Kind), nullable=False),
    Column("name", String(120), nullable=False),
    Column("status", Word(CompanyStatus), nullable=False),
    Column("status_since", Instant, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("email", String(254), nullable=False),
    Column("address_1", String(120)),
    Column("address_2", String(120)),
    Column("city", String(60)),
    Column("state", String(2)),
    Column("zip", String(10)),
    Column("country", String(60)),
    Column("phone", String(30)),
    Column("url", String(300)),
    Column("privacy_policy_url", String(300)),
    Column("logo", LargeBinary),
    Column("privacy_seal", Boolean, nullable=False, server_default=text("false")),
    Column("revision", Integer, nullable=False, server_default=text("0")),
)
"""logo is an image that was decoded and encoded anew (portal/companies/logo.py); revision counts changes."""
Index("ix_companies_name", companies.c.name)

duns_numbers = Table(
    "duns_numbers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("company_id", ForeignKey("companies.id"), nullable=False, index=True),
    Column("duns", IdentifierType(Duns, 13), nullable=False),
    Column("ercot_name", String(120)),
    Column("status", Word(DunsStatus), nullable=False),
    Column("status_since", Instant, nullable=False),
    Column("added_at", Instant, nullable=False),
)
"""A company's DUNS numbers; ercot_name is the name under which ERCOT knows one, where it differs (CUS-06)."""

Index("ix_duns_numbers_duns", duns_numbers.c.duns)
Index(
    "uq_duns_numbers_standing",
    duns_numbers.c.duns,
    unique=True,
    sqlite_where=text("status <> 'revoked'"),
    postgresql_where=text("status <> 'revoked'"),
)
"""A number that is Pending, Active or Suspended elsewhere cannot be registered again (AMB-15)."""
