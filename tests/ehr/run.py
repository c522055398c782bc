"""Run the EHR and a service beside it on this machine, each on a port of its own, in threads."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime

import httpx2
import uvicorn
from starlette.types import ASGIApp

from tests.ehr.client import Ehr
from tests.ehr.fhir_server import Store
from tests.ehr.manners import Manner
from tests.ehr.page_app import page_app

__all__ = ["free_port", "serving", "serving_ehr"]

_HOST = "127.0.0.1"
_PATIENCE = 60.0
"""Seconds for a server to start or to stop."""


def free_port() -> int:
    with closing(socket.create_server((_HOST, 0))) as free:
        return int(free.getsockname()[1])


@contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[str]:
    """
    The address at which the app is served until the end of the block.

    Raises:
        OSError: the port is in use. RuntimeError: the app does not start.
    """
    with closing(socket.create_server((_HOST, port))) as listener:
        server = uvicorn.Server(uvicorn.Config(app, ws="none", log_config=None, access_log=False, server_header=False))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            _wait(lambda: server.started or not thread.is_alive())
            if not server.started:
                raise RuntimeError("The server ended before it served anything.")
            yield f"http://{_HOST}:{port}"
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


@contextmanager
def serving_ehr(service: str, port: int, now: Callable[[], datetime]) -> Iterator[str]:
    """The address of the page, for an EHR that calls the service at this address."""
    with (
        httpx2.Client(base_url=service, trust_env=False, timeout=30) as calls,
        httpx2.Client(base_url=f"http://{_HOST}:{port}/fhir/", trust_env=False, timeout=30) as fhir,
    ):
        ehr = Ehr(Manner(), calls, fhir, now)
        with serving(page_app(ehr, Store(), now), port) as address:
            yield address


def _wait(until: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not until() and time.monotonic() - began < _PATIENCE:
        time.sleep(0.02)
