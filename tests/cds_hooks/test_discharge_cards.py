"""At a discharge: the red flags that nothing on record answers, and what to come back for."""

from dataclasses import replace

import pytest

from cds_hooks.detail import DETAIL_LIMIT
from cds_hooks.discharge_cards import discharge_cards
from cds_hooks.fingerprint import fingerprints
from cds_hooks.response import Card
from rules.pack import Pack
from rules.texts import LONGEST_SUMMARY, length_of
from service.decide import DataNeededError
from tests.builders import Patient, a_patient, coded, day
from tests.cds_hooks.calls import a_basis, answered
from tests.engine.builders import known

CAUDA = a_patient().answered("leg-pain").answered("saddle").answered("back-pain")
FLAGS, NET = "legpainredflags", "legpainsafetynet"


def cards(pack: Pack, patient: Patient) -> dict[str, Card]:
    """By topic."""
    decision = answered(pack, "encounter-discharge", patient, encounterId="e1")
    return {card.source.topic.code: card for card in decision.response.cards}


def requested(patient: Patient, pack: Pack, value_set: str, status: str = "active") -> Patient:
    """With a request of the first code of a value set."""
    concept = pack.library.value_sets[value_set].concepts[0]
    return patient.with_resource(
        {
            "resourceType": "ServiceRequest",
            "id": "r1",
            "status": status,
            "intent": "order",
            "code": coded(concept.code, concept.system),
            "subject": {"reference": "Patient/p1"},
            "authoredOn": day(0),
        }
    )


def test_an_open_red_flag_is_told_before_the_safety_net(shipped_pack: Pack) -> None:
    told = cards(shipped_pack, CAUDA)

    assert list(told) == [FLAGS, NET]
    assert (told[FLAGS].indicator, told[NET].indicator) == ("critical", "info")
    assert told[FLAGS].summary.startswith("Still open at discharge: cauda equina syndrome.")


@pytest.mark.parametrize(("status", "open_"), [("active", False), ("completed", False), ("draft", True)])
def test_a_red_flag_is_open_until_a_request_is_under_way(shipped_pack: Pack, status: str, open_: bool) -> None:
    told = cards(shipped_pack, requested(CAUDA, shipped_pack, "order-mri-lumbar-spine", status))

    assert (FLAGS in told) is open_
    assert ("is on record for: cauda equina syndrome" in told[NET].detail) is not open_


def test_a_request_for_another_red_flag_answers_nothing(shipped_pack: Pack) -> None:
    assert FLAGS in cards(shipped_pack, requested(CAUDA, shipped_pack, "order-venous-duplex-leg"))


def test_a_leg_complaint_alone_gets_the_safety_net(shipped_pack: Pack) -> None:
    assert list(cards(shipped_pack, a_patient().answered("leg-pain"))) == [NET]


def test_the_return_advice_of_the_flag_that_fired_stands_first(shipped_pack: Pack) -> None:
    detail = cards(shipped_pack, CAUDA)[NET].detail

    lines = [line for line in detail.splitlines() if line.startswith("- ")]
    assert "numb" in lines[0]
    assert "urine or stool" in lines[0]


def test_without_a_complaint_or_a_red_flag_nothing_is_said(shipped_pack: Pack) -> None:
    quiet = a_patient().answered("leg-pain", False).answered("saddle", False)

    assert cards(shipped_pack, quiet) == {}


@pytest.mark.parametrize(
    "patient", [a_patient().being(deceasedBoolean=True), a_patient()], ids=["dead", "no complaint"]
)
def test_nothing_is_said_of_those_without_a_leg_complaint(shipped_pack: Pack, patient: Patient) -> None:
    assert cards(shipped_pack, patient) == {}


def test_without_any_source_of_a_complaint_the_call_is_refused(shipped_pack: Pack) -> None:
    with pytest.raises(DataNeededError):
        answered(shipped_pack, "encounter-discharge", a_patient(), keys=("patient",), encounterId="e1")


def test_summary_and_detail_keep_their_length(shipped_pack: Pack) -> None:
    ill = CAUDA.answered("cool").answered("pulses-absent").answered("onset", "under-24-hours").answered("breathless")
    told = cards(shipped_pack, ill.answered("blue-black").answered("joint-swollen")).values()

    assert [card.summary for card in told if length_of(card.summary) > LONGEST_SUMMARY] == []
    assert [card.summary for card in told if len(card.detail) > DETAIL_LIMIT] == []


def test_a_new_red_flag_brings_the_safety_net_back(shipped_pack: Pack) -> None:
    grounds = [
        fingerprints(discharge_cards(basis)[-1], basis)
        for basis in (a_basis(shipped_pack, known(**facts)) for facts in ({"leg_pain": True}, {"saddle": True}))
    ]

    assert not set(grounds[0]) & set(grounds[1])


def test_a_library_without_a_safety_net_still_tells_what_is_open(shipped_pack: Pack) -> None:
    bare = replace(shipped_pack, library=replace(shipped_pack.library, safety_net={}))

    told = discharge_cards(a_basis(bare, known(saddle=True)))
    assert [card.source.topic.code for card in told] == [FLAGS]
