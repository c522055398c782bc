from decimal import Decimal
from typing import Any

import pytest

from rules.engine.evaluate import evaluate
from rules.engine.facts import PatientFacts
from rules.engine.findings import Cause, Findings
from tests.engine.builders import Library, a_library, all_of, any_of, known, no, yes

# A common cause has a probability of 0.10 beforehand: odds of 1 to 9. A probability is odds / (1 + odds).
PAIN_IS = known(leg_pain=True).answered


def row(name: str, when: dict[str, Any], **weight: Any) -> dict[str, Any]:
    return {"id": name, "when": when} | weight


def ranked(library: Library, facts: PatientFacts) -> list[str]:
    return [cause.cause for cause in evaluate(library.compile(), facts).causes]


def only_cause(library: Library, facts: PatientFacts) -> Cause:
    (cause,) = evaluate(library.compile(), facts).causes
    return cause


def rows_that_counted(cause: Cause) -> list[tuple[str, str, Decimal]]:
    return [(evidence.row, evidence.direction, evidence.weight) for evidence in cause.evidence]


@pytest.mark.parametrize(
    ("facts", "probability", "counted"),
    [
        # 4 x 1/9 = 4/9, and 4/13 = 0.3077
        (known(leg_pain=True, cool=True), 0.3077, [("cool", "for", Decimal(4))]),
        # 0.2 x 1/9 = 1/45, and 1/46 = 0.0217
        (known(leg_pain=True, cool=False), 0.0217, [("cool", "against", Decimal("0.2"))]),
        (known(leg_pain=True), 0.1, []),
    ],
    ids=["present", "absent", "unknown"],
)
def test_a_published_ratio_multiplies_the_odds_and_an_unknown_fact_leaves_them(
    facts: PatientFacts, probability: float, counted: list[tuple[str, str, Decimal]]
) -> None:
    rows = (row("pain", yes("leg-pain"), absent=1), row("cool", yes("cool"), present=4, absent=Decimal("0.2")))
    cause = only_cause(a_library().with_cause("clot", *rows), facts)

    assert (probability, counted) == (cause.probability, rows_that_counted(cause))


@pytest.mark.parametrize(
    ("weight", "cool", "probability"),
    [
        ({"present": 4}, False, 0.1),  # no published ratio for the absence
        ({"absent": Decimal("0.2")}, True, 0.1),  # nor here for the presence
        ({"supports": "strong"}, False, 0.1),  # an expert class says nothing about the absence
        ({"opposes": "strong"}, False, 0.1),
        ({"supports": "strong"}, True, 0.4),  # 6/9, 6/15
        ({"supports": "moderate"}, True, 0.25),  # 3/9, 3/12
        ({"supports": "weak"}, True, 0.1429),  # 1.5/9, 1.5/10.5
        ({"opposes": "strong"}, True, 0.0164),  # 0.15/9, 0.15/9.15
        ({"opposes": "moderate"}, True, 0.0374),  # 0.35/9, 0.35/9.35
        ({"opposes": "weak"}, True, 0.0722),  # 0.7/9, 0.7/9.7
    ],
)
def test_what_each_kind_of_weight_makes_of_one_in_ten(weight: dict[str, Any], cool: bool, probability: float) -> None:
    cause = only_cause(a_library().with_cause("clot", row("cool", yes("cool"), **weight)), known(PAIN_IS, cool=cool))

    assert probability == cause.probability


@pytest.mark.parametrize(
    ("pre_test", "probability"), [("common", 0.4), ("uncommon", 0.24), ("rare", 0.1091)]
)  # odds of 1/9, 1/19 and 1/49, times 6
def test_how_common_a_cause_is_beforehand(pre_test: str, probability: float) -> None:
    library = a_library().with_cause("clot", row("pain", yes("leg-pain"), supports="strong"), pre_test=pre_test)

    assert probability == only_cause(library, known(leg_pain=True)).probability


