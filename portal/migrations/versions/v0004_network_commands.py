"""Commands about a gateway's whole network, which are about no meter."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None

METER: dict[str, sa.types.TypeEngine[Any]] = {"meter_id": sa.Integer(), "meter": sa.String(20), "esi_id": sa.String(22)}


def upgrade() -> None:
    """To this revision."""
    _let(nullable=True)


def downgrade() -> None:
    """To the revision before: those commands go."""
    op.execute("DELETE FROM han_commands WHERE meter_id IS NULL")
    _let(nullable=False)


def _let(*, nullable: bool) -> None:
    """SQLite makes the table anew, and dropping the old one would empty the outbox: its rows are put aside."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.execute("CREATE TEMPORARY TABLE kept_outbox AS SELECT * FROM han_outbox")
    with op.batch_alter_table("han_commands") as batch:
        for column, kind in METER.items():
            batch.alter_column(column, existing_type=kind, nullable=nullable)
    if is_sqlite:
        op.execute("INSERT INTO han_outbox SELECT * FROM kept_outbox")
        op.execute("DROP TABLE kept_outbox")
