"""Meters on the wall, and the customers who attached them."""

from collections.abc import Callable, Mapping

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Table,
    text,
)
from sqlalchemy.engine.default import DefaultExecutionContext

from gateway.database import IdentifierType, Instant
from gateway.identifiers import GatewayId, MeterNumber, RequestId
from portal.meters.steps import Step
from portal.schema import Word, metadata


def backwards(text: str) -> str:
    """An identifier from its end on, in lower case."""
    return text.lower()[::-1]


def _made_of(name: str, make: Callable[[str], str]) -> Callable[[DefaultExecutionContext], str]:
    def default(context: DefaultExecutionContext) -> str:
        values: Mapping[str, str] = context.get_current_parameters()  # type: ignore[no-untyped-call]  # by SQLAlchemy
        return make(values[name])

    return default


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
    Column("number_lower", String(20), nullable=False, server_default="", default=_made_of("number", str.lower)),
    Column("number_backwards", String(20), nullable=False, server_default="", default=_made_of("number", backwards)),
    Column("esi_id_backwards", String(22), nullable=False, server_default="", default=_made_of("esi_id", backwards)),
)
"""One installation of a meter at a premise, with the guide's meter fields (PMI-04).

gateway is the one that reaches it; before provisioned_at only its TDSP sees it (MCH-03), after removed_at nobody.
The identifiers in lower case, from the front and backwards, are for searches by their beginnings and ends
(portal/meters/pattern_search.py).
"""

_ON_THE_WALL = text("removed_at is null")
Index(
    "uq_meters_number_on_wall", meters.c.number, unique=True, sqlite_where=_ON_THE_WALL, postgresql_where=_ON_THE_WALL
)
Index(
    "uq_meters_esi_id_on_wall", meters.c.esi_id, unique=True, sqlite_where=_ON_THE_WALL, postgresql_where=_ON_THE_WALL
)

for _key in (meters.c.number_lower, meters.c.number_backwards, meters.c.esi_id_backwards):
    Index(f"ix_meters_{_key.name}", _key, sqlite_where=_ON_THE_WALL, postgresql_where=_ON_THE_WALL)

_TO_WITHDRAW = text("removed_at is not null and gateway is not null")
Index("ix_meters_to_withdraw", meters.c.id, sqlite_where=_TO_WITHDRAW, postgresql_where=_TO_WITHDRAW)

meter_assignments = Table(
    "meter_assignments",
    metadata,
    Column("meter_id", ForeignKey("meters.id"), primary_key=True),
    Column("step", Word(Step), nullable=False),
    Column("gateway", ForeignKey("gateways.id")),
    Column("driver", String(64)),
    Column("address", String(200)),
    Column("to_gateway", ForeignKey("gateways.id")),
    Column("to_driver", String(64)),
    Column("to_address", String(200)),
    Column("to_sealed_code", String(400)),
    Column("command_id", IdentifierType(RequestId, 36), index=True),
    Column("assign_id", IdentifierType(RequestId, 36)),
    Column("account_id", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("successes", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
"""Which gateway serves a meter and how, and where it is going (portal/meters/assignment.py).

gateway is the one that serves it or is being left; command_id the command that the step waits for, assign_id the one
to which the code is sealed. successes are the meter's reads of the last 26 h by our clock, as the last gateway told.
"""

attachments = Table(
    "attachments",
    metadata,
    Column("esi_id", ForeignKey("premises.esi_id"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("attached_at", Instant, nullable=False),
)
"""Which customer attached the meter of a premise: at most one (CUS-03), and an exchange of the meter keeps him."""

midnight_registers = Table(
    "midnight_registers",
    metadata,
    Column("esi_id", ForeignKey("premises.esi_id"), primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20), primary_key=True),
    Column("frozen_at", Instant, primary_key=True),
    Column("delivered_wh", BigInteger),
    Column("received_wh", BigInteger),
    Column("read_at", Instant, nullable=False),
)
"""Registers as a meter froze them at its midnight, told by its gateway; the first word on an instant counts."""

reported_registers = Table(
    "reported_registers",
    metadata,
    Column("esi_id", ForeignKey("premises.esi_id"), primary_key=True),
    Column("meter", IdentifierType(MeterNumber, 20), primary_key=True),
    Column("read_at", Instant, primary_key=True),
    Column("latched_at", Instant),
    Column("delivered_wh", BigInteger),
    Column("received_wh", BigInteger),
    Column("demand_w", BigInteger),
    Column("flags", JSON(none_as_null=True)),
    Column("gateway", IdentifierType(GatewayId, 32), nullable=False),
    Column("path", String(120), nullable=False),
)
"""Registers that a meter told by itself, as it was asked to: no on-demand reads. read_at is the gateway's clock when
they came; None is what the meter does not have, marks invalid or does not report."""
