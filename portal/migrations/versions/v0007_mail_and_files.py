"""Letters, who may fetch a company's files, and the daily files that were dropped."""

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "letters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text()),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.String(300)),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
    )
    waiting = sa.text("sent_at is null and failed_at is null")
    op.create_index("ix_letters_waiting", "letters", ["next_at"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_letters_created_at", "letters", ["created_at"])
    op.create_table(
        "file_credentials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("public_keys", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_file_credentials_company_id"),
        sa.PrimaryKeyConstraint("id", name="pk_file_credentials"),
    )
    standing = sa.text("revoked_at is null")
    op.create_index("ix_file_credentials_company_id", "file_credentials", ["company_id"])
    op.create_index(
        "uq_file_credentials_user_name",
        "file_credentials",
        ["user_name"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_table(
        "lse_drops",
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tdsp_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("takes", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("placed_at", sa.DateTime(timezone=True)),
        sa.Column("meters", sa.Integer()),
        sa.Column("missing", sa.BigInteger()),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_lse_drops_company_id"),
        sa.ForeignKeyConstraint(["tdsp_id"], ["companies.id"], name="fk_lse_drops_tdsp_id"),
        sa.PrimaryKeyConstraint("company_id", "day", "tdsp_id", name="pk_lse_drops"),
        sa.UniqueConstraint("company_id", "name", name="uq_lse_drops_company_id_name"),
    )


def downgrade() -> None:
    """To the revision before."""
    for table in ("lse_drops", "file_credentials", "letters"):
        op.drop_table(table)
