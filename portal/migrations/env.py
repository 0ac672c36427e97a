"""Alembic's environment: the revisions run on the connection that the database hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import func, select
from sqlalchemy.types import TypeDecorator

from portal.tables import metadata


def plain(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Our column types as the plain ones beneath them: a revision must outlive the classes of its day."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


TURN = 7_204_118
"""The number of the advisory lock under which the schema changes."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=plain,
)
with context.begin_transaction():
    if context.get_context().dialect.name == "postgresql":
        # Portals that start together take turns; on SQLite the writing transaction sees to that.
        context.execute(select(func.pg_advisory_xact_lock(TURN)))
    context.run_migrations()
