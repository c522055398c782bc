"""Used tokens: one place for all workers, and what is done without it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.auth.used_tokens import UsedTokens
from service.records.writer import Writer
from service.storage.database import Store, open_store
from tests.service.logs import caught_logs

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def worker(store: Store, now: float = 0) -> AsyncIterator[UsedTokens]:
    writer = Writer(store)
    writer.start()
    used = UsedTokens(store, writer, lambda: now)
    yield used
    used.close()
    await writer.stop()


async def test_of_many_who_use_a_token_at_once_in_four_workers_one_is_first(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    async with worker(store) as a, worker(store) as b, worker(store) as c, worker(store) as d:
        first = await asyncio.gather(*(each.use("token", 100) for each in (a, b, c, d) * 5))

    assert sorted(first) == [False] * 19 + [True]


async def test_a_token_is_remembered_until_it_is_expired_and_no_longer(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    async with worker(store) as used:
        await used.use("token", 100)
    async with worker(store, 100) as used:
        again = await used.use("token", 100)
        await used.use("another", 200)
    async with worker(store, 101) as used:
        await used.use("a third", 200)

    assert not again
    with store.reading() as connection:
        kept = connection.execute("SELECT digest FROM used_token ORDER BY digest").fetchall()
    assert kept == [("a third",), ("another",)]


async def test_without_the_database_a_worker_remembers_for_itself_and_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    async with worker(store) as used:
        await used.use("before", 100)
    with caught_logs() as logs:
        writer = Writer(store)  # not started: every write is refused
        used = UsedTokens(store, writer, lambda: 0.0)
        first = [await used.use(each, 100) for each in ("before", "token", "token", "another")]
        used.close()

    assert first == [False, True, False, True]
    assert "used-tokens-not-stored" in logs.getvalue()


async def test_where_the_database_cannot_even_be_read_a_worker_still_remembers(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.path.unlink()
    with caught_logs():
        used = UsedTokens(store, Writer(store), lambda: 0.0)
        first = [await used.use("token", 100), await used.use("token", 100)]

    assert first == [True, False]
    with pytest.raises(sqlite3.Error):
        store.connect()
