"""Identifiers in lower case, from the front and backwards, so that a search by either end is one by index."""

import sqlalchemy as sa
from alembic import op

revision = "v0022"
down_revision = "v0015"
branch_labels = None
depends_on = None

KEYS = {"number_lower": 20, "number_backwards": 20, "esi_id_backwards": 22}
ON_THE_WALL = sa.text("removed_at is null")
AT_ONCE = 10_000


def upgrade() -> None:
    """To this revision."""
    for name, length in KEYS.items():
        op.add_column("meters", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    _fill(op.get_bind())
    for name in KEYS:
        op.create_index(f"ix_meters_{name}", "meters", [name], sqlite_where=ON_THE_WALL, postgresql_where=ON_THE_WALL)
    op.drop_index("ix_premises_tdsp_id", "premises")
    op.create_index("ix_premises_tdsp_id", "premises", ["tdsp_id", "esi_id"])


def downgrade() -> None:
    """To the revision before."""
    op.drop_index("ix_premises_tdsp_id", "premises")
    op.create_index("ix_premises_tdsp_id", "premises", ["tdsp_id"])
    for name in KEYS:
        op.drop_index(f"ix_meters_{name}", "meters")
        op.drop_column("meters", name)


def _fill(connection: sa.Connection) -> None:
    after = 0
    asked = sa.text("select id, number, esi_id from meters where id > :after order by id limit :most")
    kept = sa.text(
        "update meters set number_lower = :lower, number_backwards = :number, esi_id_backwards = :esi_id where id = :id"
    )
    while rows := connection.execute(asked, {"after": after, "most": AT_ONCE}).all():
        after = rows[-1].id
        lowered = [(row.id, row.number.lower(), row.esi_id) for row in rows]
        connection.execute(
            kept, [{"id": id_, "lower": low, "number": low[::-1], "esi_id": esi[::-1]} for id_, low, esi in lowered]
        )
