"""Every way into the service that is not a valid token: 401 with the same body, and its own reason in the log alone."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rules.pack import Pack, load_pack
from service.app import create_app
from service.settings import Settings
from service.storage.clients import ClientStore
from service.storage.database import open_store
from tests.builders import AS_OF, a_patient
from tests.mini_library import write_library
from tests.service.api.calls import a_call, post
from tests.service.auth.tokens import (
    BASE,
    EHR,
    EHR_URL,
    KID,
    OTHER,
    OTHER_URL,
    SERVICE,
    Clock,
    KeyServers,
    a_client,
    a_key,
    a_short_key,
    a_token,
    bearer,
    claims,
    jwks,
    sign,
)
from tests.service.logs import caught_logs

KEY, OTHER_KEY, STRANGE_KEY = a_key(), a_key("of-the-other"), a_key()
RSA_KEY, SHORT_KEY, P256_KEY = a_key("rsa", "2048"), a_short_key("short"), a_key("p256", "P-256")
BOUND_KEY, SEALING_KEY = a_key("bound", "2048", alg="RS256"), a_key("sealing", use="enc")
EHR_SET = jwks(KEY, RSA_KEY, SHORT_KEY, P256_KEY, BOUND_KEY, SEALING_KEY)
NOW = int(AS_OF.timestamp())
FEEDBACK = f"{SERVICE}/feedback"
OTHER_SERVICE = "/cds-services/recumbent-encounter-start"
STRANGE_JWK = json.loads(jwks(STRANGE_KEY))["keys"][0]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def pack(library: Path) -> Pack:
    return load_pack(library)


@dataclass
class Site:
    """A service with two registered clients, over a folder of its own."""

    settings: Settings
    pack: Pack
    servers: KeyServers = field(default_factory=lambda: KeyServers({EHR_URL: EHR_SET, OTHER_URL: jwks(OTHER_KEY)}))
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = open_store(self.settings.data)
        self.clients = ClientStore(self.store)
        for client in (a_client(), a_client(issuer=OTHER, jwks_url=OTHER_URL)):
            self.clients.add(client)

    def worker(self) -> TestClient:
        return TestClient(create_app(self.settings, self.clock, self.servers))

    def call(self, worker: TestClient, token: str | None, address: str = SERVICE) -> Response:
        headers = {} if token is None else bearer(token)
        return post(worker, a_call(self.pack), address, **headers)

    def told(self, token: str | None, address: str = SERVICE) -> tuple[int, dict[str, Any]]:
        """The status of one call to a new worker, and the last line of its log."""
        with caught_logs() as logs, self.worker() as worker:
            status = self.call(worker, token, address).status_code
        return status, json.loads(logs.getvalue().splitlines()[-1])


@pytest.fixture
def site(library: Path, pack: Pack, tmp_path: Path) -> Site:
    return Site(Settings(library=library, data=tmp_path), pack)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned() -> str:
    header, payload = {"alg": "none", "typ": "JWT", "kid": KID}, claims()
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(payload).encode())}.{encoded(b'x')}"


def signed_with_the_public_key() -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": KID}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims()))
    return f"{text}.{encoded(hmac.digest(jwks(KEY).encode(), text.encode(), 'sha256'))}"


def with_another_payload() -> str:
    header, _, signature = a_token(KEY).split(".")
    return f"{header}.{encoded(json.dumps(claims()).encode())}.{signature}"


def with_raw_claims(text: str) -> str:
    header, _, signature = a_token(KEY).split(".")
    return f"{header}.{encoded(text.encode())}.{signature}"


ATTACKS: dict[str, tuple[str, Callable[[], str | None]]] = {
    "no token": ("no-token", lambda: None),
    "garbage": ("malformed", lambda: "garbage"),
    "four parts": ("malformed", lambda: a_token(KEY) + ".x"),
    "no signature": ("malformed", lambda: a_token(KEY).rsplit(".", 1)[0] + "."),
    "not JSON": ("malformed", lambda: with_raw_claims("{")),
    "deep JSON": ("malformed", lambda: with_raw_claims('{"iss":' + "[" * 4000)),
    "not UTF-8": ("malformed", lambda: f"{encoded(bytes([255]))}.{encoded(b'{}')}.x"),
    "half a surrogate": ("malformed", lambda: with_raw_claims('{"iss":"\\ud800","aud":"a","exp":1,"iat":1,"jti":"j"}')),
    "a very long token": ("too-long", lambda: a_token(KEY, more="x" * 8192)),
    "a very long header": ("too-long", lambda: a_token(KEY, {"x5c": ["x" * 8192]})),
    "alg none": ("algorithm", unsigned),
    "HS256 with the public key": ("algorithm", signed_with_the_public_key),
    "an algorithm that is never accepted": ("algorithm", lambda: a_token(RSA_KEY, {"alg": "PS256"})),
    "an algorithm that is not of this client": ("algorithm", lambda: a_token(P256_KEY, {"alg": "ES256"})),
    "another type of token": ("type", lambda: a_token(KEY, {"typ": "at+jwt"})),
    "no type": ("type", lambda: a_token(KEY, {"typ": ...})),
    "an unknown extension": ("crit", lambda: with_header({"crit": ["exp"]})),
    "an empty list of extensions": ("crit", lambda: with_header({"crit": []})),
    "no kid": ("malformed", lambda: a_token(KEY, {"kid": ...})),
    "an empty kid": ("malformed", lambda: a_token(KEY, {"kid": ""})),
    "an unknown kid": ("unknown-key", lambda: a_token(KEY, {"kid": "unknown"})),
    "the kid of another client": ("unknown-key", lambda: a_token(OTHER_KEY)),
    "the issuer of another client": ("unknown-key", lambda: a_token(KEY, iss=OTHER)),
    "the right kid and the wrong key": ("signature", lambda: a_token(STRANGE_KEY)),
    "a key in the header": ("signature", lambda: a_token(STRANGE_KEY, {"jwk": STRANGE_JWK})),
    "a certificate in the header": ("signature", lambda: a_token(STRANGE_KEY, {"x5c": [encoded(b"x" * 99)]})),
    "the address of a certificate": ("signature", lambda: a_token(STRANGE_KEY, {"x5u": "https://evil.example.org"})),
    "another payload": ("signature", with_another_payload),
    "the kid of a key of another type": ("unknown-key", lambda: a_token(STRANGE_KEY, {"kid": "rsa"})),
    "a key of another curve": ("wrong-key", lambda: a_token(STRANGE_KEY, {"kid": "p256"})),
    "a key bound to another algorithm": ("wrong-key", lambda: a_token(BOUND_KEY, {"alg": "RS384"})),
    "a key that is too short": ("unknown-key", lambda: a_token(RSA_KEY, {"alg": "RS384", "kid": "short"})),
    "a key that is for encryption": ("unknown-key", lambda: a_token(SEALING_KEY)),
    "jku elsewhere": ("jku", lambda: a_token(KEY, {"jku": "https://evil.example.org/jwks"})),
    "jku of another client": ("jku", lambda: a_token(KEY, {"jku": OTHER_URL})),
    "jku with a user": ("jku", lambda: a_token(KEY, {"jku": EHR_URL.replace("//", "//user@")})),
    "jku with a port": ("jku", lambda: a_token(KEY, {"jku": EHR_URL.replace(".org", ".org:443")})),
    "jku in capitals": ("jku", lambda: a_token(KEY, {"jku": EHR_URL.replace("ehr", "EHR")})),
    "jku with dots": ("jku", lambda: a_token(KEY, {"jku": EHR_URL.replace("/jwks", "/../fhir/jwks")})),
    "jku of this machine": ("jku", lambda: a_token(KEY, {"jku": "http://[::1]/jwks"})),
    "an unknown issuer": ("unknown-issuer", lambda: a_token(KEY, iss="https://evil.example.org")),
    "an issuer with a slash more": ("unknown-issuer", lambda: a_token(KEY, iss=f"{EHR}/")),
    "the public sandbox": ("unknown-issuer", lambda: a_token(KEY, iss="https://sandbox.cds-hooks.org")),
    "no issuer": ("malformed", lambda: a_token(KEY, iss=...)),
    "another audience": ("audience", lambda: a_token(KEY, aud="https://cds.example.org")),
    "the audience of another service": ("audience", lambda: a_token(KEY, aud=f"{BASE}{OTHER_SERVICE}")),
    "the audience of feedback": ("audience", lambda: a_token(KEY, aud=BASE + FEEDBACK)),
    "the audience of discovery": ("audience", lambda: a_token(KEY, aud=f"{BASE}/cds-services")),
    "the beginning of the audience": ("audience", lambda: a_token(KEY, aud=BASE)),
    "more than the audience": ("audience", lambda: a_token(KEY, aud=f"{BASE}{SERVICE}/")),
    "no audience": ("audience", lambda: a_token(KEY, aud=[])),
    "an audience that is a number": ("malformed", lambda: a_token(KEY, aud=1)),
    "expired": ("expired", lambda: a_token(KEY, iat=NOW - 400, exp=NOW - 60)),
    "not yet issued": ("not-yet", lambda: a_token(KEY, iat=NOW + 61, exp=NOW + 361)),
    "not yet in force": ("not-yet", lambda: a_token(KEY, nbf=NOW + 61)),
    "a life of more than an hour": ("life", lambda: a_token(KEY, exp=NOW + 3601)),
    "for ever": ("life", lambda: a_token(KEY, exp=1e308)),
    "expired when it was issued": ("life", lambda: a_token(KEY, exp=NOW)),
    "exp as a text": ("malformed", lambda: a_token(KEY, exp=str(NOW + 300))),
    "exp as true": ("malformed", lambda: a_token(KEY, exp=True)),
    "no exp": ("malformed", lambda: a_token(KEY, exp=...)),
    "no iat": ("malformed", lambda: a_token(KEY, iat=...)),
    "a tenant that is not registered": ("tenant", lambda: a_token(KEY, tenant="north")),
    "an empty tenant": ("tenant", lambda: a_token(KEY, tenant="")),
    "no jti": ("malformed", lambda: a_token(KEY, jti=...)),
    "an empty jti": ("malformed", lambda: a_token(KEY, jti="")),
    "a jti that is a number": ("malformed", lambda: a_token(KEY, jti=7)),
}  # fmt: skip


def with_header(changed: dict[str, Any]) -> str:
    """With a header that the library would not write, signed all the same."""
    _, payload, _ = a_token(KEY).split(".")
    header = encoded(json.dumps({"alg": "ES384", "typ": "JWT", "kid": KID} | changed).encode())
    return f"{header}.{payload}.{encoded(b'x' * 96)}"


@pytest.fixture(scope="module")
def shared(library: Path, pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(Settings(library=library, data=tmp_path_factory.mktemp("data")), pack)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_for_its_own_reason_which_only_the_log_tells(attack: str, shared: Site) -> None:
    reason, make = ATTACKS[attack]
    token = make()
    with caught_logs() as logs, shared.worker() as worker:
        answer = shared.call(worker, token)
    line = json.loads(logs.getvalue().splitlines()[-1])

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["issue"] == [
        {
            "severity": "error",
            "code": "login",
            "details": {"text": "This address needs a valid token of a registered client, as Authorization: Bearer."},
        }
    ]
    assert (line["event"], line["status"], line["reason"]) == ("refused", 401, reason)
    assert token is None or token not in logs.getvalue()
    assert not any(part in logs.getvalue() for part in (token or "").split(".") if len(part) > 20)
    assert set(shared.servers.asked) <= {EHR_URL, OTHER_URL}


@pytest.mark.parametrize("authorization", ["Basic eDp5", "Bearer", "Bearer  x.y.z", "Bearer a.b.c,Bearer d.e.f", ""])
def test_another_kind_of_credentials_is_refused(shared: Site, authorization: str) -> None:
    with shared.worker() as worker:
        answer = post(worker, a_call(shared.pack), Authorization=authorization)

    assert answer.status_code == 401


def test_two_tokens_in_one_call_are_refused(shared: Site) -> None:
    headers = [("Authorization", f"Bearer {a_token(KEY)}") for _ in range(2)]
    with caught_logs() as logs, shared.worker() as worker:
        status = worker.post(SERVICE, content=b"{}", headers=headers).status_code

    assert status == 401
    assert json.loads(logs.getvalue().splitlines()[-1])["reason"] == "malformed"


# ── valid ────────────────────────────────────────────────────────────────────────────────────────────────────────────

VALID: dict[str, Callable[[], str]] = {
    "as it should be": lambda: a_token(KEY),
    "RS384": lambda: a_token(RSA_KEY, {"alg": "RS384"}),
    "jku as registered": lambda: a_token(KEY, {"jku": EHR_URL}),
    "a list of audiences": lambda: a_token(KEY, aud=["https://x.example.org", BASE + SERVICE]),
    "a clock that is a minute behind": lambda: a_token(KEY, iat=NOW - 300, exp=NOW - 59),
    "a clock that is a minute ahead": lambda: a_token(KEY, iat=NOW + 60, nbf=NOW + 60),
    "a life of an hour": lambda: a_token(KEY, exp=NOW + 3600),
    "claims of Epic": lambda: a_token(KEY, {"jku": EHR_URL}, sub="client-id", nbf=NOW - 300, exp=NOW + 900),
    "fractions of seconds": lambda: a_token(KEY, iat=NOW + 0.25, exp=NOW + 300.25),
    "typ in small letters": lambda: a_token(KEY, {"typ": "jwt"}),
}


@pytest.mark.parametrize("kind", VALID)
def test_a_valid_token_is_accepted(kind: str, shared: Site) -> None:
    status, line = shared.told(VALID[kind]())

    assert (status, line["event"]) == (200, "answered")


def test_discovery_and_feedback_need_a_token_for_their_own_address(shared: Site) -> None:
    feedback = json.dumps(
        {"feedback": [{"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T12:00:00Z"}]}
    )
    with shared.worker() as worker:
        statuses = [
            worker.get("/cds-services").status_code,
            worker.get("/cds-services", headers=bearer(a_token(KEY))).status_code,
            worker.get("/cds-services", headers=bearer(a_token(KEY, aud=f"{BASE}/cds-services"))).status_code,
            worker.post(FEEDBACK, content=feedback).status_code,
            worker.post(FEEDBACK, content=feedback, headers=bearer(a_token(KEY))).status_code,
            worker.post(FEEDBACK, content=feedback, headers=bearer(a_token(KEY, aud=BASE + FEEDBACK))).status_code,
        ]

    assert statuses == [401, 401, 200, 401, 401, 200]


def test_the_header_host_does_not_move_the_address_that_a_token_is_for(shared: Site) -> None:
    with shared.worker() as worker:
        answer = post(worker, a_call(shared.pack), OTHER_SERVICE, Host=f"x{SERVICE}?", **bearer(a_token(KEY)))

    assert answer.status_code == 401


def test_health_and_rule_labels_stay_public(shared: Site) -> None:
    with shared.worker() as worker:
        statuses = [worker.get(address).status_code for address in ("/health/live", "/health/ready", "/rules")]

    assert statuses == [200, 200, 200]


def test_the_body_of_an_unknown_caller_is_not_read(shared: Site) -> None:
    with shared.worker() as worker:
        answer = worker.post(SERVICE, content=b" " * (9 << 20), headers={"Content-Type": "text/plain"})

    assert answer.status_code == 401


# ── used once ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_accepted_once_by_all_workers_and_over_a_restart(site: Site) -> None:
    token = a_token(KEY)
    with site.worker() as one, site.worker() as two:
        statuses = [site.call(one, token).status_code, site.call(one, token).status_code]
        statuses.append(site.call(two, token).status_code)

    assert statuses == [200, 401, 401]
    assert site.told(token)[1]["reason"] == "replayed"


def test_the_same_jti_of_two_clients_is_two_tokens(site: Site) -> None:
    with site.worker() as worker:
        statuses = [
            site.call(worker, a_token(KEY, jti="same")).status_code,
            site.call(worker, a_token(OTHER_KEY, iss=OTHER, jti="same")).status_code,
            site.call(worker, a_token(KEY, jti="same")).status_code,
        ]

    assert statuses == [200, 200, 401]


def test_a_token_that_was_refused_is_not_used_up(site: Site) -> None:
    with site.worker() as worker:
        statuses = [
            site.call(worker, a_token(STRANGE_KEY, jti="one")).status_code,
            site.call(worker, a_token(KEY, jti="one")).status_code,
        ]

    assert statuses == [401, 200]


# ── what the log tells ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_names_issuer_kid_and_a_hash_of_the_jti_where_the_issuer_is_known(site: Site) -> None:
    token = a_token(STRANGE_KEY, jti="secret-jti")
    _, line = site.told(token)
    digest = hashlib.sha256(json.dumps([EHR, "secret-jti"], separators=(",", ":")).encode()).hexdigest()

    assert (line["issuer"], line["kid"], line["token"]) == (EHR, KID, digest[:16])
    assert "secret-jti" not in json.dumps(line)


def test_the_log_quotes_nothing_of_an_unknown_issuer(site: Site) -> None:
    _, line = site.told(a_token(a_key("evil-kid"), iss="https://evil.example.org"))

    assert "evil" not in json.dumps(line)


def test_a_kid_of_a_known_issuer_is_cut_and_printable(site: Site) -> None:
    _, line = site.told(a_token(KEY, {"kid": "a\r\nb\u202e" + "c" * 500}))

    assert line["kid"] == "ab" + "c" * 59


# ── registration ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_of_the_clients_needs_no_restart(site: Site) -> None:
    statuses = []
    with site.worker() as worker:
        for change in (
            lambda: None,
            lambda: site.clients.enable(EHR, False),
            lambda: site.clients.enable(EHR, True),
            lambda: site.clients.remove(EHR),
        ):
            change()
            site.clock.moment += timedelta(seconds=1)
            statuses.append(site.call(worker, a_token(KEY)).status_code)

    assert statuses == [200, 401, 200, 401]


def test_a_disabled_client_is_refused(site: Site) -> None:
    site.clients.enable(EHR, False)

    status, line = site.told(a_token(KEY))

    assert (status, line["reason"]) == (401, "disabled")


def test_the_service_does_not_open_when_the_last_client_is_removed_or_disabled(site: Site) -> None:
    site.clients.remove(OTHER)
    with site.worker() as worker:
        site.clients.enable(EHR, False)
        site.clock.moment += timedelta(seconds=2)
        statuses = [site.call(worker, None).status_code]
        site.clients.remove(EHR)
        site.clock.moment += timedelta(seconds=2)
        statuses.append(site.call(worker, None).status_code)

    assert statuses == [401, 401]


def test_the_first_client_closes_a_running_service(library: Path, pack: Pack, tmp_path: Path) -> None:
    site = Site(Settings(library=library, data=tmp_path), pack)
    site.clients.remove(EHR)
    site.clients.remove(OTHER)
    with site.worker() as worker:
        statuses = [site.call(worker, None).status_code]
        site.clients.add(a_client())
        site.clock.moment += timedelta(seconds=1)
        statuses += [site.call(worker, None).status_code, site.call(worker, a_token(KEY)).status_code]

    assert statuses == [200, 401, 200]


def test_the_sandbox_is_refused_outside_of_a_demonstration(site: Site) -> None:
    sandbox = "https://sandbox.cds-hooks.org"
    site.clients.add(a_client(issuer=sandbox))
    outside = site.told(a_token(KEY, iss=sandbox))
    site.settings = site.settings.model_copy(update={"demo": True})
    inside = site.told(a_token(KEY, iss=sandbox))

    assert (outside[0], outside[1]["reason"]) == (401, "demo-only")
    assert inside[0] == 200


def test_a_client_calls_and_sees_only_its_hooks(site: Site) -> None:
    site.clients.remove(EHR)
    site.clients.add(a_client(hooks=("encounter-start",)))
    with site.worker() as worker:
        call = site.call(worker, a_token(KEY))
        feedback = post(worker, b"{}", FEEDBACK, **bearer(a_token(KEY, aud=BASE + FEEDBACK)))
        seen = worker.get("/cds-services", headers=bearer(a_token(KEY, aud=f"{BASE}/cds-services"))).json()

    assert (call.status_code, feedback.status_code) == (403, 403)
    assert call.json()["issue"][0]["code"] == "forbidden"
    assert [each["hook"] for each in seen["services"]] == ["encounter-start"]


AUDIENCES = [
    (("urn:recumbent",), "urn:recumbent", SERVICE, 200),
    (("urn:recumbent",), BASE + SERVICE, SERVICE, 401),
    (("urn:recumbent", BASE + SERVICE), BASE + SERVICE, SERVICE, 200),
    ((BASE + FEEDBACK,), BASE + FEEDBACK, SERVICE, 401),
    ((BASE + SERVICE,), BASE + SERVICE, OTHER_SERVICE, 401),
]


@pytest.mark.parametrize(("registered", "aud", "address", "expected"), AUDIENCES)
def test_registered_audiences_take_the_place_of_the_address_and_ours_count_for_themselves_alone(
    site: Site, registered: tuple[str, ...], aud: str, address: str, expected: int
) -> None:
    site.clients.remove(EHR)
    site.clients.add(a_client(audiences=registered))

    assert site.told(a_token(KEY, aud=aud), address)[0] == expected


TENANTS = [("north", 200), ("south", 200), ("east", 401), (..., 401), ("", 401)]


@pytest.mark.parametrize(("tenant", "expected"), TENANTS)
def test_a_client_with_tenants_must_name_one_of_them(site: Site, tenant: Any, expected: int) -> None:
    site.clients.remove(EHR)
    site.clients.add(a_client(tenants=("north", "south")))

    assert site.told(a_token(KEY, tenant=tenant))[0] == expected


def test_pinned_keys_are_used_and_no_address_is_asked(site: Site) -> None:
    site.clients.remove(EHR)
    site.clients.add(a_client(jwks_url=None, jwks=jwks(KEY)))

    status, _ = site.told(a_token(KEY, {"jku": "https://evil.example.org"}))

    assert (status, site.servers.asked) == (200, [])


def test_the_decision_is_recorded_under_issuer_and_tenant(site: Site) -> None:
    site.clients.remove(EHR)
    site.clients.add(a_client(tenants=("north",)))
    app = create_app(site.settings, site.clock, site.servers)
    with TestClient(app) as worker:
        site.call(worker, a_token(KEY, tenant="north"))
        site.clock.moment += timedelta(seconds=1)
        site.call(worker, a_token(OTHER_KEY, iss=OTHER))
    records = app.state.recumbent.decisions.latest(2)

    assert [(each.client, each.tenant) for each in records] == [(OTHER, OTHER), (EHR, f"{EHR} north")]


def a_restless_call(pack: Pack, number: int) -> dict[str, Any]:
    """The same patient of the same id, seen again."""
    patient = a_patient().answered("urge-to-move").with_lab("2276-4", 32, "ug/L")
    return a_call(pack, patient, hookInstance=f"00000000-0000-4000-8000-{number:012}")


def test_an_override_of_one_client_silences_nothing_of_another(site: Site) -> None:
    with site.worker() as worker:
        first = post(worker, a_restless_call(site.pack, 1), **bearer(a_token(KEY))).json()
        entries = [
            {
                "card": card["uuid"],
                "outcome": "overridden",
                "outcomeTimestamp": "2026-11-21T12:00:00Z",
                "overrideReason": {"reason": {"code": "action-completed"}},
            }
            for card in first["cards"]
        ]
        told = post(worker, {"feedback": entries}, FEEDBACK, **bearer(a_token(KEY, aud=BASE + FEEDBACK)))
        site.clock.moment += timedelta(seconds=1)
        theirs = post(worker, a_restless_call(site.pack, 2), **bearer(a_token(OTHER_KEY, iss=OTHER))).json()
        ours = post(worker, a_restless_call(site.pack, 3), **bearer(a_token(KEY))).json()

    assert told.status_code == 200
    assert first["cards"]
    assert [each["summary"] for each in theirs["cards"]] == [each["summary"] for each in first["cards"]]
    assert len(ours["cards"]) < len(first["cards"])


def test_a_client_changes_its_keys_without_a_restart(site: Site) -> None:
    new = a_key("new")
    with site.worker() as worker:
        statuses = [site.call(worker, a_token(KEY)).status_code]
        site.servers.sets[EHR_URL] = jwks(new)
        statuses += [site.call(worker, a_token(new)).status_code, site.call(worker, a_token(KEY)).status_code]

    assert statuses == [200, 200, 401]


def test_a_key_server_that_was_never_reached_is_a_reason_of_its_own(site: Site) -> None:
    site.servers.sets[EHR_URL] = None

    status, line = site.told(a_token(KEY))

    assert (status, line["reason"]) == (401, "no-keys")


def test_clients_that_cannot_be_read_are_taken_as_they_were(site: Site) -> None:
    with caught_logs() as logs, site.worker() as worker:
        before = site.call(worker, a_token(KEY)).status_code
        with closing(site.store.connect()) as connection:
            connection.execute("ALTER TABLE client RENAME TO client_gone")
        site.clock.moment += timedelta(seconds=1)
        after = [site.call(worker, a_token(KEY)).status_code, site.call(worker, None).status_code]

    assert (before, after) == (200, [200, 401])
    assert "clients-not-read" in logs.getvalue()


def test_sign_makes_what_it_says() -> None:
    header = json.loads(base64.urlsafe_b64decode(sign(claims(), KEY).split(".")[0] + "=="))

    assert header == {"alg": "ES384", "typ": "JWT", "kid": KID}
