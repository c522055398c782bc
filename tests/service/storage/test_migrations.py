import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, UniqueConstraint
from sqlalchemy import Table as AnyTable
from sqlalchemy.exc import OperationalError

from service.storage.database import DATABASE_FILE, open_store, revisions
from service.storage.migrations.__main__ import write_revision
from service.storage.migrations.run import MIGRATIONS, migrating
from service.storage.tables import Table

HALF_A_REVISION = '''
"""Fails after its first table."""

from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade() -> None:
    op.execute("CREATE TABLE half (id)")
    op.execute("CREATE TABLE half (id)")
'''


def tables_of(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def revision_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    with migrating(open_store(tmp_path).path) as config:
        command.check(config)  # raises with the difference


def test_a_column_without_a_revision_would_be_found(tmp_path: Path) -> None:
    path = open_store(tmp_path).path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE decision DROP COLUMN facts_key")

    with pytest.raises(CommandError, match="facts_key"), migrating(path) as config:
        command.check(config)


def test_every_revision_can_be_undone_and_done_again(tmp_path: Path) -> None:
    path = open_store(tmp_path).path
    before = tables_of(path)

    with migrating(path) as config:
        command.downgrade(config, "base")
    undone = tables_of(path)
    open_store(tmp_path)

    assert undone == {"alembic_version"}
    assert tables_of(path) == before > undone


def test_the_cards_of_older_decisions_are_listed_when_feedback_comes(tmp_path: Path) -> None:
    summaries = [b'{"cards": [{"uuid": "card-1"}, {"uuid": "card-2"}]}', b'{"cards": []}', b"{}", b"not json"]
    path = open_store(tmp_path).path
    with migrating(path) as config:
        command.downgrade(config, "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, summary in enumerate(summaries):
            values = (f"decision-{number}", *[""] * 8, summary, b"", "", "")
            connection.execute(f"INSERT INTO decision VALUES ({', '.join('?' * 13)})", values)  # noqa: S608
    open_store(tmp_path)

    with closing(sqlite3.connect(path)) as connection:
        listed = connection.execute("SELECT uuid, decision FROM card ORDER BY uuid").fetchall()
    assert listed == [("card-1", "decision-0"), ("card-2", "decision-0")]


def test_alembic_and_the_file_names_agree_on_the_newest_revision() -> None:
    with_alembic = ScriptDirectory(str(MIGRATIONS))

    assert with_alembic.get_heads() == [revisions()[-1]]
    assert sorted(script.revision for script in with_alembic.walk_revisions()) == revisions()


def test_an_upgrade_that_fails_halfway_leaves_nothing_behind(tmp_path: Path) -> None:
    migrations = shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (migrations / "versions" / "9999_half.py").write_text(HALF_A_REVISION.format(newest=revisions()[-1]))
    path = open_store(tmp_path).path
    before = tables_of(path)

    with pytest.raises(OperationalError, match="table half already exists"), migrating(path, migrations) as config:
        command.upgrade(config, "head")

    assert tables_of(path) == before
    open_store(tmp_path)


def test_a_new_revision_is_numbered_and_runs(tmp_path: Path) -> None:
    migrations = shutil.copytree(MIGRATIONS, tmp_path / "migrations")

    write_revision("Add nothing", migrations)

    number = f"{int(revisions()[-1]) + 1:04}"
    assert (migrations / "versions" / f"{number}_add_nothing.py").exists()
    with migrating(tmp_path / DATABASE_FILE, migrations) as config:
        command.upgrade(config, "head")
        command.check(config)
    assert revision_of(tmp_path / DATABASE_FILE) == number


def test_a_revision_written_from_nothing_needs_no_import_by_hand(tmp_path: Path) -> None:
    migrations = shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("0*.py"))

    write_revision("All tables", migrations)

    with migrating(tmp_path / DATABASE_FILE, migrations) as config:
        command.upgrade(config, "head")
        command.check(config)


def test_constraints_and_indexes_have_names_that_a_migration_can_use() -> None:
    metadata = MetaData(naming_convention=Table.metadata.naming_convention)
    table = AnyTable(
        "thing",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("tenant", Integer, index=True),
        UniqueConstraint("id", "tenant"),
        CheckConstraint("id > 0", name="positive"),
    )

    names = {str(constraint.name) for constraint in table.constraints} | {str(index.name) for index in table.indexes}

    assert names == {"pk_thing", "uq_thing_id_tenant", "ck_thing_positive", "ix_thing_tenant"}
    assert {index.name for index in Table.metadata.tables["decision"].indexes} == {
        "ix_decision_hook_instance",
        "ix_decision_tenant_as_of",
    }
