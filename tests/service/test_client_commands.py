"""`recumbent client …`: what it stores, shows and refuses."""

from pathlib import Path

import pytest

from tests.service.auth.tokens import EHR, EHR_URL, a_key, jwks
from tests.service.commands import Run


def test_a_client_is_added_shown_disabled_enabled_and_removed(run: Run, tmp_path: Path) -> None:
    where = ("--data", tmp_path, "--json")
    added = run("client", "add", EHR, "--jwks-url", EHR_URL, "--tenant", "north", "--tenant", "south", *where).json
    listed = run("client", "list", *where).json
    disabled = run("client", "disable", EHR, *where).json
    enabled = run("client", "enable", EHR, *where).json
    shown = run("client", "show", EHR, *where).json
    removed = run("client", "remove", EHR, *where).json

    assert added == {
        "issuer": EHR,
        "jwks_url": EHR_URL,
        "jwks": None,
        "algorithms": ["ES384", "RS384"],
        "audiences": [],
        "tenants": ["north", "south"],
        "fhir_servers": [],
        "hooks": [],
        "profile": "generic-2.0.1",
        "enabled": True,
    }
    assert (listed, enabled, shown, removed) == ([added], added, added, added)
    assert disabled == added | {"enabled": False}
    assert run("client", "list", *where).json == []


def test_the_texts_are_for_people(run: Run, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(jwks(a_key()))
    where = ("--data", tmp_path)
    told = [
        run("client", "add", EHR, "--jwks", keys, "--profile", "epic", "--hook", "patient-view", *where).out,
        run("client", "disable", EHR, *where).out,
        run("client", "list", *where).out,
        run("client", "enable", EHR, *where).out,
        run("client", "remove", EHR, *where).out,
    ]

    assert told == [
        "Registered. A running service accepts its tokens within a second.\n",
        "Disabled.\n",
        f"{EHR}  epic  disabled\n",
        "Enabled.\n",
        "Removed. No client is left: the next start serves this machine only.\n",
    ]


def test_show_names_everything(run: Run, tmp_path: Path) -> None:
    run("client", "add", EHR, "--jwks-url", EHR_URL, "--data", tmp_path)
    shown = run("client", "show", EHR, "--data", tmp_path).out

    assert shown.splitlines()[:5] == [
        f"issuer: {EHR}",
        f"jwks_url: {EHR_URL}",
        "jwks: -",
        "algorithms: ES384, RS384",
        "audiences: -",
    ]
    assert shown.endswith("enabled: true\n")


def test_an_issuer_is_not_registered_twice(run: Run, tmp_path: Path) -> None:
    add = ("client", "add", EHR, "--jwks-url", EHR_URL, "--data", tmp_path)
    run(*add)
    again = run(*add)

    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("This issuer is registered already.")


@pytest.mark.parametrize("command", ["show", "disable", "enable", "remove"])
def test_an_unknown_client_is_said(run: Run, tmp_path: Path, command: str) -> None:
    run("client", "add", EHR, "--jwks-url", EHR_URL, "--data", tmp_path)
    ran = run("client", command, "https://nobody.example.org", "--data", tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "There is no client of this issuer. `recumbent client list` names them all.\n"


def test_a_folder_without_a_store_is_said_and_not_made(run: Run, tmp_path: Path) -> None:
    ran = run("client", "list", "--data", tmp_path / "none")

    assert (ran.code, (tmp_path / "none").exists()) == (1, False)
    assert "--data" in ran.err


def test_a_file_that_cannot_be_read_is_said(run: Run, tmp_path: Path) -> None:
    ran = run("client", "add", EHR, "--jwks", tmp_path / "none.json", "--data", tmp_path)

    assert ran.code == 1
    assert ran.err.endswith("this file cannot be read as text. Name a file with a JWK Set.\n")


def test_the_sandbox_needs_a_word_of_demonstration(run: Run, tmp_path: Path) -> None:
    sandbox = "https://sandbox.cds-hooks.org"
    add = ("client", "add", sandbox, "--jwks-url", f"{sandbox}/.well-known/jwks.json", "--data", tmp_path)
    codes = [run(*add).code, run(*add, "--demo").code]

    assert codes == [1, 0]
