"""Agreements of companies with customers about a meter's data and home-area devices."""

import sqlalchemy as sa
from alembic import op

revision = "v0015"
down_revision = "v0018"
branch_labels = None
depends_on = None

STANDING = sa.text("status IN ('pending', 'active')")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "agreements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Integer()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("link_key", sa.String(64), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by", sa.String(20)),
        sa.Column("to_note", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_agreements_company_id"),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_agreements_esi_id"),
        sa.ForeignKeyConstraint(["made_by"], ["accounts.id"], name="fk_agreements_made_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_agreements"),
        sa.UniqueConstraint("link_key", name="uq_agreements_link_key"),
    )
    op.create_index("ix_agreements_esi_id", "agreements", ["esi_id"])
    op.create_index("ix_agreements_company", "agreements", ["company_id", "id"])
    op.create_index("ix_agreements_due", "agreements", ["due_at"], sqlite_where=STANDING, postgresql_where=STANDING)
    op.create_index(
        "uq_agreements_standing",
        "agreements",
        ["esi_id", "company_id", "kind"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("agreements")
