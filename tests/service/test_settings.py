"""Settings: safe without any, read from RECUMBENT_ variables, and a wrong one refused in words."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings


def problems(error: ValidationError) -> list[str]:
    return [each["msg"] for each in error.errors()]


def refusal(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)  # type: ignore[arg-type]  # wrong on purpose
    (text,) = problems(caught.value)
    return text


def test_without_any_setting_only_this_machine_is_served() -> None:
    settings = Settings()

    assert (settings.host, settings.port, settings.base_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert settings.modules == {"red-flags", "causes", "order-checks"}
    assert settings.max_body_bytes == 8 * 1024 * 1024


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_address_can_be_served(host: str) -> None:
    assert Settings(host=host).host == host


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org", "", "127.1", "127.0.0.1:80"])
def test_what_is_not_an_address_is_refused(host: str) -> None:
    assert refusal(host=host) == (
        "Value error, this is not an IP address. Write one, such as 127.0.0.1, or 0.0.0.0 for all."
    )


OTHERS = ["0.0.0.0", "::", "192.168.1.5", "8.8.8.8"]  # noqa: S104 - looked at, not served


@pytest.mark.parametrize("host", OTHERS)
def test_any_other_address_needs_the_public_address_that_tokens_are_for(host: str) -> None:
    assert refusal(host=host) == (
        "Value error, RECUMBENT_PUBLIC_URL is needed where host is not a loopback address (127.0.0.1)."
    )
    assert Settings(host=host, public_url="https://cds.example.org").local is False


def test_a_demonstration_is_for_this_machine_alone() -> None:
    assert refusal(host="8.8.8.8", public_url="https://cds.example.org", demo=True) == (
        "Value error, a demonstration can serve a loopback address (127.0.0.1) alone."
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, True),
        ("http://localhost:9000", True),
        ("https://127.0.0.1/leg", True),
        ("https://cds.example.org", False),
        ("https://127.0.0.1.example.org", False),
    ],
)
def test_whether_others_can_call_is_told_by_the_public_address_too(url: str | None, expected: bool) -> None:
    assert Settings(public_url=url).local is expected


def test_a_public_address_without_encryption_is_refused_except_on_this_machine() -> None:
    assert refusal(public_url="http://cds.example.org") == (
        "Value error, public_url must be an https address, except on this machine."
    )


@pytest.mark.parametrize("port", [0, -1, 65536, "many", 80.5])
def test_a_port_that_is_none_is_refused(port: object) -> None:
    assert refusal(port=port)


@pytest.mark.parametrize("profile", ["auto", "epic", "generic-3.0"])
def test_a_profile_that_is_there_can_be_set(profile: str) -> None:
    assert Settings(profile=profile).client_profile == (None if profile == "auto" else profile)  # type: ignore[arg-type]


def test_a_profile_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="Input should be"):
        Settings(profile="cerner")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", set()),
        ("https://ehr.example.org/fhir", {"https://ehr.example.org/fhir"}),
        ("https://a.example/fhir/, https://b.example:8443/r4", {"https://a.example/fhir", "https://b.example:8443/r4"}),
        ('["http://127.0.0.1:8090/fhir"]', {"http://127.0.0.1:8090/fhir"}),
        ("http://[::1]:8090 http://localhost/fhir", {"http://[::1]:8090", "http://localhost/fhir"}),
    ],
)
def test_fhir_servers_are_listed_as_text_or_json(
    monkeypatch: pytest.MonkeyPatch, given: str, expected: set[str]
) -> None:
    monkeypatch.setenv("RECUMBENT_FHIR_SERVERS", given)

    assert Settings().fhir_servers == expected


@pytest.mark.parametrize(
    "server",
    [
        "http://ehr.example.org/fhir",
        "http://10.0.0.1/fhir",
        "https://ehr.example.org/fhir?tenant=1",
        "https://user@ehr.example.org/fhir",
        "https://ehr.example.org/fhir/../admin",
        "https://EHR.example.org/fhir",
        "https://*.example.org/fhir",
        "ehr.example.org/fhir",
        "ftp://ehr.example.org",
    ],
)
def test_a_fhir_server_to_which_a_token_should_not_go_is_refused(server: str) -> None:
    assert refusal(fhir_servers=server).startswith("Value error, each FHIR server is a base address such as https://")


def test_a_small_body_limit_is_refused_since_no_call_would_fit() -> None:
    assert refusal(max_body_bytes=1023) == "Input should be greater than or equal to 1024"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"public_url": "https://cds.example.org/leg/"}, "https://cds.example.org/leg"),
        ({"public_url": "https://cds.example.org"}, "https://cds.example.org"),
        ({"port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "::1"}, "http://[::1]:8080"),
    ],
)
def test_links_begin_with_the_public_address(given: dict[str, object], expected: str) -> None:
    assert Settings(**given).base_url == expected  # type: ignore[arg-type]  # each is of its own type


@pytest.mark.parametrize(
    "url", ["cds.example.org", "ftp://x", "https://", "https://x/?a=b", "https://x#a", "https://a b"]
)
def test_a_public_address_that_links_could_not_begin_with_is_refused(url: str) -> None:
    assert refusal(public_url=url)


# ── from the environment ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_setting_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "RECUMBENT_HOST": "::1",
        "RECUMBENT_PORT": "9000",
        "RECUMBENT_DATA": str(tmp_path),
        "RECUMBENT_PUBLIC_URL": "https://cds.example.org",
        "RECUMBENT_LIBRARY": str(tmp_path),
        "RECUMBENT_MODULES": "causes",
        "RECUMBENT_PROFILE": "epic",
        "RECUMBENT_FHIR_SERVERS": "https://ehr.example.org/fhir",
        "RECUMBENT_FHIR_SECONDS": "1.5",
        "RECUMBENT_MAX_CALLS": "8",
        "RECUMBENT_MAX_BODY_BYTES": "2048",
        "RECUMBENT_DEMO": "true",
    }
    assert {f"RECUMBENT_{name}".upper() for name in Settings.model_fields} == set(given)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert Settings() == Settings(
        host="::1",
        port=9000,
        data=tmp_path,
        public_url="https://cds.example.org",
        fhir_servers=frozenset(("https://ehr.example.org/fhir",)),
        fhir_seconds=1.5,
        max_calls=8,
        library=tmp_path,
        modules=frozenset(("causes",)),
        profile="epic",
        max_body_bytes=2048,
        demo=True,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red-flags", {"red-flags"}),
        ("red-flags,causes", {"red-flags", "causes"}),
        (" causes , red-flags ", {"red-flags", "causes"}),
        ('["red-flags","causes"]', {"red-flags", "causes"}),
        ("", set()),
    ],
)
def test_modules_are_a_list_in_any_writing(monkeypatch: pytest.MonkeyPatch, text: str, expected: set[str]) -> None:
    monkeypatch.setenv("RECUMBENT_MODULES", text)

    assert Settings().modules == expected


def test_an_unknown_module_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUMBENT_MODULES", "red-flags,scores")

    assert refusal() == "Input should be 'red-flags', 'causes' or 'order-checks'"


def test_a_misspelt_variable_is_refused_and_the_known_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUMBENT_PROT", "9000")

    assert refusal() == (
        "Value error, RECUMBENT_PROT in the environment is not a setting. Settings are: RECUMBENT_DATA, "
        "RECUMBENT_DEMO, RECUMBENT_FHIR_SECONDS, RECUMBENT_FHIR_SERVERS, RECUMBENT_HOST, RECUMBENT_LIBRARY, "
        "RECUMBENT_MAX_BODY_BYTES, RECUMBENT_MAX_CALLS, RECUMBENT_MODULES, RECUMBENT_PORT, RECUMBENT_PROFILE, "
        "RECUMBENT_PUBLIC_URL."
    )


def test_variables_of_others_are_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUMBENTS_PORT", "1")
    monkeypatch.setenv("PORT", "1")

    assert Settings().port == 8080


def test_the_example_file_names_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    example = (Path(__file__).parents[2] / "deploy" / "env.example").read_text(encoding="utf-8")
    pairs = [line.lstrip("#").split("=", 1) for line in example.splitlines() if "RECUMBENT_" in line and "=" in line]
    for name, value in pairs:
        if f"#{name}=" not in example:
            monkeypatch.setenv(name, value)

    assert {name for name, _ in pairs} == {f"RECUMBENT_{name}".upper() for name in Settings.model_fields}
    assert Settings() == Settings.model_construct(**{n: f.default for n, f in Settings.model_fields.items()})
