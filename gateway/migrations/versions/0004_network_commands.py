"""Commands about a whole network, which are about no meter."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a command have no meter."""
    with op.batch_alter_table("commands") as batch:
        batch.alter_column("meter", existing_type=sa.String(20), nullable=True)


def downgrade() -> None:
    """Drop those without one."""
    op.execute("DELETE FROM commands WHERE meter IS NULL")
    with op.batch_alter_table("commands") as batch:
        batch.alter_column("meter", existing_type=sa.String(20), nullable=False)
