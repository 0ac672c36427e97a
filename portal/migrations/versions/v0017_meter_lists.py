"""Lists of meters that are kept until they are ordered for, and when an order's mail was last sent again."""

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


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("meter_lists")
    op.drop_column("report_orders", "resent_at")
