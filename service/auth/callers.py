"""
Whose call it is.

    header ──▶ issuer known? ──▶ audience ──▶ times ──▶ tenant ──▶ key ──▶ signature ──▶ not used before ──▶ Caller

As long as no client is registered, every call is let pass, and create_app refuses to serve anything but this machine.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cds_hooks.discovery import SERVICES
from rules.engine.errors import RecumbentError
from service.auth.ehr_jwt import (
    Token,
    UnauthenticatedError,
    check_claims,
    check_header,
    check_signature,
    read_token,
)
from service.auth.keys import ALGORITHMS, Key, KeySetError, KeySets, read_keys
from service.auth.registration import is_demo_only
from service.auth.used_tokens import UsedTokens
from service.log import log
from service.storage.clients import Client, ClientStore
from service.storage.database import StoreError

__all__ = ["ANYONE", "Caller", "Callers", "Door", "NotAllowedError", "Registry"]


class NotAllowedError(RecumbentError):
    """The client is known, and may not call this service."""

    def __init__(self) -> None:
        super().__init__("This client may not call this service. The operator of the service can allow its hook.")


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who calls.

    Args:
        client: the issuer of its token.
        tenant: whose patients it speaks of; what belongs to one is never seen by another.
        hooks: that it may call; empty: all. fhir_servers: that it may name.
    """

    client: str
    tenant: str
    hooks: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()

    def may_call(self, hook: str) -> bool:
        """Whether the hook is one of its own."""
        return not self.hooks or hook in self.hooks

    def require(self, service_id: str) -> None:
        """
        Let pass what it may call; an unknown service is not its matter.

        Raises:
            NotAllowedError: the hook of the service is not one of its own.
        """
        service = SERVICES.get(service_id)
        if service is not None and not self.may_call(service.hook):
            raise NotAllowedError


ANYONE = Caller("loopback", "default")
"""Of every call, as long as no client is registered."""


class Registry:
    """
    The registered clients, read again from the database every second, so that a change needs no restart.

    Args:
        now: the clock.

    Raises:
        StoreError: the clients cannot be read at the start.
    """

    def __init__(self, clients: ClientStore, now: Callable[[], datetime]) -> None:
        self._clients = clients
        self._now = now
        self._read_at = now()
        self._known = _by_issuer(clients.all())
        self._open = not self._known

    @property
    def open(self) -> bool:
        """Whether there never was a client while this process ran: removing the last does not open the door."""
        return self._open

    def close(self) -> None:
        """Close the connection to the database."""
        self._clients.close()

    async def current(self) -> dict[str, Client]:
        """The clients by issuer, at most a second old; older where the database cannot be read, which the log says."""
        now = self._now()
        if abs((now - self._read_at).total_seconds()) >= 1:
            self._read_at = now
            try:
                self._known = _by_issuer(await asyncio.to_thread(self._clients.all))
            except StoreError as error:
                log.error("clients-not-read", reason=type(error).__name__)
            self._open = self._open and not self._known
        return self._known


@dataclass(frozen=True, slots=True)
class Door:
    """
    Where calls come in.

    Args:
        base_url: what our addresses begin with, as clients know them. demo: whether the sandbox is let pass.
    """

    base_url: str
    demo: bool


class Callers:
    """Finds out who calls."""

    def __init__(
        self, door: Door, registry: Registry, key_sets: KeySets, used: UsedTokens, now: Callable[[], datetime]
    ) -> None:
        self._door = door
        self.registry = registry
        self._key_sets = key_sets
        self._used = used
        self._now = now

    def close(self) -> None:
        """Close the connections to the database."""
        self.registry.close()
        self._used.close()

    async def identify(self, authorization: Sequence[str], path: str) -> Caller:
        """
        Who makes a call.

        Args:
            authorization: every header of this name. path: of the address that is called.

        Raises:
            UnauthenticatedError: no valid token, with the reason for the log.
        """
        clients = await self.registry.current()
        if self.registry.open:
            return ANYONE
        token = read_token(authorization)
        check_header(token)
        client = self._client(clients, token)
        check_claims(token, client, self._door.base_url + path, self._door.base_url, self._now().timestamp())
        check_signature(token, await self._key(client, token))
        if not await self._used.use(token.digest, token.until):
            raise UnauthenticatedError("replayed", token, known=True)
        return Caller(client.issuer, _tenant(token), client.hooks, client.fhir_servers)

    def _client(self, clients: dict[str, Client], token: Token) -> Client:
        client = clients.get(token.claims.iss)
        if client is None:
            raise UnauthenticatedError("unknown-issuer", token)
        if not client.enabled:
            raise UnauthenticatedError("disabled", token, known=True)
        if is_demo_only(client) and not self._door.demo:
            raise UnauthenticatedError("demo-only", token, known=True)
        return client

    async def _key(self, client: Client, token: Token) -> Key:
        wanted = (token.header.kid, ALGORITHMS[token.header.alg][0])
        try:
            if client.jwks_url is None:
                key = read_keys((client.jwks or "").encode()).get(wanted)
            else:
                key = await self._key_sets.find(client.jwks_url, *wanted)
        except KeySetError:
            raise UnauthenticatedError("no-keys", token, known=True) from None
        if key is None:
            raise UnauthenticatedError("unknown-key", token, known=True)
        return key


def _tenant(token: Token) -> str:
    """With the issuer: patient 42 of one client is somebody else than patient 42 of another."""
    parts = (token.claims.iss, token.claims.tenant)
    return " ".join(each for each in parts if each is not None)


def _by_issuer(clients: Sequence[Client]) -> dict[str, Client]:
    return {client.issuer: client for client in clients}
