"""Wishes for reads: batches, and each read of a batch or booked for an instant until it is asked for."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, text

from gateway.database import IdentifierType, Instant
from gateway.identifiers import EsiId, RequestId
from portal.schema import Word, metadata
from portal.wishes.states import WishState

read_batches = Table(
    "read_batches",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
)
"""Meters that an account wished to have read at once."""
Index("ix_read_batches_account", read_batches.c.account_id, read_batches.c.placed_at)

read_wishes = Table(
    "read_wishes",
    metadata,
    Column("id", IdentifierType(RequestId, 36), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("batch_id", ForeignKey("read_batches.id", ondelete="CASCADE")),
    Column("place", Integer, nullable=False),
    Column("value", String(22), nullable=False),
    Column("esi_id", IdentifierType(EsiId, 22)),
    Column("wished_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", Word(WishState), nullable=False),
    Column("read_id", ForeignKey("reads.id", ondelete="SET NULL")),
    Column("reason", String(20)),
    Column("words", String(300)),
    Column("next_allowed_at", Instant),
    Column("decided_at", Instant),
)
"""One read of a batch, or a booked one: then batch_id is None. value is what was asked for, esi_id the premise that it
means, None if the account saw none. read_id is the read that came of it, its own or one that it joined."""

_WAITING = text("state = 'waiting'")
Index("ix_read_wishes_waiting", read_wishes.c.due_at, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_read_wishes_batch", read_wishes.c.batch_id, read_wishes.c.place)
Index("ix_read_wishes_esi_id", read_wishes.c.esi_id, read_wishes.c.due_at)
Index("ix_read_wishes_account", read_wishes.c.account_id, read_wishes.c.due_at)
