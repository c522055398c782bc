"""What may be registered as a client. Every problem of a registration is said at once, with how to mend it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args
from urllib.parse import SplitResult, urlsplit

from cds_hooks.discovery import SERVICES
from cds_hooks.profiles import Profile
from rules.engine.errors import RecumbentError
from service.auth.keys import ALGORITHMS, KeySetError, public_key_set
from service.settings import is_loopback
from service.storage.clients import Client

__all__ = ["DEFAULT_ALGORITHMS", "HOOKS", "PROFILES", "ClientError", "is_demo_only", "registered"]

DEFAULT_ALGORITHMS = ("ES384", "RS384")
PROFILES: tuple[str, ...] = get_args(Profile)
HOOKS = tuple(sorted({service.hook for service in SERVICES.values()}))

_SANDBOX = "sandbox.cds-hooks.org"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,490}")
_TENANT = re.compile(r"[!-~]{1,200}")


class ClientError(RecumbentError):
    """A client cannot be registered or found: what is wrong, and how to mend it."""


def registered(client: Client, *, demo: bool = False) -> Client:
    """
    The client as it may be stored, with the public part of its pinned keys alone.

    Args:
        demo: for a demonstration on this machine: the public sandbox and plain http on loopback are let pass.

    Raises:
        ClientError: names all problems.
    """
    problems = list(_problems(client, demo))
    jwks = client.jwks
    if jwks is not None:
        try:
            jwks = public_key_set(jwks.encode())
        except KeySetError as error:
            problems.append(f"keys: {error}")
    if problems:
        raise ClientError("\n".join(problems))
    return replace(client, jwks=jwks)


def is_demo_only(client: Client) -> bool:
    """Whether this is the public CDS Hooks sandbox: its private key is published, so anyone can sign as it."""
    hosts = (_host(client.issuer), _host(client.jwks_url or ""))
    return client.profile == "sandbox" or any(host.rstrip(".") == _SANDBOX for host in hosts)


def _problems(client: Client, demo: bool) -> Iterator[str]:
    if not _URI.fullmatch(client.issuer):
        yield "issuer: this is not a URI. Write the iss claim of its tokens exactly, such as https://ehr.example.org."
    if is_demo_only(client) and not demo:
        yield (
            "issuer: the private key of the public CDS Hooks sandbox is published, so anyone can sign as it. "
            "For a demonstration with made-up patients on this machine, add --demo."
        )
    if (client.jwks_url is None) == (client.jwks is None):
        yield "keys: give the address of its key set (--jwks-url) or a file with it (--jwks), one of the two."
    if client.jwks_url is not None and not _is_address(client.jwks_url, demo):
        yield f"jwks-url: {_NOT_AN_ADDRESS}"
    yield from _unknown("algorithm", client.algorithms, ALGORITHMS)
    yield from _unknown("hook", client.hooks, HOOKS)
    yield from _unknown("profile", (client.profile,), PROFILES)
    if not client.algorithms:
        yield "algorithm: name at least one."
    if not all(map(_URI.fullmatch, client.audiences)):
        yield "audience: one of them is not a URI. Write the aud claim of its tokens exactly."
    if not all(map(_TENANT.fullmatch, client.tenants)):
        yield "tenant: one of them is empty, too long or has blanks. Write the tenant claim of its tokens exactly."
    if not all(_is_address(each, demo) for each in client.fhir_servers):
        yield f"fhir-server: {_NOT_AN_ADDRESS}"


_NOT_AN_ADDRESS = (
    "write a whole https address without user, query or fragment. "
    "Plain http is let pass for this machine alone, with --demo."
)


def _unknown(name: str, given: tuple[str, ...], known: tuple[str, ...] | dict[str, tuple[str, str]]) -> Iterator[str]:
    if not set(given) <= set(known):
        yield f"{name}: it can be {', '.join(known)}."


def _is_address(text: str, demo: bool) -> bool:
    parts = _split(text)
    if parts is None or not _URI.fullmatch(text) or not parts.hostname:
        return False
    if "@" in parts.netloc or "?" in text or "#" in text:
        return False
    return parts.scheme == "https" or (demo and parts.scheme == "http" and is_loopback(parts.hostname))


def _host(text: str) -> str:
    parts = _split(text)
    return (parts.hostname or "") if parts else ""


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts
