"""Saved report definitions, and the due instants that were served."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import RequestId
from portal.orders.meter_list import By
from portal.reports.forms import View
from portal.saved_reports.schedule import Every, Window
from portal.schema import Word, metadata

report_definitions = Table(
    "report_definitions",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("reports", JSON, nullable=False),
    Column("view", Word(View), nullable=False),
    Column("utc", Boolean, nullable=False),
    Column("window", Word(Window), nullable=False),
    Column("by", Word(By), nullable=False),
    Column("values", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("every", Word(Every)),
    Column("day", Integer),
    Column("minute", Integer),
    Column("next_at", Instant),
    Column("paused_because", String(300)),
    Column("last_run_at", Instant),
    Column("last_order", BigInteger),
    Column("last_words", String(300)),
)
"""reports are pairs of a report and its format; values are the list's, joined by line ends. every, day and minute are
the schedule, none if it has none; next_at is when it is due next, none while it has none or is paused.

last_order is the number of the order that the last run placed, last_words why it placed none.
"""
Index("ix_report_definitions_account", report_definitions.c.account_id, report_definitions.c.id)
Index("ix_report_definitions_next_at", report_definitions.c.next_at)

report_runs = Table(
    "report_runs",
    metadata,
    Column("definition_id", ForeignKey("report_definitions.id", ondelete="CASCADE"), primary_key=True),
    Column("due_at", Instant, primary_key=True),
    Column("order_number", BigInteger),
)
"""One row for each due instant that was served: its key is what keeps two processes from placing two orders."""
