"""Premises, which REP of record each has had from when to when, and the notices that say so."""

from enum import StrEnum

from sqlalchemy import JSON, Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import Duns, EsiId, MeterNumber
from portal.market.notices import NoticeRefusal
from portal.schema import Word, metadata

premises = Table(
    "premises",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("tdsp_id", ForeignKey("companies.id"), nullable=False),
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
    Column("retired_at", Instant),
    Column("successor", IdentifierType(EsiId, 22)),
)
"""The guide's premise fields (PMI-03); status is A (active) or I (inactive).

Of a retired ESI ID successor is the one that the premise has instead, if it has one.
"""

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

Index("ix_premises_tdsp_id", premises.c.tdsp_id, premises.c.esi_id)
Index("ix_premises_street_name", premises.c.street_name)
Index("ix_rep_spans_duns", rep_spans.c.duns, rep_spans.c.esi_id)


class NoticeSource(StrEnum):
    """How a notice came."""

    MESSAGE = "message"
    API = "api"
    FILE = "file"
    PAGE = "page"


class NoticeState(StrEnum):
    """What became of a notice: waiting is one whose instant is still to come."""

    APPLIED = "applied"
    WAITING = "waiting"
    REFUSED = "refused"


market_notices = Table(
    "market_notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tdsp_id", ForeignKey("companies.id"), nullable=False),
    Column("notice_id", String(64), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("esi_id", IdentifierType(EsiId, 22), nullable=False),
    Column("hung_up", IdentifierType(MeterNumber, 20)),
    Column("effective_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("source", Word(NoticeSource), nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", Word(NoticeState), nullable=False),
    Column("reason", Word(NoticeRefusal)),
    Column("words", String(300)),
    Column("to_carry", Boolean, nullable=False),
    Column("carried_at", Instant),
    UniqueConstraint("tdsp_id", "notice_id"),
)
"""Every notice of a TDSP and what became of it; the ids are the order in which they came.

The notices of a premise are its history (portal/market/notices.py); premises, spans and meters are what follows from
it at present. to_carry marks those that say that somebody left, until his attachment has ended and the removal of his
devices is asked for, which happens once (carried_at). hung_up is the meter that hangs by it.
"""

Index("ix_market_notices_esi_id", market_notices.c.esi_id, market_notices.c.id)
Index("ix_market_notices_of_tdsp", market_notices.c.tdsp_id, market_notices.c.state, market_notices.c.id)
IS_WAITING, IS_TO_CARRY = text("market_notices.state = 'waiting'"), text("market_notices.to_carry")
HANGS_ELSEWHERE = text("market_notices.reason = 'meter_elsewhere'")
"""Conditions in the very words of the indexes below, without which no database would use these."""
for _name, _column, _where in (
    ("ix_market_notices_waiting", market_notices.c.effective_at, "state = 'waiting'"),
    ("ix_market_notices_to_carry", market_notices.c.id, "to_carry"),
    ("ix_market_notices_elsewhere", market_notices.c.hung_up, "reason = 'meter_elsewhere'"),
):
    Index(_name, _column, sqlite_where=text(_where), postgresql_where=text(_where))

premise_histories = Table(
    "premise_histories",
    metadata,
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("opening", JSON(none_as_null=True)),
    Column("opened_at", Instant),
)
"""One row for each ESI ID that a notice or an agreement spoke of, locked while either changes (premise_lock.py).

opening is what was known of the premise before the feed began to speak of it, in the words of notices.
"""
