"""Lists of meters kept until they are ordered for, when an order's mail was sent again, and how meters are found."""

import sqlalchemy as sa
from alembic import op

revision = "v0017"
down_revision = "v0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("report_orders", sa.Column("resent_at", sa.DateTime(timezone=True)))
    op.create_table(
        "meter_lists",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.String(200)),
        sa.Column("by", sa.String(20), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_meter_lists_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_meter_lists"),
    )
    op.create_index("ix_meter_lists_account", "meter_lists", ["account_id", "kept_at"])
    op.create_index("ix_meter_lists_kept_at", "meter_lists", ["kept_at"])

    op.create_index("ix_premises_street_name", "premises", ["street_name"])
    op.create_index("ix_accounts_last_name", "accounts", ["last_name"])


def downgrade() -> None:
    """To the revision before."""
    op.drop_index("ix_accounts_last_name", "accounts")
    op.drop_index("ix_premises_street_name", "premises")
    op.drop_table("meter_lists")
    op.drop_column("report_orders", "resent_at")
