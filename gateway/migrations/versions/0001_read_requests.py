"""Read requests and the counters of the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "requests",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("seq", sa.Integer()),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.UniqueConstraint("seq", name="uq_requests_seq"),
    )
    is_open, is_done = sa.text("status = 'open'"), sa.text("status = 'done'")
    op.create_index("ix_requests_open", "requests", ["meter"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index(
        "ix_requests_done", "requests", ["meter", "accepted_at"], sqlite_where=is_done, postgresql_where=is_done
    )
    op.create_table(
        "counters",
        sa.Column("journal", sa.String(40), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("receipted_seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journal", name="pk_counters"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("counters")
    op.drop_table("requests")
