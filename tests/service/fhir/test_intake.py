from decimal import Decimal
from typing import Any

import pytest

from rules.engine.facts import Absent, Fact, Known, Reason, Unknown
from rules.pack import Pack
from tests.builders import INTAKE, Resource, a_bundle, a_patient, day
from tests.service.fhir.reading import LEFT_OUT, fact_of, read, reason_of


def an_intake(*items: Any, **fields: Any) -> Resource:
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": "q1",
        "questionnaire": INTAKE,
        "status": "completed",
        "authored": f"{day(1)}T09:00:00Z",
        "item": list(items),
    }
    return {key: value for key, value in (response | fields).items() if value is not None}


def item(link_id: str, *answers: Resource, **fields: Any) -> Resource:
    return {"linkId": link_id, "answer": list(answers)} | fields


URGE = item("urge-to-move", {"valueBoolean": True})


def answered(name: str, *responses: Resource, pack: Pack) -> Fact:
    return fact_of(name, a_patient(), pack, intake=a_bundle(responses))


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "answers", "found"),
    [
        ("urge-to-move", [{"valueBoolean": True}], True),
        ("urge-to-move", [{"valueBoolean": False}], False),
        ("urge-to-move", [{"valueBoolean": True}, {"valueBoolean": True}], True),
        ("urge-to-move", [{"valueBoolean": True}, {"valueBoolean": False}], Reason.AMBIGUOUS),
        ("urge-to-move", [{"valueString": "yes"}], Reason.NO_VALUE),
        ("urge-to-move", [{}], Reason.NO_VALUE),
        ("urge-to-move", [None], Reason.NOT_ASKED),
        ("urge-to-move", [], Reason.NOT_ASKED),
        ("severity", [{"valueInteger": 7}], Decimal(7)),
        ("severity", [{"valueDecimal": 6.5}], Decimal("6.5")),
        ("severity", [{"valueInteger": 7}, {"valueInteger": 7}], Decimal(7)),
        ("severity", [{"valueInteger": 7}, {"valueInteger": 3}], Reason.AMBIGUOUS),
        ("severity", [{"valueString": "7"}], Reason.NOT_NUMERIC),
        ("severity", [{"valueDecimal": "NaN"}], Reason.NOT_NUMERIC),
        ("severity", [{"valueDecimal": "1e999999"}], Reason.NOT_NUMERIC),
        ("severity", [], Reason.NOT_ASKED),
        ("side", [{"valueCoding": {"code": "left"}}], frozenset({"left"})),
        ("side", [{"valueCoding": {"system": "urn:x", "code": "left", "display": "L"}}], frozenset({"left"})),
        ("side", [{"valueString": "left"}], frozenset({"left"})),
        ("side", [{"valueCoding": {"code": "middle"}}], Reason.NO_VALUE),
        ("side", [{"valueCoding": {"display": "left"}}], Reason.NO_VALUE),
        ("side", [{"valueBoolean": True}], Reason.NO_VALUE),
        (
            "quality",
            [{"valueCoding": {"code": "aching"}}, {"valueCoding": {"code": "crawling"}}, {"valueString": "odd"}],
            frozenset({"aching", "crawling"}),
        ),
    ],
)
def test_an_answer_is_read_as_its_question_asks(name: str, answers: list[Any], found: Any, pack: Pack) -> None:
    fact = answered(name, an_intake({"linkId": name, "answer": answers}), pack=pack)

    source = "QuestionnaireResponse/q1"
    expected: Fact = Known(found, day(1), source)
    if found is False:
        expected = Absent(day(1), source)
    elif isinstance(found, Reason):
        expected = Unknown(found)
    assert expected == fact


@pytest.mark.parametrize(
    "items",
    [
        [{"linkId": "complaint", "item": [URGE]}],
        [{"linkId": "complaint", "item": {"linkId": "inner", "item": [None, URGE]}}],
        [item("leg-pain", {"valueBoolean": True, "item": [URGE]})],
        [None, {"linkId": "no-such-item", "answer": [{"valueBoolean": False}]}, URGE],
        [{"answer": [{"valueBoolean": False}]}, URGE],
    ],
)
def test_an_item_is_found_wherever_it_stands(items: list[Any], pack: Pack) -> None:
    assert isinstance(answered("urge-to-move", an_intake(*items), pack=pack), Known)


def test_an_item_that_was_not_asked_is_not_no(pack: Pack) -> None:
    assert Unknown(Reason.NOT_ASKED) == answered("saddle", an_intake(URGE), pack=pack)


# ── an item that stands twice ────────────────────────────────────────────────────────────────────────────────────────


def test_an_item_that_stands_twice_with_the_same_answer_is_one_answer(pack: Pack) -> None:
    assert isinstance(answered("urge-to-move", an_intake(URGE, URGE), pack=pack), Known)


def test_an_item_that_stands_twice_with_different_answers_is_not_answered(pack: Pack) -> None:
    response = an_intake(URGE, item("urge-to-move", {"valueBoolean": False}))

    assert Unknown(Reason.AMBIGUOUS) == answered("urge-to-move", response, pack=pack)


def test_choices_of_an_item_that_stands_twice_are_taken_together(pack: Pack) -> None:
    response = an_intake(*(item("quality", {"valueCoding": {"code": code}}) for code in ("aching", "cramping")))

    assert Known(frozenset({"aching", "cramping"}), day(1), "QuestionnaireResponse/q1") == answered(
        "quality", response, pack=pack
    )


