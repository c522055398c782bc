"""Order checks as shipped: every row of the clinical content is there, and every kind of order can be found."""

from collections import Counter

from rules.pack import Pack

_LETTERED = {12: "ab", 22: "ab", 25: "abc", 28: "ab", 30: "ab", 31: "abc", 36: "ab"}
"""Rows of the neuromuscular sheet that stand for several."""

VASCULAR = {f"sc-{number:02}" for number in range(1, 64)} | {"sc-05b"}
NEUROMUSCULAR = {f"oc{number:02}" for number in range(1, 45) if number not in _LETTERED} | {
    f"oc{number}{letter}" for number, letters in _LETTERED.items() for letter in letters
}
ELSEWHERE = {"sc-61": "an open red flag at discharge is told by encounter-discharge"}


def test_every_row_of_the_clinical_content_is_covered_by_a_check(shipped_pack: Pack) -> None:
    checks = [check for rule in shipped_pack.library.order_checks.values() for check in rule.checks]
    covered = {row for check in checks for row in check.covers}

    assert len(VASCULAR) == 64
    assert len(NEUROMUSCULAR) == 53
    assert covered == (VASCULAR | NEUROMUSCULAR) - ELSEWHERE.keys()


def test_every_order_fact_is_used_by_a_rule(shipped_pack: Pack) -> None:
    used = {fact for name in shipped_pack.rules.check_ids for fact in shipped_pack.rules.reads[name]}

    assert sorted(shipped_pack.order_facts.keys() - used) == []


def test_every_suggestion_is_offered_somewhere(shipped_pack: Pack) -> None:
    library = shipped_pack.library
    offered = {offer for rule in library.order_checks.values() for check in rule.checks for offer in check.offers}
    by_itself = {
        name for name, each in library.suggestions.items() if each.for_ or each.missing or each.creates == "Task"
    }

    assert sorted(library.suggestions.keys() - offered - by_itself) == []


def test_no_check_of_the_same_rule_is_a_copy_of_another(shipped_pack: Pack) -> None:
    summaries = Counter(check.summary for rule in shipped_pack.library.order_checks.values() for check in rule.checks)

    assert [summary for summary, times in summaries.items() if times > 3] == []


def test_only_a_warning_or_worse_offers_to_take_an_order_away_and_none_of_an_order_that_stops(
    shipped_pack: Pack,
) -> None:
    checks = [check for rule in shipped_pack.library.order_checks.values() for check in rule.checks]
    removing = [check for check in checks if "remove-order" in check.offers]

    assert removing != []
    assert [check.id for check in removing if check.severity == "info" or check.stops] == []
