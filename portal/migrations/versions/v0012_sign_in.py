"""Second factors; what a session knows of its device; who changed a password when."""

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0010"
branch_labels = None
depends_on = None

OWNER = "accounts.id"


def upgrade() -> None:
    """To this revision."""
    # Column by column: to make the table anew, as batches do on SQLite, would delete what hangs on accounts.
    op.add_column("sessions", sa.Column("address", sa.String(45)))
    op.add_column("sessions", sa.Column("agent", sa.String(300)))
    op.add_column("sessions", sa.Column("challenge", sa.String(100)))
    op.create_table(
        "authenticators",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("used_step", sa.BigInteger()),
        sa.ForeignKeyConstraint(["account_id"], [OWNER], name="fk_authenticators_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", name="pk_authenticators"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], [OWNER], name="fk_recovery_codes_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_recovery_codes"),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["account_id"], [OWNER], name="fk_passkeys_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
    )
    op.create_index("ix_passkeys_account_id", "passkeys", ["account_id"])
    op.create_index("uq_passkeys_credential", "passkeys", ["credential"], unique=True)


def downgrade() -> None:
    """To the revision before."""
    for table in ("passkeys", "recovery_codes", "authenticators"):
        op.drop_table(table)
    for name in ("challenge", "agent", "address"):
        op.drop_column("sessions", name)
