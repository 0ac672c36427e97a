"""Commands to gateways, home-area devices with their timelines and words, and meters on their way between gateways."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    is_open = sa.text("status in ('queued', 'sent')")
    is_open_join = sa.text("kind = 'join' and status in ('queued', 'sent')")
    op.create_table(
        "han_commands",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("meter", sa.String(20), nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("device", sa.String(16)),
        sa.Column("account_id", sa.Integer()),
        sa.Column("event", sa.BigInteger()),
        sa.Column("notice", sa.JSON(none_as_null=True)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("recorded_at", sa.DateTime(timezone=True)),
        sa.Column("cause", sa.String(30)),
        sa.Column("detail", sa.String(300)),
        sa.Column("next_step", sa.String(200)),
        sa.Column("info", sa.JSON(none_as_null=True)),
        sa.Column("round_trip_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_han_commands_account_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name="fk_han_commands_meter_id"),
        sa.PrimaryKeyConstraint("id", name="pk_han_commands"),
    )
    op.create_index("ix_han_commands_meter_id", "han_commands", ["meter_id", "asked_at"])
    op.create_index(
        "ix_han_commands_open_deadline", "han_commands", ["deadline_at"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index(
        "uq_han_commands_open_join",
        "han_commands",
        ["device"],
        unique=True,
        sqlite_where=is_open_join,
        postgresql_where=is_open_join,
    )
    op.create_table(
        "han_devices",
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("cause", sa.String(30)),
        sa.Column("detail", sa.String(300)),
        sa.Column("next_step", sa.String(200)),
        sa.Column("info", sa.JSON(none_as_null=True)),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("journal", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name="fk_han_devices_meter_id"),
        sa.PrimaryKeyConstraint("device", name="pk_han_devices"),
    )
    op.create_index("ix_han_devices_meter_id", "han_devices", ["meter_id"])
    op.create_table(
        "han_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("meter_id", sa.Integer()),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("answer", sa.String(30), nullable=False),
        sa.Column("event", sa.BigInteger()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(300)),
        sa.Column("journal", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name="fk_han_reports_meter_id"),
        sa.PrimaryKeyConstraint("id", name="pk_han_reports"),
        sa.UniqueConstraint("gateway", "journal", "seq", name="uq_han_reports_gateway_journal_seq"),
    )
    op.create_index("ix_han_reports_meter_id", "han_reports", ["meter_id", "id"])
    op.create_table(
        "han_timeline",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(16), nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(36)),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(30)),
        sa.Column("detail", sa.String(300)),
        sa.Column("next_step", sa.String(200)),
        sa.Column("info", sa.JSON(none_as_null=True)),
        sa.Column("journal", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name="fk_han_timeline_meter_id"),
        sa.PrimaryKeyConstraint("id", name="pk_han_timeline"),
        sa.UniqueConstraint("gateway", "journal", "seq", name="uq_han_timeline_gateway_journal_seq"),
    )
    op.create_index("ix_han_timeline_device", "han_timeline", ["device", "meter_id"])
    op.create_index("ix_han_timeline_request_id", "han_timeline", ["request_id"])
    op.create_table(
        "meter_assignments",
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("gateway", sa.String(32)),
        sa.Column("driver", sa.String(64)),
        sa.Column("address", sa.String(200)),
        sa.Column("to_gateway", sa.String(32)),
        sa.Column("to_driver", sa.String(64)),
        sa.Column("to_address", sa.String(200)),
        sa.Column("to_sealed_code", sa.String(400)),
        sa.Column("command_id", sa.String(36)),
        sa.Column("assign_id", sa.String(36)),
        sa.Column("account_id", sa.Integer()),
        sa.Column("successes", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_meter_assignments_account_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["gateway"], ["gateways.id"], name="fk_meter_assignments_gateway"),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name="fk_meter_assignments_meter_id"),
        sa.ForeignKeyConstraint(["to_gateway"], ["gateways.id"], name="fk_meter_assignments_to_gateway"),
        sa.PrimaryKeyConstraint("meter_id", name="pk_meter_assignments"),
    )
    op.create_index("ix_meter_assignments_command_id", "meter_assignments", ["command_id"])
    op.create_table(
        "han_outbox",
        sa.Column("command_id", sa.String(36), nullable=False),
        sa.Column("message", sa.String(20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["command_id"], ["han_commands.id"], name="fk_han_outbox_command_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("command_id", name="pk_han_outbox"),
    )
    op.add_column("gateways", sa.Column("sealing_key", sa.String(64)))


def downgrade() -> None:
    """To the revision before."""
    op.drop_column("gateways", "sealing_key")
    for table in ("han_outbox", "meter_assignments", "han_timeline", "han_reports", "han_devices", "han_commands"):
        op.drop_table(table)