def test_all_expert_opinion_together_counts_no_more_than_the_cap() -> None:
    """6 x 6 = 36, kept at 30: 30/9, 30/39."""
    rows = (row("cool", yes("cool"), supports="strong"), row("pale", yes("pale"), supports="strong"))

    assert only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=True, pale=True)).probability == 0.7692


def test_all_expert_opinion_together_counts_no_less_than_the_floor() -> None:
    """0.15 x 0.15 = 0.0225, kept at 0.03: 0.03/9, 1/301."""
    rows = (row("cool", yes("cool"), opposes="strong"), row("pale", yes("pale"), opposes="strong"))

    assert only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=True, pale=True)).probability == 0.0033


def test_the_cap_is_on_the_whole_of_opinion_and_not_on_each_side() -> None:
    """6 x 6 x 0.15 = 5.4 is below the cap: 5.4/9, 5.4/14.4."""
    rows = (
        row("cool", yes("cool"), supports="strong"),
        row("pale", yes("pale"), supports="strong"),
        row("warm", yes("warm"), opposes="strong"),
    )
    facts = known(PAIN_IS, cool=True, pale=True, warm=True)

    assert only_cause(a_library().with_cause("clot", *rows), facts).probability == 0.375


def test_published_ratios_are_not_capped() -> None:
    """50 x 6 (opinion) = 300: 300/9, 300/309."""
    rows = (row("cool", yes("cool"), present=50), row("pale", yes("pale"), supports="strong"))

    assert only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=True, pale=True)).probability == 0.9709


@pytest.mark.parametrize(
    ("facts", "counted"),
    [
        (known(PAIN_IS, cool=True, pale=True), ["strong"]),
        (known(PAIN_IS, cool=True, pale=False), ["weak"]),
        (known(PAIN_IS, pale=True), ["strong"]),
        (known(PAIN_IS, cool=True, pale=True, warm=True), ["against", "strong"]),
    ],
)
def test_of_a_group_only_the_strongest_row_of_a_direction_counts(facts: PatientFacts, counted: list[str]) -> None:
    rows = (
        row("weak", yes("cool"), supports="weak", group="perfusion"),
        row("strong", yes("pale"), supports="strong", group="perfusion"),
        row("against", yes("warm"), opposes="strong", group="perfusion"),
    )
    cause = only_cause(a_library().with_cause("clot", *rows), facts)

    assert counted == [evidence.row for evidence in cause.evidence]


def test_the_strongest_row_is_the_one_furthest_from_one_whichever_way_it_points() -> None:
    """Of 2 and 1/8 the second is stronger; rows are shown in that order."""
    rows = (row("twice", yes("cool"), present=2), row("an-eighth", yes("pale"), present=Decimal("0.125")))
    cause = only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=True, pale=True))

    assert [evidence.row for evidence in cause.evidence] == ["an-eighth", "twice"]


def test_two_rows_that_read_the_same_fact_count_once_in_each_direction() -> None:
    """Moderate shares cool with strong and is left out; against shares it too, but points the other way: 6 x 0.7."""
    rows = (
        row("strong", yes("cool"), supports="strong"),
        row("moderate", any_of(yes("cool"), yes("pale")), supports="moderate"),
        row("against", all_of(yes("cool"), yes("warm")), opposes="weak"),
    )
    cause = only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=True, pale=True, warm=True))

    assert [evidence.row for evidence in cause.evidence] == ["strong", "against"]
    assert cause.probability == 0.3182  # 4.2/9, 4.2/13.2


def test_of_two_rows_of_equal_strength_that_share_a_fact_the_first_by_name_counts() -> None:
    rows = (row("b", yes("cool"), supports="strong"), row("a", yes("cool"), supports="strong"))
    cause = only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=True))

    assert [evidence.row for evidence in cause.evidence] == ["a"]


