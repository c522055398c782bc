"""A problem that was just put on the list: what it calls for, beside its red flags."""

from typing import Any

import pytest

from cds_hooks.detail import DETAIL_LIMIT
from cds_hooks.response import Card
from rules.pack import Pack
from rules.texts import LONGEST_SUMMARY, length_of
from service.decide import DataNeededError
from tests.builders import Patient, Resource, a_patient
from tests.cds_hooks.calls import answered
from tests.cds_hooks.drafts import drafts_of

RESTLESS, LEG_PAIN, VIRUS = "32914008", "10601006", "444814009"
PROBLEM, FLAGS = "legpainproblem", "legpainredflags"


def a_problem(code: str, **fields: Any) -> Resource:
    return a_patient().with_condition(code, **{"id": "new"} | fields).chart[0]


def cards(pack: Pack, *problems: Any, patient: Patient | None = None, **how: Any) -> dict[str, Card]:
    """By topic."""
    decision = answered(pack, "problem-list-item-create", patient, conditions=drafts_of(*problems), **how)
    return {card.source.topic.code: card for card in decision.response.cards}


def test_a_new_cause_of_ours_is_told_with_what_it_calls_for(shipped_pack: Pack) -> None:
    card = cards(shipped_pack, a_problem(RESTLESS))[PROBLEM]
    (entry,) = card.extension["org.recumbent.findings"]

    assert "restless legs syndrome" in card.summary
    assert (entry["cause"], entry["known"], entry["redFlag"]) == ("restless-legs-syndrome", True, False)
    assert [each["source"] for each in entry["evidence"]] == ["Condition/new"]
    assert length_of(card.summary) <= LONGEST_SUMMARY
    assert len(card.detail) <= DETAIL_LIMIT


def test_a_red_flag_is_told_before_the_new_problem(shipped_pack: Pack) -> None:
    told = cards(shipped_pack, a_problem(RESTLESS), patient=a_patient().answered("saddle"))

    assert list(told)[:2] == [FLAGS, PROBLEM]


def test_a_new_complaint_is_answered_like_an_opened_chart(shipped_pack: Pack) -> None:
    told = cards(shipped_pack, a_problem(LEG_PAIN), patient=a_patient().answered("urge-to-move"))

    assert PROBLEM not in told
    assert "legpaincauses" in told


@pytest.mark.parametrize(
    "problem",
    [
        a_problem(VIRUS),
        a_problem(RESTLESS, subject={"reference": "Patient/another"}),
        a_problem(RESTLESS, verificationStatus={"coding": [{"code": "entered-in-error"}]}),
        a_problem(RESTLESS, verificationStatus={"coding": [{"code": "refuted"}]}),
        a_problem(RESTLESS, clinicalStatus=7),
        "junk",
        {"resourceType": "Patient", "id": "another"},
    ],
    ids=["of no concern", "another patient", "an error", "refuted", "unreadable", "junk", "no problem at all"],
)
def test_nothing_is_said_of_what_is_no_new_problem_of_ours(shipped_pack: Pack, problem: Any) -> None:
    assert cards(shipped_pack, problem) == {}


def test_what_was_on_the_list_before_is_not_new(shipped_pack: Pack) -> None:
    known = a_patient().with_condition(RESTLESS, id="old")

    assert cards(shipped_pack, a_problem(VIRUS), patient=known) == {}


def test_a_new_problem_is_told_though_the_record_was_not_sent(shipped_pack: Pack) -> None:
    assert PROBLEM in cards(shipped_pack, a_problem(RESTLESS), keys=("patient",))


def test_without_the_patient_the_call_is_refused(shipped_pack: Pack) -> None:
    with pytest.raises(DataNeededError):
        cards(shipped_pack, a_problem(RESTLESS), keys=())


def test_no_text_of_a_problem_is_printed(shipped_pack: Pack) -> None:
    evil = a_problem(RESTLESS, note=[{"text": "evil"}])
    evil["code"] |= {"text": "restless legs <script>evil</script> [x](javascript:alert(1))"}
    told = repr(cards(shipped_pack, evil))

    assert PROBLEM in told
    assert [mark for mark in ("evil", "<script") if mark in told] == []
