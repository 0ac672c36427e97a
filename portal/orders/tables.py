"""Report orders, the meters that they are about, and the files that they became."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId, RequestId
from portal.orders.meter_list import By
from portal.orders.states import OrderState
from portal.reports.forms import Report
from portal.schema import Word, metadata

report_orders = Table(
    "report_orders",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("company_id", ForeignKey("companies.id")),
    Column("state", Word(OrderState), nullable=False),
    Column("details", String(1000)),
    Column("asked", JSON, nullable=False),
    Column("small", Boolean, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease", IdentifierType(RequestId, 36)),
    Column("worker", String(100)),
    Column("meters", Integer, nullable=False),
    Column("not_found", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("to_place", Boolean, nullable=False),
    Column("request_key", String(100)),
    Column("request_digest", String(64)),
    Column("resent_at", Instant),
)
"""id names an order for us, number for people; company_id is the account's when it was placed.

due_at is when a worker may take an order in Processing: at once, after a pause, or at the end of the lease that another
has. lease is the token of the last one who took it, and the only one that may end it. done counts meters times reports.
to_place says that the files of a complete order are still to go into the company's folder. request_key is what a
program named its request, so that asking again is no second order; request_digest tells whether it asked the same.
resent_at is when its account last had its mail sent again.
"""

_WAITS = text("state = 'processing'")
Index("ix_report_orders_due", report_orders.c.due_at, sqlite_where=_WAITS, postgresql_where=_WAITS)
Index("uq_report_orders_request_key", report_orders.c.account_id, report_orders.c.request_key, unique=True)
Index("ix_report_orders_account", report_orders.c.account_id, report_orders.c.id)

report_order_meters = Table(
    "report_order_meters",
    metadata,
    Column("order_id", ForeignKey("report_orders.id", ondelete="CASCADE"), primary_key=True),
    Column("esi_id", IdentifierType(EsiId, 22), primary_key=True),
    Column("reported", Boolean, nullable=False),
)
"""The meters that the account saw when it placed the order; reported are those that its files hold."""

report_order_files = Table(
    "report_order_files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", ForeignKey("report_orders.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("report", Word(Report), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("path", String(300), nullable=False),
    Column("rows", BigInteger, nullable=False),
    UniqueConstraint("order_id", "name"),
)
"""The files of a complete order; path is relative to the folder of files."""

meter_lists = Table(
    "meter_lists",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("file_name", String(200)),
    Column("by", Word(By), nullable=False),
    Column("values", Text, nullable=False),
    Column("missing", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("found", Integer, nullable=False),
)
"""Lists of meters that somebody chose and has not ordered for yet, kept for a day (portal/orders/kept_lists.py).

file_name is that of the file they came from, None if they were ticked. values are all of them, missing those that were
not to be seen when the list came, each joined by line ends; count and found say how many there were of all and seen.
"""
Index("ix_meter_lists_account", meter_lists.c.account_id, meter_lists.c.kept_at)
Index("ix_meter_lists_kept_at", meter_lists.c.kept_at)
