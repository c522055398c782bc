"""
Alembic without an alembic.ini: the program brings its database up to date itself.

A whole upgrade is one transaction that takes the write lock first. So it happens or it does not, and a second process
that starts at the same time waits, and then finds nothing left to do.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, NullPool, create_engine, event

__all__ = ["MIGRATIONS", "migrating", "upgrade"]

MIGRATIONS = Path(__file__).parent
_PATIENCE = 30.0


def upgrade(database: Path) -> None:
    """
    Bring a database to the newest revision.

    Raises:
        sqlalchemy.exc.DBAPIError: SQLite refused; nothing has changed then.
    """
    with migrating(database) as config:
        command.upgrade(config, "head")


@contextmanager
def migrating(database: Path, migrations: Path = MIGRATIONS) -> Iterator[Config]:
    """
    What alembic's commands need to work on one database, in one transaction, committed at the end of the with-block.

    Args:
        database: the file, which exists.
        migrations: the folder with env.py and versions.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(database)),
        creator=lambda: _connect(database),
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config(attributes={})
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        yield config


def _connect(database: Path) -> sqlite3.Connection:
    """Foreign keys stay off, as by default: to change a table, SQLite has to copy, drop and rename it."""
    connection = sqlite3.connect(database, _PATIENCE, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection
