"""The FHIR server of the EHR: searches with pages, refusals, and callers of other origins."""

import pytest
from starlette.testclient import TestClient

from tests.builders import a_patient
from tests.ehr.fhir_server import Store, fhir_app


@pytest.fixture
def store() -> Store:
    patient = a_patient()
    for number in range(5):
        patient = patient.with_lab("2276-4", number, "ng/mL", on=f"2026-11-0{number + 1}", id=f"o{number}")
    return Store(patient.resources())


@pytest.fixture
def fhir(store: Store) -> TestClient:
    return TestClient(fhir_app(store))


def test_the_pages_of_a_search_hold_each_resource_once_the_newest_first(fhir: TestClient) -> None:
    urls, found = ["http://testserver/Observation?patient=p1&_sort=-date&_count=2"], []
    for url in urls:
        bundle = fhir.get(url).json()
        found += [entry["resource"]["id"] for entry in bundle["entry"]]
        urls += [each["url"] for each in bundle.get("link", ())]

    assert found == ["o4", "o3", "o2", "o1", "o0"]
    assert [url.partition("?")[0] for url in urls] == ["http://testserver/Observation"] * 3


def test_a_search_by_post_gives_what_a_search_by_get_gives(fhir: TestClient) -> None:
    query = {"patient": "p1", "code": "http://loinc.org|2276-4", "date": "ge2026-11-04"}

    by_get = fhir.get("/Observation", params=query).json()
    by_post = fhir.post("/Observation/_search", data=query).json()

    assert by_post == by_get
    assert by_get["total"] == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Observation?patient=p1&category=laboratory", 400),
        ("/Observation?patient=p1&date=lt2026-11-21", 400),
        ("/Observation?patient=p1&_sort=code", 400),
        ("/Observation?patient=p1&_count=0", 400),
        ("/Observation?patient=p1&_count=many", 400),
        ("/Observation?patient=p1&_page=²", 400),
        ("/Basic?patient=p1", 404),
        ("/Observation/none", 404),
    ],
)
def test_what_it_does_not_know_is_refused_with_an_outcome(fhir: TestClient, path: str, status: int) -> None:
    answer = fhir.get(path)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["severity"] == "error"


@pytest.mark.parametrize("epic", [False, True])
def test_a_search_that_finds_nothing_has_no_match(store: Store, epic: bool) -> None:
    bundle = TestClient(fhir_app(store, empty_with_outcome=epic)).get("/Condition?patient=p1").json()

    assert bundle["total"] == 0
    assert [entry["search"]["mode"] for entry in bundle.get("entry", ())] == (["outcome"] if epic else [])


def test_what_is_created_can_be_read_and_deleted_under_the_id_of_the_server(fhir: TestClient) -> None:
    made = fhir.post("/ServiceRequest", json={"resourceType": "ServiceRequest", "id": "mine", "status": "draft"})
    path = made.headers["Location"].removeprefix("http://testserver")
    read = fhir.get(path)
    fhir.delete(path)

    assert made.status_code == 201
    assert read.json() == {"resourceType": "ServiceRequest", "id": "new-1", "status": "draft"}
    assert fhir.get(path).status_code == 404
    assert fhir.get("/ServiceRequest/mine").status_code == 404


@pytest.mark.parametrize("content", [b"", b"[]", b'{"resourceType": "Patient"}'])
def test_a_create_of_anything_else_is_refused(fhir: TestClient, content: bytes) -> None:
    assert fhir.post("/ServiceRequest", content=content).status_code == 400


def test_a_browser_of_another_origin_may_call_with_a_token(fhir: TestClient) -> None:
    wish = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    allowed = fhir.options("/Patient/p1", headers={"Origin": "https://app.example.org"} | wish)

    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "authorization" in allowed.headers["access-control-allow-headers"]
