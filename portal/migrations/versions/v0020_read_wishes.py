"""Reads that are asked for later: batches of them, and booked ones."""

import sqlalchemy as sa
from alembic import op

revision = "v0020"
down_revision = "v0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "read_batches",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_read_batches_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_read_batches"),
    )
    op.create_index("ix_read_batches_account", "read_batches", ["account_id", "placed_at"])
    op.create_table(
        "read_wishes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(36)),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(22), nullable=False),
        sa.Column("esi_id", sa.String(22)),
        sa.Column("wished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("read_id", sa.String(36)),
        sa.Column("reason", sa.String(20)),
        sa.Column("words", sa.String(300)),
        sa.Column("next_allowed_at", sa.DateTime(timezone=True)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_read_wishes_account_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["batch_id"], ["read_batches.id"], name="fk_read_wishes_batch_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["read_id"], ["reads.id"], name="fk_read_wishes_read_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_read_wishes"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_read_wishes_waiting", "read_wishes", ["due_at"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_read_wishes_batch", "read_wishes", ["batch_id", "place"])
    op.create_index("ix_read_wishes_esi_id", "read_wishes", ["esi_id", "due_at"])
    op.create_index("ix_read_wishes_account", "read_wishes", ["account_id", "due_at"])


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("read_wishes")
    op.drop_table("read_batches")
