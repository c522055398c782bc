"""
How bytes reach a FHIR server: over one pool of connections, to an address that was looked at before it is dialed.

A name is resolved once per connection, and the address that was judged is the one that is dialed, so that a second
answer of the name service changes nothing. Private addresses pass: the server is on the site's own list, and many
stand in its own network.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable

import httpcore2
import httpx2

__all__ = ["NETWORK_ERRORS", "ForbiddenAddressError", "PinnedTransport", "address_of", "is_loopback"]

_CONNECTIONS = 100
_KEPT_SECONDS = 30.0


class ForbiddenAddressError(Exception):
    """The name of a FHIR server resolves to an address that no FHIR server has."""


NETWORK_ERRORS = (
    httpx2.HTTPError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.ConnectionNotAvailable,
    httpcore2.UnsupportedProtocol,
    ssl.SSLError,
    OSError,
    ForbiddenAddressError,
)
"""What a transport raises when a server cannot be reached, or does not speak HTTP."""


def is_loopback(host: str) -> bool:
    """Whether a host means this machine by its name alone, without asking anybody."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def address_of(host: str, port: int) -> str:
    """
    The address to dial for a host: the first, if all are fit.

    Raises:
        ForbiddenAddressError: one of them is of this machine (unless the host says so), of one cable, or of no host.
        OSError: the name cannot be resolved.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(_fit(address, is_loopback(host)) for address in addresses):
        raise ForbiddenAddressError
    return addresses[0]


def _fit(text: str, loopback: bool) -> bool:
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return loopback
    return not (address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved)


class _Pinned(httpcore2.AsyncNetworkBackend):
    """Dials the address that was judged. TLS still asks for the certificate of the name."""

    def __init__(self) -> None:
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is that of the library
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        address = await address_of(host, port)
        return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Requests over pooled connections; it knows no proxy, no environment, no cookie and no redirect."""

    def __init__(self) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_Pinned(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the body of the answer is still to be read."""
        url = request.url
        asked = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = await self._pool.handle_async_request(asked)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