# ── which intake ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"questionnaire": "urn:another"}, "another questionnaire"),
        ({"questionnaire": f"{INTAKE}-of-another"}, "another questionnaire"),
        ({"questionnaire": None}, "another questionnaire"),
        ({"status": "in-progress"}, "in-progress"),
        ({"status": "stopped"}, "stopped"),
        ({"status": "entered-in-error"}, "entered-in-error"),
        ({"status": "John Smith"}, "not completed"),
        ({"status": None}, "not completed"),
        ({"authored": f"{day(-2)}T12:00:01Z"}, "dated in the future"),
        ({"authored": None}, "recorded without a date"),
        ({"authored": "today"}, "recorded without a date"),
        ({"authored": "2026"}, "recorded without a date"),
        ({"authored": day(15)}, "only an older value on record"),
        ({"subject": {"reference": "Patient/p2"}}, "another patient"),
    ],
)
def test_an_intake_that_does_not_count_is_left_out_with_its_reason(fields: Resource, said: str, pack: Pack) -> None:
    reading = read(a_patient(), pack, intake=a_bundle([an_intake(URGE, **fields)]))

    assert isinstance(reading.facts["urge-to-move"], Unknown)
    assert {f"QuestionnaireResponse: {said}": 1} == reading.left_out


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "amended"},
        {"questionnaire": f"{INTAKE}|1.0.0"},
        {"questionnaire": f"{INTAKE}|9.9.9"},
        {"authored": day(14)},
        {"authored": "2026-11-21T23:00:00+13:00"},
        {"subject": None},
    ],
)
def test_a_completed_intake_of_any_version_counts(fields: Resource, pack: Pack) -> None:
    assert isinstance(answered("urge-to-move", an_intake(URGE, **fields), pack=pack), Known)


def test_an_answer_that_is_too_old_is_shown_but_not_used(pack: Pack) -> None:
    last = Known(True, day(15), "QuestionnaireResponse/q1")

    fact = answered("urge-to-move", an_intake(URGE, authored=day(15)), pack=pack)

    assert Unknown(Reason.TOO_OLD, last) == fact


def test_an_old_intake_does_not_answer_what_it_left_empty(pack: Pack) -> None:
    response = an_intake(URGE, {"linkId": "saddle"}, authored=day(15))

    assert Unknown(Reason.NOT_ASKED) == answered("saddle", response, pack=pack)


def test_an_intake_of_which_one_answer_counts_is_not_left_out(pack: Pack) -> None:
    response = an_intake(URGE, item("severity", {"valueString": "7"}))

    reading = read(a_patient(), pack, intake=a_bundle([response]))

    assert Unknown(Reason.NOT_NUMERIC) == reading.facts["severity"]
    assert reading.left_out == {}


@pytest.mark.parametrize("order", [1, -1])
def test_of_each_item_the_newest_answer_counts(order: int, pack: Pack) -> None:
    saddle = item("saddle", {"valueBoolean": True})
    older = an_intake(URGE, saddle, id="q1", authored=f"{day(1)}T08:00:00Z")
    newer = an_intake(item("urge-to-move", {"valueBoolean": False}), id="q2", authored=f"{day(1)}T18:00:00Z")

    facts = read(a_patient(), pack, intake=a_bundle([older, newer][::order])).facts

    assert Absent(day(1), "QuestionnaireResponse/q2") == facts["urge-to-move"]
    assert Known(True, day(1), "QuestionnaireResponse/q1") == facts["saddle"]


def test_an_older_answer_counts_behind_a_newer_that_cannot_be_used(pack: Pack) -> None:
    newer = an_intake(item("urge-to-move", {"valueString": "?"}), id="q2", authored=day(0))

    fact = answered("urge-to-move", an_intake(URGE), newer, pack=pack)

    assert Known(True, day(1), "QuestionnaireResponse/q1") == fact


# ── no intake ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (a_bundle([]), Reason.NOT_ASKED),
        (None, Reason.NOT_ASKED),
        (LEFT_OUT, Reason.NOT_LOOKED),
        ({"resourceType": "OperationOutcome"}, Reason.FAILED),
        (a_bundle([an_intake()], link=[{"relation": "next"}]), Reason.INCOMPLETE),
        (a_bundle([an_intake(5)]), Reason.UNREADABLE),
        (a_bundle([an_intake(item("urge-to-move", {"valueBoolean": "true"}))]), Reason.UNREADABLE),
        ("text", Reason.UNREADABLE),
    ],
)
def test_an_item_without_an_answer_says_why(answer: Any, reason: Reason, pack: Pack) -> None:
    assert reason is reason_of("urge-to-move", a_patient(), pack, intake=answer)


def test_a_patient_of_the_builder_is_read_as_answered(pack: Pack) -> None:
    patient = (
        a_patient()
        .answered("urge-to-move")
        .answered("saddle", False)
        .answered("severity", 7)
        .answered("side", "left")
        .answered("quality", ["aching", "cramping"], on=day(3))
    )

    facts = read(patient, pack).facts

    names = ("urge-to-move", "saddle", "severity", "side", "quality")
    assert [True, None, Decimal(7), frozenset({"left"}), frozenset({"aching", "cramping"})] == [
        fact.value if isinstance(fact := facts[name], Known) else None for name in names
    ]
    assert isinstance(facts["saddle"], Absent)
