"""Alembic's environment: the revisions run on the connection that the database hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator

from portal.tables import metadata


def plain(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Our column types as the plain ones beneath them: a revision must outlive the classes of its day."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
