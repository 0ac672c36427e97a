"""Meters on the wall, and the customers who attached them."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, Numeric, String, Table, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import MeterNumber
from portal.schema import metadata

meters = Table(
    "meters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", IdentifierType(MeterNumber, 20), nullable=False, index=True),
    Column("esi_id", ForeignKey("premises.esi_id"), nullable=False, index=True),
    Column("gateway", ForeignKey("gateways.id"), index=True),
    Column("installed_at", Instant, nullable=False),
    Column("provisioned_at", Instant),
    Column("removed_at", Instant),
    Column("utility_number", String(20)),
    Column("multiplier", Numeric(12, 6)),
    Column("channels", Integer),
    Column("manufacturer", String(60)),
    Column("tested_on", Date),
    Column("meter_class", String(20)),
    Column("technology", String(20)),
    Column("instrument_rated", Boolean),
    Column("ct_ratio", String(20)),
    Column("pt_ratio", String(20)),
    Column("esi_firmware", String(40)),
    Column("han_protocol", String(20)),
    Column("smart_energy_profile", String(10)),
    Column("interval_minutes", Integer),
    Column("generation_capable", Boolean),
    Column("generation_channel", String(10)),
    Column("remote_disconnect", Boolean),
    Column("status", String(1)),
    Column("phases", Integer),
    Column("model", String(60)),
    Column("updated_at", Instant),
)
"""One installation of a meter at a premise, with the guide's meter fields (PMI-04).

gateway is the one that reaches it; before provisioned_at only its TDSP sees it (MCH-03), after removed_at nobody.
"""

_ON_THE_WALL = text("removed_at is null")
Index(
    "uq_meters_number_on_wall", meters.c.number, unique=True, sqlite_where=_ON_THE_WALL, postgresql_where=_ON_THE_WALL
)
Index(
    "uq_meters_esi_id_on_wall", meters.c.esi_id, unique=True, sqlite_where=_ON_THE_WALL, postgresql_where=_ON_THE_WALL
)

attachments = Table(
    "attachments",
    metadata,
    Column("esi_id", ForeignKey("premises.esi_id"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("attached_at", Instant, nullable=False),
)
"""Which customer attached the meter of a premise: at most one (CUS-03), and an exchange of the meter keeps him."""
