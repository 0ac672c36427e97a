"""Meter-days as blocks, in day order while a month is open and in meter order once it is sealed."""

import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.usage.day_block import pack, unpack

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EPOCH = date(2000, 1, 1)
NO_REVISION_S = -(2**31)
MISSING = -(2**31)
PAGE = 2000

old = sa.table(
    "meter_days",
    *(sa.column(name) for name in ("esi_id", "channel", "version", "intervals", "total_wh", "missing", "block")),
    sa.column("day", sa.Date()),
    sa.column("revised_at", sa.DateTime(timezone=True)),
)
meters = sa.table("usage_meters", sa.column("id"), sa.column("esi_id"))
COLUMNS = ("day", "channel", "meter", "version", "revised_s", "total_wh", "missing", "data")
opened = sa.table("open_blocks", *(sa.column(name) for name in COLUMNS))
sealed = sa.table("sealed_blocks", *(sa.column(name) for name in COLUMNS))


def upgrade() -> None:
    """Create the new tables, carry every row over, drop the old table."""
    op.create_table(
        "usage_meters",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_usage_meters"),
        sa.UniqueConstraint("esi_id", name="uq_usage_meters_esi_id"),
    )
    key = ("day", "meter", "channel", "version")
    op.create_table(
        "open_blocks",
        *block_columns(),
        sa.PrimaryKeyConstraint(*key, name="pk_open_blocks"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sealed_blocks",
        sa.Column("month", sa.SmallInteger(), nullable=False),
        *block_columns(),
        sa.PrimaryKeyConstraint("month", "meter", "day", "channel", "version", name="pk_sealed_blocks"),
        sqlite_with_rowid=False,
        postgresql_partition_by="LIST (month)",
    )
    op.create_table(
        "sealed_months",
        sa.Column("month", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("month", name="pk_sealed_months"),
    )
    connection = op.get_bind()
    esi_ids = connection.scalars(sa.select(old.c.esi_id).distinct().order_by(old.c.esi_id)).all()
    ids = {esi_id: number for number, esi_id in enumerate(esi_ids, 1)}
    if ids:
        connection.execute(meters.insert(), [{"id": number, "esi_id": esi_id} for esi_id, number in ids.items()])
    for rows in pages(old, ("esi_id", "day", "channel", "version")):
        connection.execute(opened.insert(), [as_new(row, ids[row.esi_id]) for row in rows])
    op.drop_table("meter_days")


def downgrade() -> None:
    """Make the old table again with every row of both new ones, and drop these."""
    op.create_table(
        "meter_days",
        sa.Column("esi_id", sa.String(22), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True)),
        sa.Column("intervals", sa.SmallInteger(), nullable=False),
        sa.Column("total_wh", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.SmallInteger(), nullable=False),
        sa.Column("block", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("esi_id", "day", "channel", "version", name="pk_meter_days"),
        sa.ForeignKeyConstraint(["version"], ["source_files.id"], name="fk_meter_days_version_source_files"),
    )
    connection = op.get_bind()
    esi_ids = {row.id: row.esi_id for row in connection.execute(sa.select(meters))}
    naive = connection.dialect.name == "sqlite"
    for table in (opened, sealed):
        for rows in pages(table, ("day", "meter", "channel", "version")):
            connection.execute(old.insert(), [as_old(row, esi_ids[row.meter], naive) for row in rows])
    for name in ("sealed_months", "sealed_blocks", "open_blocks", "usage_meters"):
        op.drop_table(name)


def block_columns() -> list[sa.Column[Any]]:
    """What both tables of blocks have."""
    small, plain = sa.SmallInteger(), sa.Integer()
    kinds: tuple[Any, ...] = (small, small, plain, plain, plain, sa.BigInteger(), small, sa.LargeBinary())
    return [sa.Column(name, kind, nullable=False) for name, kind in zip(COLUMNS, kinds, strict=True)]


def pages(table: Any, key: tuple[str, ...]) -> Iterator[list[Any]]:
    """All rows by a key, so many at a time."""
    columns = [table.c[name] for name in key]
    statement = sa.select(table).order_by(*columns).limit(PAGE)
    rows = op.get_bind().execute(statement).all()
    while rows:
        yield list(rows)
        last = [sa.literal(getattr(rows[-1], column.name), column.type) for column in columns]
        rows = op.get_bind().execute(statement.where(sa.tuple_(*columns) > sa.tuple_(*last))).all()


def as_new(row: Any, meter: int) -> dict[str, Any]:
    """A row of the old table as one of the new."""
    values, estimated = old_unpack(row.block, row.intervals)
    revised_s = NO_REVISION_S
    if row.revised_at is not None:
        revised_s = int((utc(row.revised_at) - midnight(row.day)).total_seconds())
    return {
        "day": (row.day - EPOCH).days,
        "channel": "CG".index(row.channel),
        "meter": meter,
        "version": row.version,
        "revised_s": revised_s,
        "total_wh": row.total_wh,
        "missing": row.missing,
        "data": pack(values, estimated),
    }


def as_old(row: Any, esi_id: str, naive: bool) -> dict[str, Any]:
    """A row of the new tables as one of the old."""
    values, estimated = unpack(row.data)
    day = EPOCH + timedelta(days=row.day)
    revised_at = None
    if row.revised_s != NO_REVISION_S:
        revised_at = midnight(day) + timedelta(seconds=row.revised_s)
        revised_at = revised_at.replace(tzinfo=None) if naive else revised_at
    return {
        "esi_id": esi_id,
        "day": day,
        "channel": "CG"[row.channel],
        "version": row.version,
        "revised_at": revised_at,
        "intervals": len(values),
        "total_wh": row.total_wh,
        "missing": row.missing,
        "block": old_pack(values, estimated),
    }


def utc(instant: datetime) -> datetime:
    """SQLite gives instants back without their zone."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def midnight(day: date) -> datetime:
    """A day's beginning in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def old_pack(values: tuple[int | None, ...], estimated: tuple[bool, ...]) -> bytes:
    """The old form: 32-bit numbers, the least one for a missing value, then a bit for each estimate."""
    numbers = [MISSING if value is None else value for value in values]
    bits = sum(1 << place for place, flag in enumerate(estimated) if flag)
    return struct.pack(f"<{len(numbers)}i", *numbers) + bits.to_bytes((len(numbers) + 7) // 8, "little")


def old_unpack(block: bytes, count: int) -> tuple[list[int | None], list[bool]]:
    """Values and estimates of the old form."""
    numbers = struct.unpack_from(f"<{count}i", block)
    bits = int.from_bytes(block[4 * count :], "little")
    return [None if n == MISSING else n for n in numbers], [bool(bits >> place & 1) for place in range(count)]
