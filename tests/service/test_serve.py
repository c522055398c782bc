"""`recumbent serve` as a process of its own: it starts, answers, and stops cleanly."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import IO

import pytest

from rules.loader import LIBRARY
from rules.pack import Pack, load_pack
from service.storage.clients import ClientStore
from service.storage.database import open_store
from tests.builders import a_patient
from tests.mini_library import write_library
from tests.service.auth.tokens import a_client

PATIENCE = 60
PROGRAM = Path(sys.executable).with_name("recumbent")
MARKER = "Marker8c1f6e0b7a"
CALL = "/cds-services/recumbent-patient-view"
PATIENT = a_patient().being(name=[{"family": MARKER}])


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def pack(library: Path) -> Pack:
    return load_pack(library)


class Service:
    """A service that was started, and what it printed so far."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port
        self.printed = ""

    def ask(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None) -> tuple[int, bytes]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def send(self, content: bytes) -> bytes:
        """Send bytes that may be no HTTP at all; returns what came back."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def wait_for(self, words: str, stream: IO[str] | None) -> None:
        for line in stream or ():
            self.printed += line
            if words in line:
                return
        raise AssertionError(f"It ended without saying {words!r}: {self.printed}")

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        self.printed += "".join(self.process.communicate(timeout=PATIENCE))
        return self.process.returncode


Start = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def start(tmp_path: Path, library: Path) -> Start:
    """`with start("--demo") as service:` is a running `recumbent serve --demo`."""

    @contextmanager
    def _start(*options: str, library: Path = library) -> Iterator[Service]:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        command = [str(PROGRAM), "serve", "--port", str(port), "--data", str(tmp_path / "data"), *options]
        environment = os.environ | {"RECUMBENT_LIBRARY": str(library), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
            service = Service(process, port)
            last_resort = Timer(PATIENCE, process.kill)
            last_resort.start()
            try:
                service.wait_for("Ctrl-C stops", process.stdout if "--demo" in options else process.stderr)
                yield service
            finally:
                last_resort.cancel()
                process.kill()

    return _start


def test_it_answers_a_call_and_records_it(start: Start, pack: Pack) -> None:
    with start() as service:
        ready = service.ask("GET", "/health/ready")
        answered = service.ask("POST", CALL, PATIENT.hook_body(pack))

    assert (ready[0], json.loads(ready[1])["pack"]) == (200, pack.id)
    assert answered[0] == 200
    assert json.loads(answered[1])["extension"]["org.recumbent.evaluation"]["recorded"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_when_it_is_asked_to(start: Start, pack: Pack, how: signal.Signals) -> None:
    with start() as service:
        assert service.ask("POST", CALL, PATIENT.hook_body(pack))[0] == 200
        code = service.stop(how)

    assert code in (0, -how, 128 + how)
    assert "Traceback" not in service.printed
    assert "Error" not in service.printed


def test_it_stops_while_a_caller_holds_a_connection(start: Start) -> None:
    with start() as service, closing(socket.create_connection(("127.0.0.1", service.port))) as idle:
        idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        first = idle.recv(12)
        code = service.stop(signal.SIGTERM)

    assert first == b"HTTP/1.1 200"
    assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    assert "Traceback" not in service.printed


def test_a_second_one_on_the_same_port_is_refused_and_the_first_goes_on(start: Start, tmp_path: Path) -> None:
    with start() as service:
        command = [str(PROGRAM), "serve", "--port", str(service.port), "--data", str(tmp_path / "other")]
        second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        first = service.ask("GET", "/health/live")[0]

    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr.startswith(f"Port {service.port} of 127.0.0.1 cannot be used (Address already in use).")
    assert first == 200


NOT_HTTP = {
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a word": f"{MARKER}\r\n\r\n".encode(),
    "bad header": f"GET / HTTP/1.1\r\nHost: x\r\n{MARKER}\r\n\r\n".encode(),
    "bad length": f"POST {CALL} HTTP/1.1\r\nHost: {MARKER}\r\nContent-Length: -5\r\n\r\n".encode(),
    "two lengths": f"POST {CALL} HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{MARKER}".encode(),
    "goes away": f"POST {CALL} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{MARKER}".encode(),
}


def test_a_caller_who_does_not_speak_http_harms_nobody_and_is_not_quoted(start: Start) -> None:
    with start() as service:
        answers = {name: service.send(content)[:12] for name, content in NOT_HTTP.items()}
        alive = service.ask("GET", "/health/live")[0]
        service.stop(signal.SIGTERM)

    assert answers == dict.fromkeys(NOT_HTTP, b"HTTP/1.1 400") | {"goes away": b""}
    assert alive == 200
    assert MARKER not in service.printed
    assert "Traceback" not in service.printed


def test_nothing_of_a_call_is_printed(start: Start, pack: Pack) -> None:
    body = PATIENT.answered("saddle").hook_body(pack)
    marked = body.replace(b'"p1"', f'"{MARKER}"'.encode())
    with start() as service:
        statuses = [
            service.ask("POST", CALL, marked)[0],
            service.ask("POST", CALL, marked[:-1])[0],
            service.ask("POST", f"/cds-services/{MARKER}?{MARKER}", marked)[0],
            service.ask("GET", f"/{MARKER}")[0],
        ]
        service.stop(signal.SIGTERM)

    assert statuses == [200, 400, 404, 404]
    assert service.printed.count('"refused"') == 3
    assert MARKER not in service.printed


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(start: Start) -> None:
    part = b" " * (1 << 20)
    with start() as service:
        answers = [service.ask("POST", CALL, part * 20), service.ask("POST", CALL, iter([part] * 20))]

    assert [status for status, _ in answers] == [413, 413]
    assert [json.loads(body)["resourceType"] for _, body in answers] == ["OperationOutcome"] * 2


def test_a_library_with_problems_is_not_served(library: Path, tmp_path: Path) -> None:
    broken = write_library(tmp_path / "library", flags={"a-flag": {"fact": "no-such-fact", "is": "present"}})
    command = [str(PROGRAM), "serve", "--port", "18080", "--data", str(tmp_path / "data")]
    environment = os.environ | {"RECUMBENT_LIBRARY": str(broken)}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)

    assert ran.returncode == 1
    assert "the fact no-such-fact is not in facts.yaml." in ran.stderr
    assert "Traceback" not in ran.stderr


def test_with_a_client_it_says_that_it_is_closed_and_is(start: Start, tmp_path: Path) -> None:
    ClientStore(open_store(tmp_path / "data")).add(a_client())
    with start() as service:
        service.wait_for("every call needs a token", service.process.stderr)
        statuses = [service.ask("GET", "/cds-services")[0], service.ask("GET", "/health/live")[0]]

    assert statuses == [401, 200]


# ── the demo ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment whose proxy must not be asked for our own address."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.usefixtures("through_a_proxy")
def test_the_demo_prints_cards_and_addresses_that_open(start: Start) -> None:
    with start("--demo", library=LIBRARY) as service:
        addresses = re.findall(r"http://127\.0\.0\.1:\d+(/\S+)", service.printed)
        statuses = [service.ask("GET", address)[0] for address in addresses]
        code = service.stop(signal.SIGINT)

    assert re.search(r"(CRITICAL · emergency|WARNING · urgent)", service.printed)
    assert "INFO · routine" in service.printed
    assert "rules evaluated" in service.printed
    assert len(addresses) == 4
    assert statuses == [200] * 4
    assert code in (0, -signal.SIGINT, 128 + signal.SIGINT)
    assert "Traceback" not in service.printed


def test_the_demo_goes_on_serving_when_its_call_fails(start: Start, tmp_path: Path) -> None:
    without_answers = write_library(tmp_path / "bare", flags={}, complaint={"fact": "pain-in-leg", "is": "present"})
    with start("--demo", library=without_answers) as service:
        alive = service.ask("GET", "/health/live")[0]

    assert alive == 200
