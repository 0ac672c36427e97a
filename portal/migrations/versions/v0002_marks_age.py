"""Since when a gateway's mark stands, so that the journals of old can be forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("gateway_marks", sa.Column("moved_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """To the revision before."""
    op.drop_column("gateway_marks", "moved_at")
