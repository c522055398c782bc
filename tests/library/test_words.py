from pathlib import Path

import pytest

from rules.loader import Library, load
from rules.pack import Pack
from rules.words import rule_in_words
from tests.broken.small_library import copy_library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return load(copy_library(tmp_path)).library


def words(library: Library, module: str, rule: str) -> dict[str, tuple[str, ...]]:
    found = next(each for of, each in library.rules() if (of, each.id) == (module, rule))
    return {section.heading: section.lines for section in rule_in_words(library, found)}


def test_a_red_flag_in_words(library: Library) -> None:
    assert words(library, "red-flags", "cold-leg") == {
        "cold: emergency, now": (
            "Cool foot after a heart attack; consider a vascular surgeon now.",
            "all of:",
            "  cool foot: yes",
            "  heart attack, begun within 90 days",
        ),
        "cool-alone: urgent, 2 weeks": (
            "Cool foot; check the pulses.",
            "all of:",
            "  cool foot: yes",
            "  unless known:",
            "    time of day: In the evening",
        ),
        "cold: why": ("A clot of the heart can close an artery of the leg.",),
        "cold: to consider": ("Check the pulses of both feet.",),
        "cool-alone: why": ("An artery may be narrow.",),
        "cool-alone: to consider": ("Check the ankle pressure.",),
        "cool-alone: not shown beside": ("cold-leg/cold",),
        "Thresholds": ("recent: 90 days (a-guideline 1)",),
        "Limits": ("It does not know how cold the other foot is.",),
        "Sources": ("A guideline. A society, 2024. https://example.org/guideline",),
    }


def test_a_cause_in_words(library: Library) -> None:
    found = words(library, "causes", "restless-legs")

    assert found["Before any fact is known"] == ("common: probability 0.10",)
    assert found["Likely only with"] == ("urge to move the legs: yes",)
    assert found["Evidence"] == (
        "urge: likelihood ratio present x 15.6, absent x 0.14 (a-guideline 3)",
        "  urge to move the legs: yes",
        "evening: supports, moderate: x 3 (a-guideline 3)",
        "  time of day: In the evening",
        "low-iron: supports, weak: x 1.5; group iron, only its strongest counts (a-guideline 3)",
        "  any of:",
        "    ferritin at most 75 ng/mL",
        "    little iron, by another name",
        "normal-iron: opposes, weak: x 0.7 (a-guideline 3)",
        "  ferritin above 100 ng/mL",
        "score: supports, weak: x 1.5 (a-guideline 3)",
        "  A small score: at least 2 (likely)",
    )


def test_a_score_in_words(library: Library) -> None:
    assert words(library, "scores", "small-score")["Points, added up"] == (
        "1 for cool",
        "  cool foot: yes",
        "1 for pain",
        "  leg pain: yes",
    )


def test_grades_are_named_and_not_numbered(shipped_pack: Pack) -> None:
    lines = words(shipped_pack.library, "scores", "rutherford-acute")["Grades, the highest counts"]

    assert next(line for line in lines if not line.startswith(" ")).startswith("grade I")


def test_every_shipped_rule_can_be_said_in_words(shipped_pack: Pack) -> None:
    library = shipped_pack.library
    empty = [
        f"{module}/{rule.id}: {section.heading}"
        for module, rule in library.rules()
        for section in rule_in_words(library, rule)
        if not section.lines or not all(line.strip() for line in section.lines)
    ]

    assert empty == []
