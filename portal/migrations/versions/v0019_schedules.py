"""Saved report definitions, and the due instants that were served."""

import sqlalchemy as sa
from alembic import op

revision = "v0019"
down_revision = "v0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "report_definitions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("reports", sa.JSON(), nullable=False),
        sa.Column("view", sa.String(20), nullable=False),
        sa.Column("utc", sa.Boolean(), nullable=False),
        sa.Column("window", sa.String(20), nullable=False),
        sa.Column("by", sa.String(20), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("every", sa.String(20)),
        sa.Column("day", sa.Integer()),
        sa.Column("minute", sa.Integer()),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("paused_because", sa.String(300)),
        sa.Column("last_run_at", sa.DateTime(timezone=True)),
        sa.Column("last_order", sa.BigInteger()),
        sa.Column("last_words", sa.String(300)),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_report_definitions_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_report_definitions"),
    )
    op.create_index("ix_report_definitions_account", "report_definitions", ["account_id", "id"])
    op.create_index("ix_report_definitions_next_at", "report_definitions", ["next_at"])
    op.create_table(
        "report_runs",
        sa.Column("definition_id", sa.String(36), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_number", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["report_definitions.id"], name="fk_report_runs_definition_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("definition_id", "due_at", name="pk_report_runs"),
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("report_runs")
    op.drop_table("report_definitions")
