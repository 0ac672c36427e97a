"""Letters: those that wait, those that a mail server took, those that were given up."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, text

from gateway.database import Instant
from portal.schema import metadata

letters = Table(
    "letters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipient", String(254), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text),
    Column("attachments", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_at", Instant, nullable=False),
    Column("leased_until", Instant),
    Column("sent_at", Instant),
    Column("failed_at", Instant),
    Column("error", String(300)),
)
"""The outbox of mail. A letter waits until sent_at or failed_at; error is the last one, in words without secrets.

attempts grows when a sender takes a letter, and is what it holds against others: only the latest taker settles it.
"""

_WAITING = text("sent_at is null and failed_at is null")
Index("ix_letters_waiting", letters.c.next_at, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_letters_created_at", letters.c.created_at)
