"""How Alembic reaches the database of usage: on the connection that it is given, with a version table of its own."""

from alembic import context

from portal.usage import register_tables  # noqa: F401  # its tables belong to the metadata
from portal.usage.tables import VERSION_TABLE, metadata
from portal.vee import tables  # noqa: F401  # as do these

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
