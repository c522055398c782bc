"""No answer, errors included, may be sniffed, framed or run; none but a public page may be kept."""

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rules.pack import Pack
from service.settings import Settings
from tests.service.api.calls import PATIENT_VIEW, FailingLog, a_call, post, with_log

EXPECTED = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def headers(response: Response) -> dict[str, str | None]:
    return {name: response.headers.get(name) for name in EXPECTED}


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/cds-services", 200),
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/rules/causes/restless-legs-syndrome/4", 404),
        ("GET", "/nothing", 404),
        ("POST", "/cds-services/unknown", 404),
        ("GET", PATIENT_VIEW, 405),
        ("POST", PATIENT_VIEW, 400),
    ],
)
def test_an_answer_carries_the_headers(client: TestClient, method: str, address: str, status: int) -> None:
    response = client.request(method, address)

    assert response.status_code == status
    assert headers(response) == EXPECTED


@pytest.mark.parametrize(
    "address", ["/rules", "/rules/style.css", "/rules/causes/restless-legs-syndrome/3", "/rules/causes/unknown/3"]
)
def test_a_public_page_may_be_kept_and_has_a_style_sheet_and_nothing_else_differs(
    client: TestClient, address: str
) -> None:
    response = client.get(address, headers={"Accept": "text/html"})
    policy = EXPECTED["content-security-policy"] + "; style-src 'self'"

    assert headers(response) == EXPECTED | {"cache-control": "no-cache", "content-security-policy": policy}


@pytest.mark.parametrize("status", [200, 400, 412, 413, 415])
def test_the_answer_to_a_call_carries_the_headers(client: TestClient, pack: Pack, status: int) -> None:
    content = {400: b"", 413: b" " * (2 << 20)}.get(status, a_call(pack, prefetch={} if status == 412 else ...))
    if status == 200:
        content = a_call(pack)
    response = post(client, content, Content_Type="text/plain" if status == 415 else "application/json")

    assert response.status_code == status
    assert headers(response) == EXPECTED


def test_a_500_carries_the_headers_too(settings: Settings, pack: Pack) -> None:
    response = post(with_log(settings, FailingLog(RuntimeError())), a_call(pack))

    assert response.status_code == 500
    assert headers(response) == EXPECTED


def test_no_answer_lets_another_site_read_it(client: TestClient) -> None:
    response = client.get("/cds-services", headers={"Origin": "https://evil.example"})

    assert not [name for name in response.headers if name.startswith("access-control")]
