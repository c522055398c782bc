"""
Reads one key set from its address: GET over https, no redirect, no proxy, a few seconds, a few hundred kilobytes.

The name is resolved here, every address looked at, and the first of them dialed, so that nothing can change between the
look and the connection. Private and link-local addresses are refused: for a key server inside of the hospital, pin its
key set as a file.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Any

import httpcore2

from service.auth.keys import Fetched, KeySetError

__all__ = ["KeyServer"]

_MAX_BYTES = 256 << 10
_SECONDS = 2.0
_MAX_AGE = re.compile(rb"(?:^|[\s,])max-age=\"?([0-9]{1,9})\"?(?:$|[\s,])", re.IGNORECASE)
_KEEP_NOTHING = re.compile(rb"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])", re.IGNORECASE)


class KeyServer:
    """
    Fetches key sets, with a connection for each, since an hour or more lies between two.

    Args:
        private: whether an address inside of a private network may be asked; for a demonstration on this machine.
    """

    def __init__(self, *, private: bool = False) -> None:
        self._backend = _PublicAddresses(private)

    async def __call__(self, url: str) -> Fetched:
        """
        What stands at an address.

        Raises:
            OSError: it cannot be reached.
            KeySetError: its address is private, or it did not answer 200 with a small body.
        """
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)
        headers = [("Accept", "application/json"), ("Accept-Encoding", "identity")]
        try:
            async with (
                httpcore2.AsyncConnectionPool(network_backend=self._backend) as pool,
                pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as answer,
            ):
                if answer.status != 200:
                    raise KeySetError("the key server did not answer with 200.")
                return Fetched(await _body(answer), _max_age(answer.headers))
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, UnicodeError) as error:
            raise OSError(type(error).__name__) from None


async def _body(answer: httpcore2.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_stream():
        body += part
        if len(body) > _MAX_BYTES:
            raise KeySetError("the key set is too large.")
    return bytes(body)


def _max_age(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    control = b",".join(value for name, value in headers if name.lower() == b"cache-control")
    if _KEEP_NOTHING.search(control):
        return 0.0
    found = _MAX_AGE.search(control)
    return float(found[1]) if found else None


class _PublicAddresses(httpcore2.AnyIOBackend):
    """Resolves a name itself and dials what it looked at; the certificate is still checked against the name."""

    def __init__(self, private: bool) -> None:
        self._private = private

    async def connect_tcp(self, host: str, port: int, *arguments: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(address[0]) for *_, address in found]
        if not self._private and not all(map(_is_public, addresses)):
            raise KeySetError("the key server has a private address. Pin its key set as a file.")
        return await super().connect_tcp(addresses[0], port, *arguments, **options)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast
