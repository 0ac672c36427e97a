"""The audit log; first credentials of accounts; what counts the changes of accounts and companies."""

import sqlalchemy as sa
from alembic import op

revision = "v0010"
down_revision = "v0009"
branch_labels = None
depends_on = None

NOTHING_YET = "0" * 64
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSED = "the audit log only grows"


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "audit",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.Integer()),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject_kind", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("company_id", sa.Integer()),
        sa.Column("before", sa.String(40)),
        sa.Column("after", sa.String(40)),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject_kind", "subject_id", "number"])
    op.create_index("ix_audit_company", "audit", ["company_id", "number"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "seal": NOTHING_YET}])
    _let_it_only_grow()
    # Column by column: to make the table anew, as batches do on SQLite, would delete what hangs on accounts.
    op.add_column("accounts", sa.Column("password_until", sa.DateTime(timezone=True)))
    op.add_column("accounts", sa.Column("link_key", sa.String(64)))
    op.add_column("accounts", sa.Column("link_until", sa.DateTime(timezone=True)))
    op.add_column("accounts", sa.Column("terms_accepted_at", sa.DateTime(timezone=True)))
    op.add_column("accounts", sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_index("uq_accounts_link_key", "accounts", ["link_key"], unique=True)
    op.add_column("companies", sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    """To the revision before."""
    op.drop_column("companies", "revision")
    op.drop_index("uq_accounts_link_key", "accounts")
    for name in ("revision", "terms_accepted_at", "link_until", "link_key", "password_until"):
        op.drop_column("accounts", name)
    op.drop_table("audit_head")
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function audit_only_grows()")


def _let_it_only_grow() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "create function audit_only_grows() returns trigger language plpgsql as "
            f"$$ begin raise exception '{REFUSED}'; end $$"
        )
        op.execute(
            "create trigger audit_only_grows before update or delete or truncate on audit "
            "for each statement execute function audit_only_grows()"
        )
        return
    for change in ("update", "delete"):
        op.execute(
            f"create trigger audit_no_{change} before {change} on audit begin select raise(abort, '{REFUSED}'); end"
        )