def test_a_score_and_its_own_items_are_not_counted_together() -> None:
    items = [{"id": name, "points": 1, "when": yes(name)} for name in ("cool", "pale")]
    library = a_library().with_score("wells", *items, cut_offs={"likely": 2})
    rows = (
        row("wells", {"score": "wells", "at-least": "likely"}, present=5),
        row("cool", yes("cool"), present=2),
    )
    cause = only_cause(library.with_cause("clot", *rows), known(PAIN_IS, cool=True, pale=True))

    assert [evidence.row for evidence in cause.evidence] == ["wells"]


def test_evidence_names_the_facts_that_made_it_speak() -> None:
    rows = (row("either", any_of(yes("cool"), yes("pale"), yes("numb")), supports="weak"),)
    cause = only_cause(a_library().with_cause("clot", *rows), known(PAIN_IS, cool=False, pale=True))

    assert cause.evidence[0].facts == ("pale",)


@pytest.mark.parametrize(
    ("pre_test", "word"),
    [
        ("0.85", "very-likely"),
        ("0.8499", "likely"),
        ("0.50", "likely"),
        ("0.4999", "possible"),
        ("0.15", "possible"),
        ("0.1499", "unlikely"),
        ("0.001", "unlikely"),
    ],
)
def test_a_band_begins_exactly_at_its_edge(pre_test: str, word: str) -> None:
    chances = {"common": Decimal(pre_test), "uncommon": Decimal("0.05"), "rare": Decimal("0.02")}
    library = a_library().with_scale(pre_test=chances).with_cause("clot", row("cool", yes("cool"), supports="weak"))
    cause = only_cause(library, known(PAIN_IS, cool=False))

    assert (float(pre_test), word) == (cause.probability, cause.likelihood)


@pytest.mark.parametrize("edge", ["0.85", "0.50", "0.15"])
def test_a_probability_that_is_shown_as_the_edge_has_the_word_of_the_edge(edge: str) -> None:
    """Whatever ratio leads there: 1/9 x ratio = edge / (1 - edge), with a rounding error in the ratio."""
    ratio = 9 * Decimal(edge) / (1 - Decimal(edge))
    library = a_library().with_cause("clot", row("cool", yes("cool"), present=ratio - Decimal("0.00000001")))
    cause = only_cause(library, known(PAIN_IS, cool=True))

    assert float(edge) == cause.probability
    assert cause.likelihood == {"0.85": "very-likely", "0.50": "likely", "0.15": "possible"}[edge]


@pytest.mark.parametrize(
    ("numb", "word", "capped_by"),
    [(True, "very-likely", ()), (None, "possible", ("numb",)), (False, "unlikely", ("numb",))],
    ids=["there", "unknown", "not there"],
)
def test_without_its_required_facts_a_cause_is_at_most_possible_and_against_them_unlikely(
    numb: bool | None, word: str, capped_by: tuple[str, ...]
) -> None:
    library = a_library().with_cause("clot", row("cool", yes("cool"), present=90), requires=yes("numb"))
    facts = known(PAIN_IS, cool=True, **({} if numb is None else {"numb": numb}))
    cause = only_cause(library, facts)

    assert (word, capped_by) == (cause.likelihood, cause.capped_by)
    assert cause.probability == 0.9091  # 90/9, 10/11: the cap is on the word alone


def test_a_cap_never_makes_a_cause_likelier() -> None:
    library = a_library().with_cause("clot", row("cool", yes("cool"), opposes="strong"), requires=yes("numb"))

    assert only_cause(library, known(PAIN_IS, cool=True)).likelihood == "unlikely"


@pytest.mark.parametrize(
    ("fever", "outcome", "shown"),
    [(True, "excluded", []), (False, "unlikely", ["clot"]), (None, "unlikely", ["clot"])],
    ids=["excluded", "not excluded", "unknown"],
)
def test_a_cause_is_left_out_only_where_its_exclusion_is_known(
    fever: bool | None, outcome: str, shown: list[str]
) -> None:
    library = a_library().with_cause("clot", row("cool", yes("cool"), supports="weak"), excludes=yes("fever"))
    facts = known(PAIN_IS, cool=True, **({} if fever is None else {"fever": fever}))
    findings = evaluate(library.compile(), facts)

    assert (outcome, shown) == (findings.outcomes["causes/clot"], [cause.cause for cause in findings.causes])


