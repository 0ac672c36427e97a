"""Report orders, their meters and their files."""

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    waits = sa.text("state = 'processing'")
    op.create_table(
        "report_orders",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer()),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("details", sa.String(1000)),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("small", sa.Boolean(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.String(36)),
        sa.Column("worker", sa.String(100)),
        sa.Column("meters", sa.Integer(), nullable=False),
        sa.Column("not_found", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("to_place", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_report_orders_account_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_report_orders_company_id"),
        sa.PrimaryKeyConstraint("id", name="pk_report_orders"),
        sa.UniqueConstraint("number", name="uq_report_orders_number"),
    )
    op.create_index("ix_report_orders_due", "report_orders", ["due_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_report_orders_account", "report_orders", ["account_id", "id"])
    op.create_table(
        "report_order_meters",
        sa.Column("order_id", sa.String(36), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["report_orders.id"], name="fk_report_order_meters_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "esi_id", name="pk_report_order_meters"),
    )
    op.create_table(
        "report_order_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("report", sa.String(20), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["report_orders.id"], name="fk_report_order_files_order_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_report_order_files"),
        sa.UniqueConstraint("order_id", "name", name="uq_report_order_files_order_id_name"),
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("report_order_files")
    op.drop_table("report_order_meters")
    op.drop_table("report_orders")
