"""Reports beside outcomes, commands, home-area devices with their notices, assignments and earlier successes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "reports",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_reports"),
    )
    op.create_table(
        "commands",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("device", sa.String(16)),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("accepted_at", instant, nullable=False),
        sa.Column("ended_at", instant),
        sa.Column("seq", sa.Integer()),
        sa.Column("body", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    is_open = sa.text("status = 'open'")
    op.create_index("ix_commands_open", "commands", ["device"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "devices",
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("is_meter", sa.Boolean(), nullable=False),
        sa.Column("request", sa.String(40)),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("info", sa.Text()),
        sa.PrimaryKeyConstraint("device", name="pk_devices"),
    )
    op.create_index("ix_devices_meter", "devices", ["meter"])
    op.create_table(
        "notices",
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("over_at", instant),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", "kind", "event", name="pk_notices"),
    )
    op.create_table(
        "assignments",
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("driver", sa.String(64)),
        sa.Column("address", sa.String(200)),
        sa.Column("changed_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("meter", name="pk_assignments"),
    )
    op.create_table(
        "successes",
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("accepted_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("meter", "accepted_at", name="pk_successes"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("successes", "assignments", "notices", "devices", "commands", "reports"):
        op.drop_table(table)
