"""The ledger of expected intervals: gaps, days in sum, findings, receipts of estimates, registers of exchanges."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = ("present", "awaited", "late", "being_back_filled", "estimated", "impossible")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "gaps",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("channel", sa.String(1), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True)),
        sa.Column("tdsp", sa.String(60), nullable=False),
        sa.Column("gateway", sa.String(32)),
        sa.PrimaryKeyConstraint("day", "esi_id", "channel", "state", name="pk_gaps"),
    )
    op.create_table(
        "ledger_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tdsp", sa.String(60), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        *(sa.Column(state, sa.BigInteger(), nullable=False) for state in STATES),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "tdsp", "gateway", name="pk_ledger_days"),
    )
    op.create_table(
        "findings",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("check", sa.String(20), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("words", sa.String(400), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("esi_id", "day", "channel", "version", "check", name="pk_findings"),
    )
    op.create_index("ix_findings_day", "findings", ["day", "esi_id"])
    op.create_table(
        "estimate_batches",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_estimate_batches"),
    )
    op.create_table(
        "receipts",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(1), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("esi_id", "day", "channel", "sha256", "first", name="pk_receipts"),
    )
    op.create_table(
        "exchange_registers",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_wh", sa.BigInteger()),
        sa.Column("received_wh", sa.BigInteger()),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("esi_id", "meter", "at", name="pk_exchange_registers"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("exchange_registers", "receipts", "estimate_batches", "findings", "ledger_days", "gaps"):
        op.drop_table(name)
