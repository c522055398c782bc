from decimal import Decimal
from typing import Any

import pytest

from rules.engine.facts import Absent, Fact, Interval, Known, Reason, Unknown
from rules.pack import Pack
from tests.builders import Resource, a_patient, day
from tests.service.fhir.reading import LEFT_OUT, fact_of, read


@pytest.mark.parametrize(
    ("born", "found"),
    [
        ("1965-03-14", Decimal(61)),
        ("1965", Interval(Decimal(60), Decimal(61))),
        ("1965-11", Interval(Decimal(60), Decimal(61))),
        ("2026-11-21", Decimal(0)),
        ("1896-11-21", Decimal(130)),
        ("1896", Interval(Decimal(129), Decimal(130))),
        ("1895", Reason.IMPLAUSIBLE),
        (day(-1), Reason.IMPLAUSIBLE),
        ("1895-11-21", Reason.IMPLAUSIBLE),
        ("0001-01-01", Reason.IMPLAUSIBLE),
        ("14.03.1965", Reason.UNREADABLE),
        ("1965-13", Reason.UNREADABLE),
        ("", Reason.NONE_RECORDED),
        (None, Reason.NONE_RECORDED),
        (1965, Reason.UNREADABLE),  # then the Patient cannot be read at all
    ],
)
def test_age_is_known_as_exactly_as_the_date_of_birth(born: Any, found: Any, pack: Pack) -> None:
    fact = fact_of("age", a_patient().being(birthDate=born), pack)

    assert (Unknown(found) if isinstance(found, Reason) else Known(found, born, "Patient/p1")) == fact


@pytest.mark.parametrize(
    ("gender", "found"),
    [
        ("female", Known(frozenset({"female"}), source="Patient/p1")),
        ("male", Known(frozenset({"male"}), source="Patient/p1")),
        ("other", Known(frozenset({"other"}), source="Patient/p1")),
        ("unknown", Unknown(Reason.NONE_RECORDED)),
        ("Female", Unknown(Reason.NONE_RECORDED)),
        (None, Unknown(Reason.NONE_RECORDED)),
    ],
)
def test_sex_is_what_the_record_says(gender: str | None, found: Fact, pack: Pack) -> None:
    assert found == fact_of("sex", a_patient().being(gender=gender), pack)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, Absent(source="Patient/p1")),
        ({"deceasedBoolean": False}, Absent(source="Patient/p1")),
        ({"deceasedDateTime": None}, Absent(source="Patient/p1")),
        ({"deceasedBoolean": True}, Known(True, source="Patient/p1")),
        ({"deceasedDateTime": "2026-11"}, Known(True, source="Patient/p1")),
        ({"deceasedDateTime": "unknown"}, Known(True, source="Patient/p1")),
    ],
)
def test_a_person_has_died_if_the_record_says_so(fields: Resource, found: Fact, pack: Pack) -> None:
    assert found == fact_of("deceased", a_patient().being(**fields), pack)


def test_the_patient_of_the_call_is_found(pack: Pack) -> None:
    reading = read(a_patient(), pack)

    assert (reading.has_patient, reading.wrong_patient) == (True, False)


def test_another_patient_is_not_taken_for_the_one_of_the_call(pack: Pack) -> None:
    reading = read(a_patient(), pack, patient=a_patient("p2").person)

    assert (reading.has_patient, reading.wrong_patient) == (False, True)
    assert Unknown(Reason.NONE_RECORDED) == reading.facts["age"]
    assert reading.left_out == {"Patient: another patient": 1}


@pytest.mark.parametrize("order", [1, -1])
def test_another_patient_beside_the_right_one_does_no_harm(order: int, pack: Pack) -> None:
    people: dict[str, Any] = dict(
        [("patient", a_patient().person), ("more", a_patient("p2").being(gender="male").person)][::order]
    )

    reading = read(a_patient(), pack, **people)

    assert (reading.has_patient, reading.wrong_patient) == (True, False)
    assert Known(frozenset({"female"}), source="Patient/p1") == reading.facts["sex"]


def test_without_a_patient_nothing_is_known_of_the_person(pack: Pack) -> None:
    reading = read(a_patient(), pack, patient=LEFT_OUT)

    assert (reading.has_patient, reading.wrong_patient) == (False, False)
    assert {Unknown(Reason.NOT_LOOKED)} == {reading.facts[name] for name in ("age", "sex", "deceased")}


def test_a_patient_that_cannot_be_read_is_none(pack: Pack) -> None:
    reading = read(a_patient(), pack, patient={"resourceType": "Patient", "id": "p1", "gender": 1})

    assert (reading.has_patient, reading.wrong_patient) == (False, False)
    assert reading.unreadable == {"Patient": 1}
