"""What was read through each gateway lately, for those who watch a fleet."""

from alembic import op

revision = "v0018"
down_revision = "v0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_index("ix_reads_gateway", "reads", ["gateway", "asked_at"])


def downgrade() -> None:
    """To the revision before."""
    op.drop_index("ix_reads_gateway", "reads")
