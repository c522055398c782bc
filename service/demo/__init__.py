"""`serve --demo`: start the service, send it one shipped patient, and print the cards as a person would read them."""

import gzip
import json
import socket
import threading
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from rich.console import Console

from cds_hooks.response import CdsResponse
from service.demo.ehr import hook_call, intake_response, record_of_bundle
from service.printing import print_cards
from service.settings import Settings

__all__ = ["demo_call", "run_demo"]

_FOLDER = Path(__file__).parent
_PATIENCE = 60.0
"""Seconds to wait for the server to start."""


def demo_call(service: dict[str, Any], now: datetime, hook_instance: str, intake_url: str) -> dict[str, Any]:
    """A call for the shipped patient: a synthetic history, and an intake answered now."""
    record = record_of_bundle(json.loads(gzip.decompress((_FOLDER / "record.json.gz").read_bytes())))
    answers = json.loads((_FOLDER / "answers.json").read_text(encoding="utf-8"))
    patient = next(each for each in record if each["resourceType"] == "Patient")
    return hook_call([*record, intake_response(answers, patient["id"], now, intake_url)], service, hook_instance)


def run_demo(server: uvicorn.Server, listener: socket.socket, settings: Settings, console: Console) -> None:
    """Run the server in the foreground, so that Ctrl-C reaches it, and the one call beside it."""
    caller = threading.Thread(target=_call_once, args=(server, settings, console), daemon=True)
    caller.start()
    server.run([listener])


def _call_once(server: uvicorn.Server, settings: Settings, console: Console) -> None:
    began = time.monotonic()
    while not server.started:
        if server.should_exit or time.monotonic() - began > _PATIENCE:
            return
        time.sleep(0.05)
    console.print(f"Serving on {settings.base_url}. Sending one synthetic patient (no real person) …", soft_wrap=True)
    try:
        _try_next(settings, _show_cards(settings, console), console)
    except (OSError, HTTPException, ValueError, LookupError) as error:
        console.print(f"The demo call failed ({type(error).__name__}); the service itself goes on.")
    console.print("README.md has a call with curl. Ctrl-C stops the service.")


def _try_next(settings: Settings, label: str, console: Console) -> None:
    console.print("Try next:")
    for address, what in (
        (f"{settings.base_url}/cds-services", "discovery: services and the prefetch they need"),
        (label, "the rule behind the first card"),
        (f"{settings.base_url}/health/ready", "readiness"),
        (f"{settings.base_url}/openapi.json", "the API"),
    ):
        console.print(f"  {address}  {what}", soft_wrap=True, markup=False)


def _show_cards(settings: Settings, console: Console) -> str:
    """Call the service as an EHR would and print its cards; returns the address of the first card's rule."""
    services = json.loads(_http(settings, "/cds-services"))["services"]
    service = {each["hook"]: each for each in services}["patient-view"]
    call = demo_call(service, datetime.now(UTC), str(uuid.uuid4()), _intake_url(service))
    body = _http(settings, f"/cds-services/{service['id']}", json.dumps(call))
    response = msgspec.json.decode(body, type=CdsResponse)
    print_cards(response, console)
    return response.cards[0].source.url


def _intake_url(service: dict[str, Any]) -> str:
    template: str = service["prefetch"]["intake"]
    return template.split("questionnaire=")[1].split("&")[0]


def _http(settings: Settings, path: str, body: str | None = None) -> bytes:
    """One call of our own address; without urllib, which would ask the proxies of the environment for it."""
    connection = HTTPConnection(settings.host, settings.port, timeout=30)
    with closing(connection):
        connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise HTTPException(f"status {answer.status}")
        return answer.read()
