"""The whole program over a mini library and a data folder of its own, called in process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rules.pack import Pack, load_pack
from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF
from tests.mini_library import write_library


@pytest.fixture(scope="package")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="package")
def pack(library: Path) -> Pack:
    return load_pack(library)


@pytest.fixture(scope="package")
def settings(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(library=library, data=tmp_path_factory.mktemp("data"), max_body_bytes=1 << 20)


@pytest.fixture(scope="package")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, lambda: AS_OF)) as client:
        yield client
