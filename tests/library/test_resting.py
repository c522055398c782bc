"""Rules that a record does not speak of rest; what is said is the same as if every rule had been asked."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.evaluate import evaluate
from rules.engine.facts import Absent, Known, PatientFacts
from rules.engine.findings import Findings
from rules.engine.vocabulary import list_of
from rules.pack import Pack
from tests.library.charts import Chart, full_charts, some_facts

COMPLETE = frozenset(("condition", "medication", "reason"))


def from_complete_lists(pack: Pack, chart: Chart, hidden: set[str]) -> PatientFacts:
    """A record with complete lists: what they do not name is Absent, what they name without use is unknown."""
    answered: Chart = {}
    stated = set()
    for name, value in chart.items():
        listed = list_of(pack.library.facts[name]) in COMPLETE
        if listed and isinstance(value, Absent):
            answered[name] = Absent()
        elif name in hidden:
            stated |= {name} if listed else set()
        else:
            answered[name] = value
            stated.add(name)
    return PatientFacts(answered, {}, COMPLETE, frozenset(stated))


def red_flags(findings: Findings) -> tuple[object, ...]:
    outcomes = {rule: word for rule, word in findings.outcomes.items() if rule.startswith("red-flags/")}
    return findings.fired, outcomes


@settings(max_examples=300)
@given(data=st.data())
def test_red_flags_that_rest_have_the_outcome_that_asking_them_would_give(
    shipped_pack: Pack, data: st.DataObject
) -> None:
    chart = data.draw(full_charts(shipped_pack)) | {"deceased": Absent()}
    chart.pop("age")
    facts = from_complete_lists(shipped_pack, chart, data.draw(some_facts(shipped_pack)))
    all_asked = PatientFacts(facts.answered)

    assert red_flags(evaluate(shipped_pack.rules, facts)) == red_flags(evaluate(shipped_pack.rules, all_asked))


@settings(max_examples=100)
@given(data=st.data())
def test_the_questions_of_rules_that_rest_are_asked_too(shipped_pack: Pack, data: st.DataObject) -> None:
    chart, hidden = data.draw(st.tuples(full_charts(shipped_pack), some_facts(shipped_pack)))
    chart |= {"deceased": Absent(), "leg-pain": Known(True)}
    hidden = hidden - {"leg-pain"} | {"age"}
    facts = from_complete_lists(shipped_pack, chart, hidden)
    only_flags = frozenset(("red-flags",))
    rested = evaluate(shipped_pack.rules, facts, only_flags)
    asked = evaluate(shipped_pack.rules, PatientFacts(facts.answered), only_flags)

    assert rested.missing == asked.missing
