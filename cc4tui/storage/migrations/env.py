"""What Alembic runs to get a connection: the one that `upgrade` was given."""

from alembic import context

from cc4tui.storage.tables import metadata, schema_version


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=schema_version.name,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
