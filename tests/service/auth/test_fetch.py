"""The one place that goes out for keys, against a real server on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from service.auth.fetch import KeyServer
from service.auth.keys import KeySetError

pytestmark = pytest.mark.anyio


@dataclass
class Answering:
    """A server that answers every GET with the same."""

    address: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"keys": []}'
    asked: list[str] = field(default_factory=list)


@contextmanager
def answering(**given: object) -> Iterator[Answering]:
    answer = Answering(**given)  # type: ignore[arg-type]  # each is of its own type

    class Once(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.asked.append(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                self.wfile.write(answer.body)
            except OSError:  # the caller had enough
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing on the terminal of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Once) as server:
        answer.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield answer
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (None, None),
        ("max-age=600", 600),
        ('public, max-age="60", must-revalidate', 60),
        ("s-maxage=5", None),
        ("max-age=-1", None),
        ("max-age=99999999999999", None),
        ("no-store", 0),
        ("max-age=600, no-cache", 0),
    ],
)
async def test_a_set_comes_with_the_time_for_which_it_is_fresh(control: str | None, expected: float | None) -> None:
    with answering(headers={"Cache-Control": control} if control else {}) as server:
        fetched = await KeyServer(private=True)(f"{server.address}/jwks")

    assert (fetched.body, fetched.max_age) == (b'{"keys": []}', expected)
    assert server.asked == ["/jwks"]


async def test_a_redirect_is_not_followed() -> None:
    with (
        answering() as elsewhere,
        answering(status=302, headers={"Location": elsewhere.address}) as server,
        pytest.raises(KeySetError),
    ):
        await KeyServer(private=True)(server.address)

    assert elsewhere.asked == []


@pytest.mark.parametrize("status", [201, 204, 401, 404, 500])
async def test_any_other_status_is_a_failure(status: int) -> None:
    with answering(status=status, body=b"") as server, pytest.raises(KeySetError):
        await KeyServer(private=True)(server.address)


async def test_a_large_answer_is_given_up() -> None:
    with answering(body=b" " * (300 << 10)) as server, pytest.raises(KeySetError, match="too large"):
        await KeyServer(private=True)(server.address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"])  # noqa: S104 - refused
async def test_this_machine_is_not_asked_however_it_is_written(host: str) -> None:
    with answering() as server:
        port = server.address.rsplit(":", 1)[1]
        with pytest.raises((KeySetError, OSError)):
            await KeyServer()(f"http://{host}:{port}/jwks")

    assert server.asked == []


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "224.0.0.1"]
)
async def test_a_private_or_link_local_address_is_not_asked(host: str) -> None:
    with pytest.raises(KeySetError, match="private address"):
        await KeyServer()(f"https://{host}/jwks")


async def test_a_server_that_is_not_there_is_a_failure_of_the_network() -> None:
    with answering() as server:
        pass

    with pytest.raises(OSError, match="ConnectError"):
        await KeyServer(private=True)(server.address)


async def test_a_name_that_cannot_be_one_is_a_failure_of_the_network() -> None:
    with pytest.raises(OSError, match="Unicode"):
        await KeyServer()(f"https://{'a' * 64}.example.org/jwks")


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with answering() as server:
        await KeyServer(private=True)(server.address)

    assert server.asked == ["/"]


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    with answering() as server, pytest.raises(OSError, match="ConnectError"):
        await KeyServer(private=True)(server.address.replace("http:", "https:"))
