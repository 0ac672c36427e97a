"""Daily totals as columns beside the blocks, made of the blocks that stand."""

from collections.abc import Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from portal.usage.total_columns import packed

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PIECE = 8192
WANTED = ("day", "channel", "version", "meter", "total_wh", "missing")
pieces = sa.table("day_totals", *(sa.column(name) for name in ("day", "channel", "version", "first", "last", "data")))


def upgrade() -> None:
    """Create the table and fill it, a day or a sealed month at a time."""
    op.create_table(
        "day_totals",
        sa.Column("day", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "channel", "version", "first", name="pk_day_totals"),
    )
    connection = op.get_bind()
    for name, part in (("open_blocks", "day"), ("sealed_blocks", "month")):
        table = sa.table(name, *(sa.column(column) for column in {*WANTED, part}))
        parts = connection.scalars(sa.select(table.c[part]).distinct().order_by(table.c[part])).all()
        for each in parts:
            rows = sa.select(*(table.c[column] for column in WANTED)).where(table.c[part] == each)
            found = connection.execute(rows.order_by(*(table.c[column] for column in WANTED[:4])))
            made = [piece for key, some in groupby(found, itemgetter(0, 1, 2)) for piece in pieces_of(key, some)]
            connection.execute(pieces.insert(), made)


def pieces_of(key: tuple[int, int, int], rows: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """The rows of one day, channel and version, by meter, as rows of the new table."""
    day, channel, version = key
    while some := [(row.meter, row.total_wh, row.missing) for row in islice(rows, PIECE)]:
        columns = np.array(some, dtype=np.int64).T
        where = {"day": day, "channel": channel, "version": version, "first": some[0][0], "last": some[-1][0]}
        yield {**where, "data": packed(*columns)}


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("day_totals")
