"""
The registered clients: which EHRs may call, and what each of them may do. Beside them, the tokens that were used.

Plain SQL beside the sqlmodel tables, like labels.py; a test reads the rows back through the tables.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from typing import Any

from service.storage.database import Reader, Store, StoreError, explain

__all__ = ["FORGET_TOKENS", "KNOWN_TOKEN", "USE_TOKEN", "Client", "ClientStore"]


@dataclass(frozen=True, slots=True)
class Client:
    """
    One registered client.

    Args:
        issuer: the `iss` of its tokens, exactly.
        jwks_url: https address of its key set; None where the keys are pinned.
        jwks: the pinned key set as JSON, public keys only; None where there is an address.
        algorithms: of its tokens. audiences: `aud` values instead of the address that is called; empty: that address.
        tenants: accepted `tenant` claims; empty: tokens have none.
        fhir_servers: base URLs that it may name as fhirServer. hooks: that it may call; empty: all.
        profile: how its calls are read and answered. enabled: whether its tokens are accepted.
    """

    issuer: str
    jwks_url: str | None
    jwks: str | None
    algorithms: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    profile: str = "generic-2.0.1"
    enabled: bool = True


_COLUMNS = tuple(each.name for each in fields(Client))
_LISTS = frozenset(("algorithms", "audiences", "tenants", "fhir_servers", "hooks"))
_NAMES = ", ".join(_COLUMNS)
_INSERT = f"INSERT INTO client ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (issuer) DO NOTHING"  # noqa: S608 - names of our own
_ALL = f"SELECT {_NAMES} FROM client ORDER BY issuer"  # noqa: S608 - the same

USE_TOKEN = "INSERT INTO used_token (digest, until) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"  # noqa: S105 - no secret
KNOWN_TOKEN = "SELECT EXISTS (SELECT * FROM used_token WHERE digest = ?)"  # noqa: S105 - no secret
FORGET_TOKENS = "DELETE FROM used_token WHERE until < ?"


class ClientStore:
    """The table client. Every method raises StoreError where the database cannot be used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader = Reader(store)

    def close(self) -> None:
        """Close the connection for reading; the next read opens another."""
        self._reader.close()

    def all(self) -> tuple[Client, ...]:
        """Every client, enabled or not, by issuer."""
        return tuple(map(_client, self._reader.fetch(_ALL)))

    def add(self, client: Client) -> bool:
        """Store a client; False where its issuer is registered already, and then nothing changes."""
        with self._writing() as connection:
            return connection.execute(_INSERT, _row(client)).rowcount == 1

    def enable(self, issuer: str, enabled: bool) -> bool:
        """Enable or disable a client; False where there is none of this issuer."""
        with self._writing() as connection:
            changed = connection.execute("UPDATE client SET enabled = ? WHERE issuer = ?", (enabled, issuer))
            return changed.rowcount == 1

    def remove(self, issuer: str) -> bool:
        """Forget a client; False where there is none of this issuer. Its decisions stay."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM client WHERE issuer = ?", (issuer,)).rowcount == 1

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._store.connect()) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(self._store.path, *explain(error)) from error


def _row(client: Client) -> tuple[Any, ...]:
    values = ((name, getattr(client, name)) for name in _COLUMNS)
    return tuple(json.dumps(value) if name in _LISTS else value for name, value in values)


def _client(row: tuple[Any, ...]) -> Client:
    values = dict(zip(_COLUMNS, row, strict=True))
    lists = {name: tuple(json.loads(values[name])) for name in _LISTS}
    return Client(**values | lists | {"enabled": bool(values["enabled"])})
