"""
Write the revision for a change in tables.py: python -m service.storage.migrations "add the table of feedback"

It is what differs between tables.py and a new database. Read it, run make format, and add what it cannot know, such as
values for the rows that exist.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from service.storage.migrations.run import MIGRATIONS, migrating

__all__ = ["write_revision"]


def write_revision(message: str, migrations: Path = MIGRATIONS) -> None:
    """
    Write the next revision into the folder versions.

    Args:
        message: what it does; its file is named after it.
        migrations: the folder with env.py and versions.
    """
    number = 1 + sum(1 for _ in (migrations / "versions").glob("[0-9]*_*.py"))
    with tempfile.TemporaryDirectory() as folder, migrating(Path(folder) / "empty.db", migrations) as config:
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    write_revision(" ".join(sys.argv[1:]))
