"""`recumbent evaluate`: a file in, the same decision as a call gives; a wrong file is refused in words."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.request import BadRequestError
from rules.pack import Pack, load_pack
from service.decide import DataNeededError, Decision
from service.evaluate_file import FileError, evaluate_file
from tests.builders import AS_OF, a_patient
from tests.mini_library import write_library

PATIENT = a_patient().answered("saddle").answered("leg-pain").with_lab("2276-4", 32, "ug/L")
NOT_JSON = "The file is not JSON. It should hold a FHIR R4 Bundle or the body of a hook call."
NEITHER = "neither a FHIR R4 Bundle nor a call of one of these hooks: encounter-discharge,"
MARKER = "Marker8c1f6e0b7a"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(write_library(tmp_path_factory.mktemp("library")))


def a_record(*more: Any) -> dict[str, Any]:
    entries = [{"resource": each} for each in (*PATIENT.resources(), *more)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def written(folder: Path, content: Any, name: str = "patient.json") -> Path:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder / name


def kinds(decision: Decision) -> list[str]:
    return [card.source.topic.code for card in decision.response.cards]


def test_a_bundle_of_one_patient_is_evaluated(tmp_path: Path, pack: Pack) -> None:
    decision = evaluate_file(written(tmp_path, a_record()), pack, AS_OF)

    assert kinds(decision) == ["legpainredflags"]


def test_a_hook_call_is_evaluated(tmp_path: Path, pack: Pack) -> None:
    decision = evaluate_file(written(tmp_path, PATIENT.hook_body(pack)), pack, AS_OF)

    assert kinds(decision) == ["legpainredflags"]


def test_a_call_of_encounter_start_is_evaluated(tmp_path: Path, pack: Pack) -> None:
    body = PATIENT.hook_body(pack, "encounter-start", encounterId="e1")

    assert kinds(evaluate_file(written(tmp_path, body), pack, AS_OF)) == ["legpainredflags"]


@pytest.mark.parametrize("name", ["patient.json.gz", "call.gz"])
def test_a_compressed_file_is_the_same_as_the_plain_one(tmp_path: Path, pack: Pack, name: str) -> None:
    plain = evaluate_file(written(tmp_path, a_record()), pack, AS_OF)
    compressed = evaluate_file(written(tmp_path, a_record(), name), pack, AS_OF)

    assert plain.response == compressed.response


def test_the_same_file_and_moment_give_the_same_decision(tmp_path: Path, pack: Pack) -> None:
    file = written(tmp_path, a_record())

    assert evaluate_file(file, pack, AS_OF) == evaluate_file(file, pack, AS_OF)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "The file is not JSON. It should hold a FHIR R4 Bundle or the body of a hook call."),
        (
            b"patient;ferritin\n1;32",
            "The file is not JSON. It should hold a FHIR R4 Bundle or the body of a hook call.",
        ),
        (b'{"a": "\xff"}', "neither a FHIR R4 Bundle nor a call of one of these hooks: encounter-discharge,"),
        (b'{"hook": "\xff"}', "The file is not JSON. It should hold a FHIR R4 Bundle or the body of a hook call."),
        ([], "neither a FHIR R4 Bundle nor a call of one of these hooks: encounter-discharge,"),
        ({"hook": 7}, "neither a FHIR R4 Bundle nor a call of one of these hooks: encounter-discharge,"),
        ({"hook": "order-dispatch"}, "neither a FHIR R4 Bundle nor a call of one of these hooks"),
        (PATIENT.person, "neither a FHIR R4 Bundle nor a call of one of these hooks"),
        (b"[" * 100_000, "it nests too deep, or its brackets do not match. It should hold FHIR JSON."),
        (b'{"resourceType": "Bundle", "entry": ', "it nests too deep, or its brackets do not match."),
        (
            {"resourceType": "Bundle"},
            "The Bundle holds 0 patients with an id. It should hold the record of exactly one.",
        ),
        (
            {"resourceType": "Bundle", "entry": {}},
            "The Bundle cannot be read. Its entries should be a list of resources.",
        ),
        (a_record(a_patient("p2").person), "The Bundle holds 2 patients with an id."),
        (a_record({"resourceType": "Patient"}), "It should hold the record of exactly one."),
    ],
)
def test_a_file_that_is_something_else_is_refused_in_words(tmp_path: Path, pack: Pack, content: Any, text: str) -> None:
    with pytest.raises(FileError) as caught:
        evaluate_file(written(tmp_path, content), pack, AS_OF)

    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("missing.json", None, "No such file or directory"),
        ("text.gz", b"{}", "not a whole gzip file"),
        ("cut.gz", gzip.compress(b"{}", mtime=0)[:-9], "not a whole gzip file"),
        ("broken.gz", gzip.compress(b"", mtime=0)[:10] + b"\x07" * 20, "not a whole gzip file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, pack: Pack, name: str, content: bytes | None, error: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError) as caught:
        evaluate_file(tmp_path / name, pack, AS_OF)

    assert str(caught.value) == f"{tmp_path / name}: it cannot be read ({error}). Check the path."


def test_a_folder_is_not_a_file(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(FileError, match="Is a directory"):
        evaluate_file(tmp_path, pack, AS_OF)


def test_a_bad_call_is_refused_as_over_http(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(BadRequestError, match="hookInstance is missing"):
        evaluate_file(written(tmp_path, {"hook": "patient-view"}), pack, AS_OF)


def test_a_call_without_the_patient_is_refused_as_over_http(tmp_path: Path, pack: Pack) -> None:
    call = json.loads(a_patient().hook_body(pack)) | {"prefetch": {}}

    with pytest.raises(DataNeededError, match=r"prefetch\.patient"):
        evaluate_file(written(tmp_path, call), pack, AS_OF)


@pytest.mark.parametrize("content", [MARKER.encode(), {"hook": MARKER}, {"resourceType": MARKER}, {MARKER: MARKER}])
def test_a_refusal_repeats_nothing_of_the_file(tmp_path: Path, pack: Pack, content: Any) -> None:
    with pytest.raises(FileError) as caught:
        evaluate_file(written(tmp_path, content), pack, AS_OF)

    assert MARKER not in str(caught.value)
