"""The whole program with the shipped library, and EHRs of each manner that call it in process."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF
from tests.ehr.client import Ehr
from tests.ehr.fhir_server import Store, fhir_app
from tests.ehr.manners import Manner
from tests.ehr.stories import stories

Connect = Callable[[Manner], Ehr]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=tmp_path_factory.mktemp("data")), lambda: AS_OF)) as client:
        yield client


@pytest.fixture
def store() -> Store:
    """The charts of all stories, and who works with them."""
    resources = [resource for story in stories(AS_OF).values() for resource in story.resources]
    return Store([*resources, {"resourceType": "PractitionerRole", "id": "role-1"}])


@pytest.fixture
def connect(service: TestClient, store: Store) -> Connect:
    """`connect(Epic())` is an EHR of this manner."""

    def _connect(manner: Manner) -> Ehr:
        fhir = TestClient(fhir_app(store, empty_with_outcome=manner.empty_with_outcome))
        return Ehr(manner, service, fhir, lambda: AS_OF)

    return _connect
