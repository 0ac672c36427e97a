"""Source files and the meter-days that they told."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "source_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("meter_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source_files"),
        sa.UniqueConstraint("sha256", name="uq_source_files_sha256"),
    )
    op.create_table(
        "meter_days",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True)),
        sa.Column("intervals", sa.SmallInteger(), nullable=False),
        sa.Column("total_wh", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.SmallInteger(), nullable=False),
        sa.Column("block", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("esi_id", "day", "channel", "version", name="pk_meter_days"),
        sa.ForeignKeyConstraint(["version"], ["source_files.id"], name="fk_meter_days_version_source_files"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("meter_days")
    op.drop_table("source_files")