@pytest.mark.parametrize(("gout", "expected"), [(True, True), (False, False), (None, False)])
def test_a_cause_on_the_problem_list_is_said_to_be_known(gout: bool | None, expected: bool) -> None:
    library = a_library().with_cause("gout", row("cool", yes("cool"), supports="weak"), known_by="gout")
    facts = known(PAIN_IS, cool=True, **({} if gout is None else {"gout": gout}))

    assert only_cause(library, facts).known is expected


def test_causes_are_in_order_of_their_odds_and_ties_in_order_of_their_names() -> None:
    weak, strong = row("cool", yes("cool"), supports="weak"), row("cool", yes("cool"), supports="strong")
    library = a_library().with_cause("c", weak).with_cause("b", weak).with_cause("a", weak).with_cause("d", strong)
    findings = evaluate(library.compile(), known(PAIN_IS, cool=True))

    assert [(cause.rank, cause.cause) for cause in findings.causes] == [(1, "d"), (2, "a"), (3, "b"), (4, "c")]


def test_a_cause_whose_required_facts_are_not_there_comes_last() -> None:
    library = a_library().with_cause("a", row("cool", yes("cool"), present=90), requires=yes("numb"))
    library = library.with_cause("b", row("cool", yes("cool"), opposes="strong"))

    assert ranked(library, known(PAIN_IS, cool=True, numb=False)) == ["b", "a"]


def test_two_causes_can_be_likely_at_once() -> None:
    library = a_library().with_cause("a", row("cool", yes("cool"), present=20))
    library = library.with_cause("b", row("cool", yes("cool"), present=20))
    findings = evaluate(library.compile(), known(PAIN_IS, cool=True))

    assert [cause.likelihood for cause in findings.causes] == ["likely", "likely"]


def test_a_cause_names_at_most_six_facts_that_would_speak() -> None:
    names = ("cool", "pale", "numb", "weak", "warm", "fever", "cramp")
    library = a_library().with_cause(
        "clot",
        row("pain", yes("leg-pain"), supports="weak"),
        *(row(name, yes(name), supports="weak") for name in names),
    )

    assert names[:6] == only_cause(library, known(leg_pain=True)).missing


def test_an_exception_that_is_not_known_does_not_keep_evidence_from_counting() -> None:
    when = all_of(yes("cool"), {"unless": yes("warm")})
    cause = only_cause(a_library().with_cause("clot", row("cool", when, supports="strong")), known(PAIN_IS, cool=True))

    assert rows_that_counted(cause) == [("cool", "for", Decimal(6))]


def test_a_cause_that_reads_nothing_known_is_not_ranked_but_named_with_what_it_misses() -> None:
    library = a_library().with_cause("clot", row("cool", all_of(yes("cool"), no("warm")), supports="strong"))
    findings: Findings = evaluate(library.compile(), known(leg_pain=True))

    assert findings.causes == ()
    assert [(each.reason, each.facts) for each in findings.not_evaluated] == [("facts are missing", ("cool", "warm"))]


@pytest.mark.parametrize(
    ("ratio", "told"),
    [(90, [True, True, True, True, True, False]), (Decimal("1.1"), [True, True, True, False, False, False])],
    ids=["six likely causes", "six unlikely causes"],
)
def test_the_evidence_of_the_first_three_is_told_and_of_five_where_they_are_possible(
    ratio: Decimal | int, told: list[bool]
) -> None:
    library = a_library()
    for name in ("a", "b", "c", "d", "e", "f"):
        rows = (row("cool", yes("cool"), present=ratio), row("pale", yes("pale"), supports="weak"))
        library = library.with_cause(name, *rows)
    causes = evaluate(library.compile(), known(PAIN_IS, cool=True)).causes

    assert told == [bool(cause.evidence) for cause in causes] == [bool(cause.missing) for cause in causes]
