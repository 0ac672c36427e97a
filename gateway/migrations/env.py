"""How Alembic reaches the gateway's database: on the connection that it is given."""

from alembic import context

from gateway.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
