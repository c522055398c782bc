"""Order checks: which draft orders are spoken of, how surely, and in which order."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from rules.engine.criteria import Compiled, Look
from rules.engine.errors import Problem
from rules.engine.facts import DraftOrder, PatientFacts
from rules.engine.findings import Findings, NotEvaluated, OrderFinding
from rules.engine.orders import MODULE, check_orders
from rules.engine.truth import CANNOT_TELL, MET, Truth
from tests.engine.builders import Library, a_library, all_of, an_order, any_of, known, yes

ON = frozenset((MODULE,))
STOCKINGS = an_order(stockings=True, bandage=False)
ADULT = known(age=61)
UNLESS_WARM = all_of(yes("cool"), {"unless": yes("warm")})


def told(library: Library, facts: PatientFacts, *orders: DraftOrder) -> Findings:
    return check_orders(library.compile(), facts, orders or (STOCKINGS,), ON)


def names(found: Findings) -> list[str]:
    return [f"{each.order.reference} {each.name}" for each in found.orders if each.fires]


def first(library: Library, facts: PatientFacts, *orders: DraftOrder) -> OrderFinding:
    return told(library, facts, *orders).orders[0]


# ── how surely ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "outcome", "fires"),
    [
        (known(age=61, cool=True, warm=False), "met", True),
        (known(age=61, cool=True), "met", True),
        (known(age=61, cool=True, warm=True), "not-met", False),
        (known(age=61, cool=False), "not-met", False),
        (known(age=61), "cannot-tell", False),
    ],
    ids=["cool, not warm", "cool, warm not known", "cool and warm", "not cool", "nothing known"],
)
def test_a_check_fires_where_it_is_met_or_only_its_exception_is_not_known(
    facts: PatientFacts, outcome: str, fires: bool
) -> None:
    found = told(a_library().with_check("socks/cold", UNLESS_WARM), facts)

    assert found.outcomes == {"order-checks/socks": outcome}
    assert bool(names(found)) is fires


def test_a_presumed_check_names_what_carries_it_and_what_was_taken_for_no() -> None:
    found = first(a_library().with_check("socks/cold", UNLESS_WARM), known(age=61, cool=True))

    assert (found.outcome, found.facts, found.presumed, found.lacking) == (CANNOT_TELL, ("cool",), ("warm",), ())


def test_a_check_that_cannot_be_told_names_what_it_lacks_and_is_told_last() -> None:
    library = a_library().with_check("a/open", yes("cool"), "critical").with_check("b/firm", yes("pale"), "info")
    found = told(library, known(age=61, pale=True))

    assert [(each.name, each.fires, each.lacking) for each in found.orders] == [
        ("b/firm", True, ()),
        ("a/open", False, ("cool",)),
    ]
    assert found.not_evaluated == (NotEvaluated("order-checks/a", "facts are missing", ("cool",)),)


def test_a_check_that_is_not_met_is_evaluated_and_not_told() -> None:
    found = told(a_library().with_check("socks/cold", yes("cool")), known(age=61, cool=False))

    assert (found.orders, found.not_evaluated) == ((), ())


# ── what only order checks ask ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "fires"),
    [(ADULT, True), (known(age=61, potassium=Decimal("3.1")), False), (known(age=61, potassium=False), False)],
    ids=["not known", "known", "none"],
)
def test_measure_first_is_said_while_a_fact_is_not_known(facts: PatientFacts, fires: bool) -> None:
    library = a_library().with_check("socks/measure", {"missing": "potassium"})

    assert bool(names(told(library, facts))) is fires


def test_a_missing_fact_is_named_as_what_the_check_rests_on() -> None:
    found = first(a_library().with_check("socks/measure", {"missing": "potassium"}), ADULT)

    assert (found.outcome, found.facts, found.lacking) == (MET, ("potassium",), ())


FLAGS = a_library().with_flag("cold-leg/cold", UNLESS_WARM).with_flag("cold-leg/pale", yes("pale"))


@pytest.mark.parametrize(
    ("asked", "facts", "fires"),
    [
        ("cold-leg", known(age=61, cool=True, warm=False), True),
        ("cold-leg", known(age=61, cool=True), True),
        ("cold-leg", known(age=61, pale=True), True),
        ("cold-leg/cold", known(age=61, pale=True), False),
        ("cold-leg/pale", known(age=61, pale=True), True),
        ("cold-leg", known(age=61, cool=False, pale=False), False),
        ("cold-leg", ADULT, False),
    ],
    ids=str,
)
def test_a_check_may_ask_for_a_red_flag_or_for_any_of_its_rule(asked: str, facts: PatientFacts, fires: bool) -> None:
    found = told(FLAGS.with_check("socks/danger", {"red-flag": asked}), facts)

    assert bool(names(found)) is fires


def test_a_check_reads_the_facts_of_the_red_flags_that_it_asks_for() -> None:
    rules = FLAGS.with_check("socks/danger", {"red-flag": "cold-leg"}).compile()

    assert rules.reads["order-checks/socks"] == ("cool", "pale", "stockings", "warm")


@pytest.mark.parametrize(
    ("dose", "fires", "outcome"),
    [(900, True, "met"), (899, False, "not-met"), (None, False, "cannot-tell")],
)
def test_a_dose_of_the_order_is_compared_like_any_number(dose: int | None, fires: bool, outcome: str) -> None:
    library = a_library().with_check("socks/much", {"fact": "daily-dose", "at-least": "high-dose"})
    found = told(library, ADULT, an_order(stockings=True, daily_dose=dose))

    assert (bool(names(found)), found.outcomes["order-checks/socks"]) == (fires, outcome)


def test_facts_as_they_are_for_an_order_go_before_those_of_the_record() -> None:
    library = a_library().with_check("socks/statin", yes("statin"))
    orders = [an_order(f"DeviceRequest/{statin}", stockings=True, statin=statin) for statin in (True, False, None)]

    assert names(told(library, known(age=61, statin=False), *orders)) == ["DeviceRequest/True socks/statin"]
    assert names(told(library, known(age=61, statin=True), *orders)) == ["DeviceRequest/True socks/statin"]


# ── which orders ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [False, None])
def test_a_check_of_another_order_is_not_asked(kind: bool | None) -> None:
    library = a_library().with_check("socks/cold", yes("cool"))
    found = told(library, known(age=61, cool=True), an_order(stockings=kind))

    assert (found.orders, found.outcomes) == ((), {})
    assert found.not_evaluated == (NotEvaluated("order-checks/socks", "no such order"),)


def test_without_orders_every_rule_is_named_as_not_asked() -> None:
    found = check_orders(a_library().with_check("socks/cold", yes("cool")).compile(), ADULT, (), ON)

    assert found.not_evaluated == (NotEvaluated("order-checks/socks", "no such order"),)


def test_an_order_of_several_kinds_is_asked_once_by_each_rule_and_named_by_the_first_kind_of_the_rule() -> None:
    both = ("bandage", "stockings")
    library = a_library().with_check("wrap/cold", yes("cool"), orders=both).with_check("socks/cold", yes("cool"))
    found = told(library, known(age=61, cool=True), an_order(stockings=True, bandage=True))

    assert sorted((each.name, each.kind) for each in found.orders) == [
        ("socks/cold", "stockings"),
        ("wrap/cold", "bandage"),
    ]


def test_what_is_stopped_is_asked_only_by_checks_of_stopping() -> None:
    library = a_library().with_check("socks/start", yes("cool")).with_check("socks/stop", yes("cool"), stops=True)
    begins, stops = an_order("DeviceRequest/b", stockings=True), an_order("DeviceRequest/s", stockings=True, stops=True)

    found = told(library, known(age=61, cool=True), begins, stops)
    assert sorted(names(found)) == ["DeviceRequest/b socks/start", "DeviceRequest/s socks/stop"]


# ── in which order ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_worst_is_told_first_and_of_equals_the_sure_one() -> None:
    library = (
        a_library()
        .with_check("a/info", yes("cool"), "info")
        .with_check("b/presumed", UNLESS_WARM)
        .with_check("c/sure", yes("cool"))
        .with_check("d/critical", yes("cool"), "critical")
    )
    found = told(library, known(age=61, cool=True))

    assert [each.name for each in found.orders] == ["d/critical", "c/sure", "b/presumed", "a/info"]


@pytest.mark.parametrize(
    ("pale", "expected"),
    [(True, ["socks/better"]), (False, ["socks/plain"]), (None, ["socks/plain"])],
    ids=["fires", "does not", "not known"],
)
def test_a_check_gives_way_to_a_better_one_only_where_that_fires(pale: bool | None, expected: list[str]) -> None:
    library = a_library().with_check("socks/plain", yes("cool"), superseded_by=["socks/better"])
    library = library.with_check("socks/better", yes("pale"))
    facts = known(age=61, cool=True) if pale is None else known(age=61, cool=True, pale=pale)

    assert [each.name for each in told(library, facts).orders if each.fires] == expected


def test_a_check_never_gives_way_to_one_of_another_order() -> None:
    library = a_library().with_check("socks/plain", yes("cool"), superseded_by=["wrap/better"])
    library = library.with_check("wrap/better", yes("cool"), orders=("bandage",))
    socks = an_order("DeviceRequest/s", stockings=True, bandage=False)
    wrap = an_order("DeviceRequest/w", stockings=False, bandage=True)

    found = names(told(library, known(age=61, cool=True), socks, wrap))
    assert sorted(found) == ["DeviceRequest/s socks/plain", "DeviceRequest/w wrap/better"]


# ── when nothing is asked ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_module_that_is_switched_off_says_so_for_each_rule() -> None:
    rules = a_library().with_check("socks/cold", yes("cool")).compile()
    found = check_orders(rules, known(age=61, cool=True), (STOCKINGS,), frozenset(("red-flags", "causes")))

    assert (found.orders, found.outcomes) == ((), {})
    assert found.not_evaluated == (NotEvaluated("order-checks/socks", "module is switched off"),)


@pytest.mark.parametrize(
    ("facts", "why"), [({"age": 17}, "under-18"), ({"age": 61, "deceased": True}, "deceased")], ids=str
)
def test_nothing_is_asked_of_a_child_or_a_dead_person(facts: dict[str, Any], why: str) -> None:
    found = told(a_library().with_check("socks/cold", yes("cool")), known(cool=True, **facts))

    assert (found.silent, found.orders) == (why, ())
    assert found.not_evaluated == (NotEvaluated("order-checks/socks", why),)


def test_a_rule_that_raises_is_named_and_the_others_are_heard() -> None:
    def broken(look: Look) -> Truth:
        raise ValueError(look)

    library = a_library().with_check("broken/check", yes("cool")).with_check("socks/cold", yes("cool"))
    rules = library.compile()
    raising = Compiled("fact", broken, frozenset(("cool",)))
    checks = [
        replace(each, criterion=raising) if each.rule == "broken" else each for each in rules.checks_of["stockings"]
    ]
    found = check_orders(
        replace(rules, checks_of={"stockings": tuple(checks)}), known(age=61, cool=True), (STOCKINGS,), ON
    )

    assert names(found) == ["DeviceRequest/o1 socks/cold"]
    assert found.not_evaluated == (NotEvaluated("order-checks/broken", "rule failed"),)


# ── mistakes in files ────────────────────────────────────────────────────────────────────────────────────────────────


def problems_of(library: Library) -> list[Problem]:
    problems: list[Problem] = []
    library.compile_into(problems)
    return problems


@pytest.mark.parametrize(
    ("when", "what"),
    [
        (yes("stockings"), "the order fact stockings stands outside the order checks."),
        ({"missing": "potassium"}, "missing stands outside the order checks."),
        ({"red-flag": "cold-leg"}, "red-flag stands outside the order checks."),
    ],
    ids=["an order fact", "missing", "a red flag, that asks for itself"],
)
def test_what_only_order_checks_may_ask_is_refused_in_a_red_flag(when: dict[str, Any], what: str) -> None:
    (problem,) = problems_of(a_library().with_flag("cold-leg/cold", any_of(yes("cool"), when)))

    assert (problem.file, problem.key) == ("red-flags/cold-leg/rule.yaml", "flags.cold.when.any.2")
    assert (problem.what, problem.mend) == (what, "Move it to an order check, or take it out.")


@pytest.mark.parametrize("when", [yes("stockings"), {"missing": "potassium"}, {"red-flag": "cold-leg"}], ids=str)
def test_it_is_refused_in_a_definition_too_which_a_rule_about_the_patient_could_use(when: dict[str, Any]) -> None:
    (problem,) = problems_of(FLAGS.with_definition("danger", when))

    assert (problem.file, problem.key) == ("definitions.yaml", "definitions.danger.when")
