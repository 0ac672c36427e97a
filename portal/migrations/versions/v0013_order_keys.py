"""What a program named its order, so that asking again is no second one."""

import sqlalchemy as sa
from alembic import op

revision = "v0013"
down_revision = "v0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("report_orders", sa.Column("request_key", sa.String(100)))
    op.add_column("report_orders", sa.Column("request_digest", sa.String(64)))
    op.create_index("uq_report_orders_request_key", "report_orders", ["account_id", "request_key"], unique=True)


def downgrade() -> None:
    """To the revision before."""
    op.drop_index("uq_report_orders_request_key", "report_orders")
    op.drop_column("report_orders", "request_digest")
    op.drop_column("report_orders", "request_key")
