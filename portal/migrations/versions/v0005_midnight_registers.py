"""Registers as meters froze them at midnight."""

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "midnight_registers",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_wh", sa.BigInteger()),
        sa.Column("received_wh", sa.BigInteger()),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_midnight_registers_esi_id"),
        sa.PrimaryKeyConstraint("esi_id", "meter", "frozen_at", name="pk_midnight_registers"),
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("midnight_registers")
