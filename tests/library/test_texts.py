"""What a text that a card shows may not be."""

import pytest

from rules.engine.rule import RedFlagRule
from rules.loader import load
from rules.texts import check_texts
from tests.broken.small_library import copy_library

FINE = "Cool foot; consider an ankle pressure."


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> RedFlagRule:
    return load(copy_library(tmp_path_factory.mktemp("texts"))).library.red_flags["cold-leg"]


def with_texts(rule: RedFlagRule, summary: str = FINE, why: str = "An artery may be narrow.") -> RedFlagRule:
    flag = rule.flags[0].model_copy(update={"summary": summary, "why": why})
    return rule.model_copy(update={"flags": (flag,)})


def faults(rule: RedFlagRule) -> list[str]:
    return [problem.what for problem in check_texts(rule, "rule.yaml")]


@pytest.mark.parametrize(
    "summary",
    [
        FINE,
        "Cool foot; check the pulses.",
        "Consider: cool foot, 38.5 degrees C, 3/5 (60 %), ferritin 75 ng/mL - at rest; 'restless' legs + pain?.",
        "Cool foot; consider a step" + "." * (139 - 26),
    ],
)
def test_a_summary_that_is_fit_for_a_card(rule: RedFlagRule, summary: str) -> None:
    assert faults(with_texts(rule, summary=summary)) == []


@pytest.mark.parametrize(
    ("summary", "fault"),
    [
        ("Cool foot; consider a step" + "." * (140 - 26), "it has 140 characters, and a card has room for 139."),
        ("Cool foot; consider " + "🦵" * 60 + ".", "it has 141 characters, and a card has room for 139."),
        ("Cool foot.", "it offers no step."),
        ("Cool foot; consider a step", "it does not end with a period."),
        ("Cool foot; consider a step?", "it does not end with a period."),
    ],
)
def test_a_summary_that_is_not(rule: RedFlagRule, summary: str, fault: str) -> None:
    assert faults(with_texts(rule, summary=summary)) == [fault]


@pytest.mark.parametrize(
    "phrase",
    ["rule out", "Rule out", "rules out", "ruled out", "ruling out", "diagnosis is", "must", "Must"],
)
def test_a_phrase_that_claims_more_than_is_known(rule: RedFlagRule, phrase: str) -> None:
    found = faults(with_texts(rule, why=f"A clot {phrase} something."))

    assert found == [f"it says '{phrase}', which claims more than is known."]


@pytest.mark.parametrize("phrase", ["mustard", "the rule outlines it", "the differential diagnosis isolates it"])
def test_a_phrase_that_only_looks_like_one(rule: RedFlagRule, phrase: str) -> None:
    assert faults(with_texts(rule, why=f"It says {phrase}.")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A *clot* here.", "*"),
        ("A _clot_ here.", "_"),
        ("A `clot` here.", "`"),
        ("# A clot.", "#"),
        ("CK > 5 times.", ">"),
        ("CK < 5 times.", "<"),
        ("A [clot](x).", "["),
        ("A | B.", "|"),
        ("A ~clot~.", "~"),
        ("A \\ B.", "\\"),
        ("A &amp; B.", "&amp;"),
        ("See https://example.org.", "://"),
        ("See www.example.org.", "www."),
        ("Write to a@b.org.", "a@b"),
    ],
)
def test_what_a_card_may_read_as_markup_or_as_a_link(rule: RedFlagRule, text: str, found: str) -> None:
    said = f"it holds {found}, which a card may read as markup or as a link."

    assert faults(with_texts(rule, why=text)) == [said]


@pytest.mark.parametrize("text", ["Two  blanks.", "A\nbreak.", "A\tjump.", " A blank before.", "Turned \u202e round."])
def test_a_text_is_one_plain_line(rule: RedFlagRule, text: str) -> None:
    said = "it holds a line break, a double blank or a character that does not print."

    assert faults(with_texts(rule, why=text)) == [said]


def test_title_and_limits_are_looked_at_too(rule: RedFlagRule) -> None:
    changed = rule.model_copy(update={"title": "*Cold* leg", "limits": "See www.example.org for what it misses."})

    assert [problem.key for problem in check_texts(changed, "rule.yaml")] == ["title", "limits"]
