import pytest

from rules.pack import Pack, load_pack
from tests.service.fhir.library import write_reading_library
from tests.service.fhir.order_library import write_order_library


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A small library with a fact for each way in which facts are read."""
    return load_pack(write_reading_library(tmp_path_factory.mktemp("reading-library")))


@pytest.fixture(scope="session")
def order_pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The same with facts about draft orders."""
    return load_pack(write_order_library(tmp_path_factory.mktemp("order-library")))
