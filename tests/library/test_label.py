"""The label of a rule version: complete for every shipped rule, and true of what the rule reads."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules.engine.rule import CauseRule, Rule
from rules.engine.vocabulary import SourceAttribute
from rules.fact_words import days_in_words
from rules.label import Label, decode, encode, labels_of
from rules.loader import load
from rules.pack import Pack, load_pack
from rules.reads import reads_of
from tests.broken.small_library import copy_library
from tests.mini_library import FACTS, write_library

PACK = load_pack()
LABELS = {label.rule: label for label in labels_of(PACK.library, PACK.terminology)}
each_label = pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
THE_13 = (
    "citation",
    "developer",
    "funding",
    "dates",
    "race",
    "ethnicity",
    "language",
    "sexual-orientation",
    "gender-identity",
    "sex",
    "date-of-birth",
    "social-determinants-of-health",
    "health-status-assessments",
)


def small_labels(tmp_path: Path, *changes: tuple[str, str, str]) -> dict[str, Label]:
    """The labels of the small library, after changes of (file, text, other text)."""
    folder = copy_library(tmp_path)
    for file, old, new in changes:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    loaded = load(folder)
    return {label.rule: label for label in labels_of(loaded.library, loaded.terminology)}


def used(label: Label) -> set[str]:
    """The data that a label says are used."""
    return {each.id for each in label.attributes if each.used}


# ── every shipped rule ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_rule_has_a_label() -> None:
    assert [f"{module}/{rule.id}" for module, rule in PACK.library.rules()] == list(LABELS)


@each_label
def test_a_label_states_all_13_source_attributes_and_leaves_none_blank(label: Label) -> None:
    assert tuple(each.id for each in label.attributes) == THE_13
    assert [each.id for each in label.attributes if not (each.text or "").strip() or not each.name.strip()] == []
    assert [each.used is None for each in label.attributes] == [True] * 4 + [False] * 9
    assert [each.text[:3] for each in label.attributes if each.used is not None and each.text] == [
        "Yes" if each.used else "No:" for each in label.attributes[4:]
    ]


@each_label
def test_a_label_holds_every_part(label: Label) -> None:
    shape = PACK.library.by_module()[label.rule.split("/")[0]][label.rule.split("/")[1]]
    parts = (
        label.title,
        label.use.intended_use,
        label.use.user,
        label.use.not_for,
        label.logic,
        label.limits,
        label.facts,
        label.cases,
        label.sources,
        label.history,
        label.evidence if isinstance(shape, CauseRule) else True,
    )

    assert all(parts)
    assert [each.name for each in label.thresholds if not each.unit or not each.cites] == []
    assert {name for each in label.facts for name in each.value_sets} == {each.id for each in label.value_sets}
    assert [each.id for each in label.value_sets if not each.codes and not each.prefixes] == []
    assert [each.id for each in label.facts if not each.found] == []


@each_label
def test_every_cite_of_a_label_is_among_its_sources(label: Label) -> None:
    cites = [cite for number in label.thresholds for cite in number.cites]
    cites += [cite for row in label.evidence for cite in row.cites]

    assert {cite.split(" ")[0] for cite in cites} <= {each.id for each in label.sources}
    assert [each.url for each in label.sources if each.url and not each.url.startswith("https://")] == []


@each_label
def test_a_label_names_every_fact_that_the_compiled_rule_reads(label: Label) -> None:
    """The engine works out by itself what a rule reads; the label goes through the shapes."""
    assert set(PACK.rules.reads.get(label.rule, ())) <= {each.id for each in label.facts}


@each_label
def test_a_label_is_the_same_after_it_was_kept(label: Label) -> None:
    assert decode(encode(label)) == label


@each_label
def test_the_history_of_a_label_leads_from_its_version_down_to_the_first(label: Label) -> None:
    assert [each.version for each in label.history] == list(range(label.version, 0, -1))


def test_the_label_of_a_later_format_can_be_read() -> None:
    label = LABELS["causes/sciatica"]
    later = json.loads(encode(label)) | {"format": 2, "somethingNew": [1]}

    assert decode(json.dumps(later).encode()).title == label.title


# ── use of data ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("causes/restless-legs-syndrome", {"date-of-birth", "health-status-assessments"}),
        ("red-flags/iron-deficiency", {"date-of-birth", "sex", "health-status-assessments"}),
        ("scores/kdigo-gfr", {"date-of-birth", "sex"}),
    ],
)
def test_the_data_that_a_shipped_rule_uses(rule: str, expected: set[str]) -> None:
    assert expected <= used(LABELS[rule])


def test_the_age_is_read_for_every_rule_since_nothing_is_said_of_a_child() -> None:
    assert [rule for rule, label in LABELS.items() if "date-of-birth" not in used(label)] == []


def test_a_rule_that_reads_sex_only_through_a_definition_says_so(tmp_path: Path) -> None:
    low_iron = "when: {fact: saturation, below: saturation-low}"
    before = small_labels(tmp_path / "before")["causes/restless-legs"]
    through = (
        "definitions.yaml",
        low_iron,
        "when: {all: [{fact: saturation, below: saturation-low}, {fact: sex, is: female}]}",
    )
    after = small_labels(tmp_path / "after", through)["causes/restless-legs"]

    assert "sex" not in used(before)
    assert "sex" in used(after)


def test_a_fact_that_is_worked_out_from_age_and_sex_uses_both(tmp_path: Path) -> None:
    library = write_library(tmp_path, causes={"restless-legs-syndrome": {"fact": "potassium-rise", "at-least": "high"}})
    rate = {"kind": "derived", "formula": "ckd-epi-2021", "of": ["potassium", "age", "sex"], "unit": "mmol/L"}
    facts = {"facts": {**FACTS, "potassium-rise": rate | {"title": "a rate"}}}
    (library / "facts.yaml").write_text(json.dumps(facts), encoding="utf-8")
    loaded = load(library)
    label = next(each for each in labels_of(loaded.library, loaded.terminology) if each.rule.startswith("causes/"))

    assert {"sex", "date-of-birth"} <= used(label)
    assert {"potassium", "age", "sex"} <= {each.id for each in label.facts}


@pytest.mark.parametrize("attribute", sorted(set(THE_13[4:])))
def test_a_fact_may_say_which_data_it_is(attribute: SourceAttribute, tmp_path: Path) -> None:
    change = ("facts.yaml", "cool: {kind: answer,", f"cool: {{source-attribute: {attribute}, kind: answer,")
    label = small_labels(tmp_path, change)["red-flags/cold-leg"]

    told = next(each for each in label.attributes if each.id == attribute)
    assert (told.used, "cool foot" in (told.text or "")) == (True, True)


def test_a_code_for_social_circumstances_is_found_without_being_declared(tmp_path: Path) -> None:
    change = ("value-sets/heart-attack.json", "I21", "Z59")
    social = "social-determinants-of-health"

    assert social not in used(small_labels(tmp_path / "before")["red-flags/cold-leg"])
    assert social in used(small_labels(tmp_path / "after", change)["red-flags/cold-leg"])


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("age", ("From Patient.birthDate.", "a", None)),
        ("deceased", ("From Patient.deceased.", None, None)),
        ("statin", ("A medicine on the list that is taken now, of its value sets. None recorded after", None, None)),
        ("statin-stopped", ("A medicine of its value sets that was stopped.", None, "56 days")),
        ("fall-recent", ("A current Condition with a code of its value sets. None recorded leaves", None, "2 days")),
        ("venous-thrombosis-history", ("A Condition, current or past, with a code", None, None)),
        ("leg-pain", ("Answer to the intake question: Pain or discomfort in a leg or foot", None, "14 days")),
        ("ck-recent", ("The newest result of its value sets, as a multiple of the laboratory's", "{xULN}", "7 days")),
        ("ck-today", ("The newest result of its value sets, as a multiple", "{xULN}", "the day of the call")),
        ("egfr", ("Worked out by the formula ckd-epi-2021 from: creatinine", "mL/min/{1.73_m2}", None)),
        ("creatinine-rise", ("The newest result minus the lowest earlier one of creatinine", "mg/dL", None)),
        ("pregnancy-status", ("The newest result of its value sets that says yes or no", None, "30 days")),
        ("systolic-pressure", ("The newest result of its value sets, converted", "mm[Hg]", "1 day")),
    ],
)
def test_a_fact_says_how_it_is_found(fact: str, expected: tuple[str, str | None, str | None]) -> None:
    found = next(each for label in LABELS.values() for each in label.facts if each.id == fact)

    assert (found.found[: len(expected[0])], found.unit, found.look_back) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(0, "the day of the call"), (1, "1 hour"), (24, "1 day"), (36, "36 hours"), (49, "49 hours"), (2160, "90 days")],
)
def test_a_look_back_in_words(hours: int, expected: str) -> None:
    assert days_in_words(Decimal(hours) / 24) == expected


def test_codes_that_count_like_an_answer_are_named() -> None:
    side = next(each for each in LABELS["causes/sciatica"].facts if each.id == "side")

    assert ("15634511000119108", "Pain in bilateral legs (finding)", "both") in [
        (each.code, each.display, each.answer) for each in side.codes_like_answers
    ]


@pytest.mark.parametrize(
    ("rule", "facts", "expect", "missing"),
    [
        ("red-flags/cold-leg", ("cool foot: yes",), "cold: cannot-tell; cool-alone: presumed", ("heart attack",)),
        (
            "causes/restless-legs",
            ("urge to move the legs: yes", "time of day: In the evening", "ferritin: 75 ng/mL"),
            "very-likely",
            (),
        ),
        ("scores/small-score", ("cool foot: yes",), "1 to 2 points", ("leg pain",)),
    ],
)
def test_a_case_in_words(
    rule: str, facts: tuple[str, ...], expect: str, missing: tuple[str, ...], tmp_path: Path
) -> None:
    cases = small_labels(tmp_path)[rule].cases

    assert (facts, expect, missing) in [(each.facts, each.expect, each.missing) for each in cases]


def test_a_case_that_does_not_fit_its_fact_does_not_keep_the_label_from_being_made(tmp_path: Path) -> None:
    change = ("causes/restless-legs/cases.yaml", "{time-of-day: evening, ferritin: 100}", "{no-such-fact: [1, {a: b}]}")

    assert small_labels(tmp_path, change)["causes/restless-legs"].cases[2].facts == ("no-such-fact: 1 and {'a': 'b'}",)


def test_only_the_shared_thresholds_that_a_rule_compares_with_are_named(tmp_path: Path) -> None:
    labels = small_labels(tmp_path)

    assert [each.name for each in labels["causes/restless-legs"].thresholds] == [
        "saturation-low",
        "ferritin-low",
        "ferritin-normal",
    ]
    assert [each.name for each in labels["red-flags/cold-leg"].thresholds] == ["recent"]


def test_a_definition_stands_on_the_label_with_those_that_it_uses(tmp_path: Path) -> None:
    definitions = small_labels(tmp_path)["causes/restless-legs"].definitions

    assert {each.heading: each.lines for each in definitions} == {
        "a complaint about a leg": ("any of:", "  leg pain: yes", "  urge to move the legs: yes"),
        "little iron": ("transferrin saturation below 20 %",),
        "little iron, by another name": ("little iron",),
    }


def test_a_rule_that_never_changed_is_as_new_as_its_review(tmp_path: Path) -> None:
    label = small_labels(tmp_path)["causes/restless-legs"]
    dates = next(each.text for each in label.attributes if each.id == "dates")

    assert [(each.version, each.date, each.change) for each in label.history] == [(1, "2026-11-21", "First version.")]
    assert dates == "Released 2026-11-21; not revised since."


def test_a_changed_rule_tells_when_it_was_released_and_revised(tmp_path: Path) -> None:
    label = small_labels(tmp_path)["red-flags/cold-leg"]
    dates = next(each.text for each in label.attributes if each.id == "dates")

    assert dates == "Released 2026-11-20; revised 2026-11-21 (version 2)."


# ── what a rule reads ────────────────────────────────────────────────────────────────────────────────────────────────


def rules_of(pack: Pack) -> Mapping[str, Rule]:
    return {f"{module}/{rule.id}": rule for module, rule in pack.library.rules()}


@pytest.mark.parametrize(
    ("rule", "facts", "definitions", "scores"),
    [
        (
            "causes/deep-vein-thrombosis",
            {"d-dimer", "age", "leg-pain"},
            {"leg-complaint", "calf-larger"},
            {"wells-dvt"},
        ),
        ("red-flags/rhabdomyolysis", {"ck-recent", "deceased"}, set[str](), set[str]()),
        ("mimics/gout", {"great-toe", "leg-pain"}, {"leg-complaint"}, {"gout-primary-care"}),
    ],
)
def test_a_rule_reads_what_its_definitions_and_scores_read(
    rule: str, facts: set[str], definitions: set[str], scores: set[str]
) -> None:
    reads: Any = reads_of(PACK.library, rules_of(PACK)[rule])

    assert facts <= set(reads.facts)
    assert definitions <= set(reads.definitions)
    assert scores <= set(reads.scores)
