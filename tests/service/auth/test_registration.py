"""What may be registered as a client, and that every refusal says how to mend it."""

import json
from typing import Any

import pytest

from service.auth.registration import ClientError, registered
from tests.service.auth.tokens import EHR_URL, KID, a_client, a_key, jwks

SANDBOX = "https://sandbox.cds-hooks.org"


def refusal(demo: bool = False, **changed: Any) -> list[str]:
    """The settings that are refused."""
    with pytest.raises(ClientError) as caught:
        registered(a_client(**changed), demo=demo)
    return [line.split(":")[0] for line in str(caught.value).splitlines()]


def test_a_client_with_all_that_can_be_said_is_registered_as_it_is() -> None:
    client = a_client(
        algorithms=("ES256", "RS256"),
        audiences=("https://cds.example.org/leg", "urn:recumbent"),
        tenants=("9f2c",),
        fhir_servers=("https://ehr.example.org/fhir/r4",),
        hooks=("patient-view", "order-sign"),
        profile="epic",
    )

    assert registered(client) == client


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("issuer", {"issuer": "ehr"}),
    ("issuer", {"issuer": ""}),
    ("issuer", {"issuer": "https://ehr example"}),
    ("issuer", {"issuer": SANDBOX}),
    ("issuer", {"issuer": f"{SANDBOX.upper().replace('HTTPS', 'https')}./"}),
    ("issuer", {"jwks_url": f"{SANDBOX}/.well-known/jwks.json"}),
    ("issuer", {"profile": "sandbox"}),
    ("keys", {"jwks_url": None}),
    ("keys", {"jwks": jwks(a_key())}),
    ("keys", {"jwks_url": None, "jwks": "no set"}),
    ("keys", {"jwks_url": None, "jwks": '{"keys": []}'}),
    ("jwks-url", {"jwks_url": "http://ehr.example.org/jwks"}),
    ("jwks-url", {"jwks_url": "http://127.0.0.1/jwks"}),
    ("jwks-url", {"jwks_url": "https://user@ehr.example.org/jwks"}),
    ("jwks-url", {"jwks_url": "https://ehr.example.org/jwks#a"}),
    ("jwks-url", {"jwks_url": "https://ehr.example.org/jwks?a=b"}),
    ("jwks-url", {"jwks_url": "https:///jwks"}),
    ("jwks-url", {"jwks_url": "https://ehr.example.org:port/"}),
    ("jwks-url", {"jwks_url": "file:///etc/passwd"}),
    ("algorithm", {"algorithms": ()}),
    ("algorithm", {"algorithms": ("none",)}),
    ("algorithm", {"algorithms": ("ES384", "HS256")}),
    ("audience", {"audiences": ("recumbent",)}),
    ("tenant", {"tenants": ("",)}),
    ("tenant", {"tenants": ("a b",)}),
    ("fhir-server", {"fhir_servers": ("http://ehr.example.org/fhir",)}),
    ("hook", {"hooks": ("appointment-book",)}),
    ("profile", {"profile": "another"}),
]


@pytest.mark.parametrize(("setting", "changed"), REFUSED)
def test_what_is_not_safe_or_cannot_be_is_refused_by_name(setting: str, changed: dict[str, Any]) -> None:
    assert refusal(**changed) == [setting]


def test_all_problems_are_said_at_once() -> None:
    assert refusal(algorithms=("none",), hooks=("x",), profile="y") == ["algorithm", "hook", "profile"]


@pytest.mark.parametrize(
    "changed",
    [{"issuer": SANDBOX, "profile": "sandbox"}, {"jwks_url": "http://127.0.0.1:8081/jwks"}],
)
def test_a_demonstration_lets_the_sandbox_and_plain_http_on_this_machine_pass(changed: dict[str, Any]) -> None:
    assert registered(a_client(**changed), demo=True) == a_client(**changed)


def test_plain_http_elsewhere_is_refused_in_a_demonstration_too() -> None:
    assert refusal(demo=True, jwks_url="http://10.0.0.1/jwks") == ["jwks-url"]


def test_pinned_keys_are_kept_without_their_private_part() -> None:
    key = a_key()
    client = registered(a_client(jwks_url=None, jwks=json.dumps({"keys": [key]})))

    assert client.jwks is not None
    assert (KID in client.jwks, key["d"] in client.jwks) == (True, False)


def test_an_address_is_not_changed() -> None:
    assert registered(a_client()).jwks_url == EHR_URL
