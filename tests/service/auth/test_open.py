"""Without a registered client only this machine is served, and nothing else is even started."""

from pathlib import Path
from typing import Any

import pytest

from service.app import OpenServiceError, create_app
from service.settings import Settings
from service.storage.clients import ClientStore
from service.storage.database import open_store
from tests.builders import AS_OF
from tests.mini_library import write_library
from tests.service.auth.tokens import a_client
from tests.service.commands import Run

PUBLIC = "https://cds.example.org"
ELSEWHERE: list[dict[str, Any]] = [{"host": "192.168.1.5", "public_url": PUBLIC}, {"public_url": PUBLIC}]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.mark.parametrize("given", ELSEWHERE)
def test_without_a_client_no_other_address_is_served(library: Path, tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(OpenServiceError):
        create_app(Settings(library=library, data=tmp_path, **given), lambda: AS_OF)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("given", ELSEWHERE)
def test_with_a_client_it_is_served_and_not_open(
    library: Path, tmp_path: Path, given: dict[str, Any], enabled: bool
) -> None:
    ClientStore(open_store(tmp_path)).add(a_client(enabled=enabled))
    app = create_app(Settings(library=library, data=tmp_path, **given), lambda: AS_OF)

    assert app.state.recumbent.callers.registry.open is False


def test_the_command_refuses_to_start_open_and_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUMBENT_PUBLIC_URL", PUBLIC)
    ran = run("serve", "--port", "18082", "--data", tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("No client is registered, so anyone could call. Register one with `recumbent client add`")
