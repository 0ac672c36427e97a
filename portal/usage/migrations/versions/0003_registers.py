"""Register reads of TDSPs, by day and by month."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "daily_reads",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("read_date", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True)),
        sa.Column("start_wh", sa.BigInteger()),
        sa.Column("end_wh", sa.BigInteger()),
        sa.Column("usage_wh", sa.BigInteger()),
        sa.PrimaryKeyConstraint("esi_id", "read_date", "version", name="pk_daily_reads"),
        sa.ForeignKeyConstraint(["version"], ["source_files.id"], name="fk_daily_reads_version_source_files"),
    )
    op.create_table(
        "monthly_usage",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True)),
        sa.Column("actual_wh", sa.BigInteger()),
        sa.Column("metered_w", sa.BigInteger()),
        sa.Column("billed_w", sa.BigInteger()),
        sa.Column("metered_va", sa.BigInteger()),
        sa.Column("billed_va", sa.BigInteger()),
        sa.PrimaryKeyConstraint("esi_id", "start_date", "version", name="pk_monthly_usage"),
        sa.ForeignKeyConstraint(["version"], ["source_files.id"], name="fk_monthly_usage_version_source_files"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("monthly_usage")
    op.drop_table("daily_reads")
