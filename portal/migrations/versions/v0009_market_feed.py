"""The market feed: TDSPs' notices, the histories of premises, how an ESI ID ended, and API keys."""

import sqlalchemy as sa
from alembic import op

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("premises", sa.Column("retired_at", sa.DateTime(timezone=True)))
    op.add_column("premises", sa.Column("successor", sa.String(22)))
    off = sa.text("removed_at is not null and gateway is not null")
    op.create_index("ix_meters_to_withdraw", "meters", ["id"], sqlite_where=off, postgresql_where=off)
    op.create_table(
        "market_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tdsp_id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("hung_up", sa.String(20)),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(20)),
        sa.Column("words", sa.String(300)),
        sa.Column("to_carry", sa.Boolean(), nullable=False),
        sa.Column("carried_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["tdsp_id"], ["companies.id"], name="fk_market_notices_tdsp_id"),
        sa.PrimaryKeyConstraint("id", name="pk_market_notices"),
        sa.UniqueConstraint("tdsp_id", "notice_id", name="uq_market_notices_tdsp_id_notice_id"),
    )
    op.create_index("ix_market_notices_esi_id", "market_notices", ["esi_id", "id"])
    op.create_index("ix_market_notices_of_tdsp", "market_notices", ["tdsp_id", "state", "id"])
    for name, column, condition in (
        ("ix_market_notices_waiting", "effective_at", "state = 'waiting'"),
        ("ix_market_notices_to_carry", "id", "to_carry"),
        ("ix_market_notices_elsewhere", "hung_up", "reason = 'meter_elsewhere'"),
    ):
        where = sa.text(condition)
        op.create_index(name, "market_notices", [column], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "premise_histories",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("opening", sa.JSON()),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("esi_id", name="pk_premise_histories"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Integer()),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_api_keys_company_id"),
        sa.ForeignKeyConstraint(["made_by"], ["accounts.id"], name="fk_api_keys_made_by", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_company_id", "api_keys", ["company_id"])


def downgrade() -> None:
    """To the revision before."""
    op.drop_table("api_keys")
    op.drop_table("premise_histories")
    op.drop_table("market_notices")
    op.drop_index("ix_meters_to_withdraw", "meters")
    with op.batch_alter_table("premises") as premises:
        premises.drop_column("successor")
        premises.drop_column("retired_at")
