"""How alembic runs a revision here; run.py gives it the connection, inside a transaction that run.py commits."""

from alembic import context

from service.storage.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    compare_server_default=True,
    render_as_batch=True,  # SQLite cannot alter a column; alembic then copies the table
    transactional_ddl=True,  # alembic takes SQLite for unable, but ours begins its transactions itself
)
with context.begin_transaction():
    context.run_migrations()
