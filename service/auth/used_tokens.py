"""
A token is accepted once. Which were used stands in the database until they are expired: for all workers, over restarts.

Where the database cannot be written, cards matter more than this: then a process remembers for itself, and says so in
the log.
"""

import asyncio
import sqlite3
from collections.abc import Callable

from service.log import log
from service.records.writer import WriteError, Writer
from service.storage.clients import FORGET_TOKENS, KNOWN_TOKEN, USE_TOKEN
from service.storage.database import Reader, Store, StoreError

__all__ = ["UsedTokens"]

_PATIENCE = 1.0
"""Seconds to wait for the database."""


class UsedTokens:
    """
    Args:
        writer: of the database, started and stopped elsewhere. clock: seconds of the Unix epoch.
    """

    def __init__(self, store: Store, writer: Writer, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._reader = Reader(store)
        self._clock = clock
        self._here: dict[str, int] = {}

    def close(self) -> None:
        """Close the connection for reading."""
        self._reader.close()

    async def use(self, digest: str, until: int) -> bool:
        """
        Use a token; True only for the first of all who try, in whatever process.

        Args:
            until: second of the Unix epoch after which it need not be remembered.
        """
        if digest in self._here:
            return False
        first = False

        def insert(connection: sqlite3.Connection) -> None:
            nonlocal first
            connection.execute(FORGET_TOKENS, (int(self._clock()),))
            first = connection.execute(USE_TOKEN, (digest, until)).rowcount == 1

        try:
            async with asyncio.timeout(_PATIENCE):
                await self._writer.write(insert)
        except (WriteError, TimeoutError) as error:
            log.error("used-tokens-not-stored", reason=type(error).__name__)
            return await self._use_here(digest, until)
        return first

    async def _use_here(self, digest: str, until: int) -> bool:
        try:
            ((known,),) = await asyncio.to_thread(self._reader.fetch, KNOWN_TOKEN, (digest,))
        except StoreError:
            known = False
        if known or digest in self._here:
            return False
        now = self._clock()
        self._here = {each: last for each, last in self._here.items() if last >= now} | {digest: until}
        return True
