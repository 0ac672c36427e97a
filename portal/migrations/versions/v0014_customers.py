"""What kind of customer an account is, and requests that a TDSP release a meter."""

import sqlalchemy as sa
from alembic import op

revision = "v0014"
down_revision = "v0013"
branch_labels = None
depends_on = None

OPEN = sa.text("status = 'open'")
PERSON = "accounts.id"


def upgrade() -> None:
    """To this revision."""
    # Column by column: to make the table anew, as batches do on SQLite, would delete what hangs on accounts.
    op.add_column("accounts", sa.Column("customer_kind", sa.String(20)))
    op.add_column("accounts", sa.Column("business_name", sa.String(120)))
    op.create_table(
        "release_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Integer()),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("answered_by", sa.Integer()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_release_requests_esi_id"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_release_requests_company_id"),
        sa.ForeignKeyConstraint(["holder_id"], [PERSON], name="fk_release_requests_holder_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["asked_by"], [PERSON], name="fk_release_requests_asked_by", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["answered_by"], [PERSON], name="fk_release_requests_answered_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_release_requests"),
    )
    for name in ("esi_id", "company_id", "holder_id"):
        op.create_index(f"ix_release_requests_{name}", "release_requests", [name])
    op.create_index(
        "uq_release_requests_open",
        "release_requests",
        ["esi_id", "company_id", "held_since"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("release_requests")
    op.drop_column("accounts", "business_name")
    op.drop_column("accounts", "customer_kind")
