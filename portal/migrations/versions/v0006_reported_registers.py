"""Registers that meters told by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "reported_registers",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latched_at", sa.DateTime(timezone=True)),
        sa.Column("delivered_wh", sa.BigInteger()),
        sa.Column("received_wh", sa.BigInteger()),
        sa.Column("demand_w", sa.BigInteger()),
        sa.Column("flags", sa.JSON(none_as_null=True)),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("path", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_reported_registers_esi_id"),
        sa.PrimaryKeyConstraint("esi_id", "meter", "read_at", name="pk_reported_registers"),
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("reported_registers")
