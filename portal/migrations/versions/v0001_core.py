"""The core: companies, accounts, gateways, the market, meters and on-demand reads."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "companies",
    "duns_numbers",
    "accounts",
    "duns_grants",
    "sessions",
    "gateways",
    "gateway_marks",
    "incidents",
    "premises",
    "rep_spans",
    "meters",
    "attachments",
    "reads",
    "read_askers",
    "read_outbox",
)


def upgrade() -> None:
    """To this revision."""
    _companies()
    _accounts()
    _gateways()
    _market()
    _meters()
    _reads()


def downgrade() -> None:
    """To an empty database."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _companies() -> None:
    """Companies and their DUNS numbers."""
    op.create_table(
        "companies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("address_1", sa.String(120)),
        sa.Column("address_2", sa.String(120)),
        sa.Column("city", sa.String(60)),
        sa.Column("state", sa.String(2)),
        sa.Column("zip", sa.String(10)),
        sa.Column("country", sa.String(60)),
        sa.Column("phone", sa.String(30)),
        sa.Column("url", sa.String(300)),
        sa.Column("privacy_policy_url", sa.String(300)),
        sa.Column("logo", sa.LargeBinary()),
        sa.Column("privacy_seal", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_companies"),
    )
    op.create_index("ix_companies_name", "companies", ["name"])
    op.create_table(
        "duns_numbers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=False),
        sa.Column("duns", sa.String(13), nullable=False),
        sa.Column("ercot_name", sa.String(120)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_duns_numbers_company_id"),
        sa.PrimaryKeyConstraint("id", name="pk_duns_numbers"),
    )
    op.create_index("ix_duns_numbers_company_id", "duns_numbers", ["company_id"])
    op.create_index("ix_duns_numbers_duns", "duns_numbers", ["duns"])
    op.create_index(
        "uq_duns_numbers_standing",
        "duns_numbers",
        ["duns"],
        unique=True,
        sqlite_where=sa.text("status <> 'revoked'"),
        postgresql_where=sa.text("status <> 'revoked'"),
    )


def _accounts() -> None:
    """Accounts, their grants and sessions."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(100), nullable=False),
        sa.Column("user_key", sa.String(200), nullable=False),
        sa.Column("company_id", sa.Integer()),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("administrator", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("energy_data", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("home_devices", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("first_name", sa.String(60), nullable=False),
        sa.Column("middle_initial", sa.String(1)),
        sa.Column("last_name", sa.String(60), nullable=False),
        sa.Column("suffix", sa.String(10)),
        sa.Column("phone", sa.String(30)),
        sa.Column("language", sa.String(2), server_default=sa.text("'en'"), nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("misses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("security_question", sa.String(200)),
        sa.Column("security_answer_hash", sa.String(200)),
        sa.Column("last_login_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="fk_accounts_company_id"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("user_key", name="uq_accounts_user_key"),
    )
    op.create_index("ix_accounts_company_id", "accounts", ["company_id"])
    op.create_index("ix_accounts_email", "accounts", ["email"])
    op.create_table(
        "duns_grants",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("duns_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_duns_grants_account_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["duns_id"], ["duns_numbers.id"], name="fk_duns_grants_duns_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "duns_id", name="pk_duns_grants"),
    )
    op.create_index("ix_duns_grants_duns_id", "duns_grants", ["duns_id"])
    op.create_table(
        "sessions",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_last_used_at", "sessions", ["last_used_at"])


def _gateways() -> None:
    """Gateways, their marks and incidents."""
    op.create_table(
        "gateways",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("tdsp_id", sa.Integer()),
        sa.Column("online", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("boot_id", sa.String(64)),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.String(40)),
        sa.Column("meters", sa.Integer()),
        sa.Column("links", sa.JSON()),
        sa.ForeignKeyConstraint(["tdsp_id"], ["companies.id"], name="fk_gateways_tdsp_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gateways"),
    )
    op.create_index("ix_gateways_tdsp_id", "gateways", ["tdsp_id"])
    op.create_table(
        "gateway_marks",
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("journal", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "journal", name="pk_gateway_marks"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("gateway", "kind", "subject", name="uq_incidents_gateway_kind_subject"),
    )
    op.create_index("ix_incidents_last_at", "incidents", ["last_at"])


def _market() -> None:
    """Premises and the REP of record of each."""
    op.create_table(
        "premises",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("tdsp_id", sa.Integer(), nullable=False),
        sa.Column("house_number", sa.String(10)),
        sa.Column("house_fraction", sa.String(6)),
        sa.Column("leading_directional", sa.String(2)),
        sa.Column("street_name", sa.String(60), nullable=False),
        sa.Column("street_type", sa.String(12)),
        sa.Column("trailing_directional", sa.String(2)),
        sa.Column("unit", sa.String(20)),
        sa.Column("city", sa.String(60), nullable=False),
        sa.Column("state", sa.String(2), nullable=False),
        sa.Column("zip", sa.String(5), nullable=False),
        sa.Column("zip_4", sa.String(4)),
        sa.Column("service_voltage", sa.String(20)),
        sa.Column("status", sa.String(1), nullable=False),
        sa.Column("time_zone", sa.String(40), nullable=False),
        sa.Column("read_cycle", sa.String(4)),
        sa.Column("load_profile", sa.String(60)),
        sa.Column("rate_class", sa.String(20)),
        sa.Column("ams_profile_from", sa.Date()),
        sa.ForeignKeyConstraint(["tdsp_id"], ["companies.id"], name="fk_premises_tdsp_id"),
        sa.PrimaryKeyConstraint("esi_id", name="pk_premises"),
    )
    op.create_index("ix_premises_tdsp_id", "premises", ["tdsp_id"])
    op.create_table(
        "rep_spans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("duns", sa.String(13), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_rep_spans_esi_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rep_spans"),
        sa.UniqueConstraint("esi_id", "from_at", name="uq_rep_spans_esi_id_from_at"),
    )
    op.create_index("ix_rep_spans_duns", "rep_spans", ["duns", "esi_id"])


def _meters() -> None:
    """Meters and who attached them."""
    op.create_table(
        "meters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("gateway", sa.String(32)),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisioned_at", sa.DateTime(timezone=True)),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.Column("utility_number", sa.String(20)),
        sa.Column("multiplier", sa.Numeric(precision=12, scale=6)),
        sa.Column("channels", sa.Integer()),
        sa.Column("manufacturer", sa.String(60)),
        sa.Column("tested_on", sa.Date()),
        sa.Column("meter_class", sa.String(20)),
        sa.Column("technology", sa.String(20)),
        sa.Column("instrument_rated", sa.Boolean()),
        sa.Column("ct_ratio", sa.String(20)),
        sa.Column("pt_ratio", sa.String(20)),
        sa.Column("esi_firmware", sa.String(40)),
        sa.Column("han_protocol", sa.String(20)),
        sa.Column("smart_energy_profile", sa.String(10)),
        sa.Column("interval_minutes", sa.Integer()),
        sa.Column("generation_capable", sa.Boolean()),
        sa.Column("generation_channel", sa.String(10)),
        sa.Column("remote_disconnect", sa.Boolean()),
        sa.Column("status", sa.String(1)),
        sa.Column("phases", sa.Integer()),
        sa.Column("model", sa.String(60)),
        sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_meters_esi_id"),
        sa.ForeignKeyConstraint(["gateway"], ["gateways.id"], name="fk_meters_gateway"),
        sa.PrimaryKeyConstraint("id", name="pk_meters"),
    )
    op.create_index("ix_meters_esi_id", "meters", ["esi_id"])
    op.create_index("ix_meters_gateway", "meters", ["gateway"])
    op.create_index("ix_meters_number", "meters", ["number"])
    op.create_index(
        "uq_meters_esi_id_on_wall",
        "meters",
        ["esi_id"],
        unique=True,
        sqlite_where=sa.text("removed_at is null"),
        postgresql_where=sa.text("removed_at is null"),
    )
    op.create_index(
        "uq_meters_number_on_wall",
        "meters",
        ["number"],
        unique=True,
        sqlite_where=sa.text("removed_at is null"),
        postgresql_where=sa.text("removed_at is null"),
    )
    op.create_table(
        "attachments",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_attachments_account_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["esi_id"], ["premises.esi_id"], name="fk_attachments_esi_id"),
        sa.PrimaryKeyConstraint("esi_id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_account_id", "attachments", ["account_id"])


def _reads() -> None:
    """On-demand reads, their askers and the outbox."""
    op.create_table(
        "reads",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("on_air_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("recorded_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String(20)),
        sa.Column("detail", sa.String(300)),
        sa.Column("delivered_wh", sa.BigInteger()),
        sa.Column("received_wh", sa.BigInteger()),
        sa.Column("demand_w", sa.BigInteger()),
        sa.Column("flags", sa.JSON()),
        sa.Column("latched_at", sa.DateTime(timezone=True)),
        sa.Column("update_period_s", sa.BigInteger()),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("unit", sa.String(20)),
        sa.Column("multiplier", sa.BigInteger()),
        sa.Column("divisor", sa.BigInteger()),
        sa.Column("scale_assumed", sa.Boolean()),
        sa.Column("path", sa.String(120)),
        sa.Column("freshness", sa.String(20)),
        sa.Column("age_at_most_s", sa.BigInteger()),
        sa.Column("next_allowed_at", sa.DateTime(timezone=True)),
        sa.Column("used_today", sa.Integer()),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name="fk_reads_meter_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reads"),
    )
    op.create_index(
        "ix_reads_done",
        "reads",
        ["meter_id", "accepted_at"],
        sqlite_where=sa.text("status = 'done'"),
        postgresql_where=sa.text("status = 'done'"),
    )
    op.create_index("ix_reads_esi_id", "reads", ["esi_id", "asked_at"])
    op.create_index(
        "ix_reads_open",
        "reads",
        ["meter_id"],
        sqlite_where=sa.text("status in ('queued', 'sent', 'accepted', 'on_air')"),
        postgresql_where=sa.text("status in ('queued', 'sent', 'accepted', 'on_air')"),
    )
    op.create_index(
        "ix_reads_open_deadline",
        "reads",
        ["deadline_at"],
        sqlite_where=sa.text("status in ('queued', 'sent', 'accepted', 'on_air')"),
        postgresql_where=sa.text("status in ('queued', 'sent', 'accepted', 'on_air')"),
    )
    op.create_table(
        "read_askers",
        sa.Column("read_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_read_askers_account_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["read_id"], ["reads.id"], name="fk_read_askers_read_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("read_id", "account_id", name="pk_read_askers"),
    )
    op.create_index("ix_read_askers_account_id", "read_askers", ["account_id"])
    op.create_table(
        "read_outbox",
        sa.Column("read_id", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(["read_id"], ["reads.id"], name="fk_read_outbox_read_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("read_id", name="pk_read_outbox"),
    )
