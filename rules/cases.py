"""
Cases: worked examples beside a rule, facts in, outcome out.

    - name: potassium of exactly 3.0 mmol/L
      facts: {potassium: 3.0, digoxin: {began: 10}, sex: female, palpitations: false}
      expect: {moderately-low: not-met}
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rules.engine.criteria import Compiled, Look, standing, unknowns
from rules.engine.evaluate import evaluate
from rules.engine.facts import Absent, Known, PatientFacts
from rules.engine.rule import Case, MimicRule, OrderCheckRule, RedFlagRule, Rule, ScoreRule
from rules.engine.truth import CANNOT_TELL
from rules.engine.vocabulary import AnswerFact, ConditionFact, FactDefinition, MedicationFact, unit_of
from rules.loader import Library, Loaded, words_for

__all__ = ["facts_of", "run_case"]


def facts_of(library: Library, given: Mapping[str, Any]) -> PatientFacts:
    """
    The facts of a case: true, false, a choice, a number in the fact's unit, or `{began: 10}` for days ago.

    Raises:
        ValueError: a fact that facts.yaml does not know, or a value that does not fit it.
    """
    return PatientFacts({name: _fact(library, name, value) for name, value in given.items()})


def _fact(library: Library, name: str, value: Any) -> Known | Absent:
    definition = library.facts.get(name)
    if definition is None:
        raise ValueError(f"the fact {name} is not in facts.yaml.")
    choices = words_for(name, library)
    if choices is not None:
        return _choice(name, value, choices)
    unit = unit_of(definition)
    if unit is not None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValueError(f"{name} is a number in {unit}, not {_shown(value)}.")
        return Known(Decimal(value))
    if isinstance(value, bool):
        return Known(True) if value else Absent()
    if isinstance(value, Mapping) and set(value) == {"began"}:
        return _began(name, value["began"], definition)
    raise ValueError(f"{name} is true or false, not {_shown(value)}.")


def _choice(name: str, value: Any, options: Any) -> Known:
    words = list(value) if isinstance(value, list | tuple) else [value]
    wrong = [_shown(word) for word in words if not isinstance(word, str) or word not in options]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)} is not an answer of {name}; its answers are {', '.join(sorted(options))}."
        )
    return Known(frozenset(words))


def _began(name: str, days: Any, definition: FactDefinition) -> Known:
    dated = isinstance(definition, AnswerFact) and definition.type == "date"
    if not dated and not isinstance(definition, ConditionFact | MedicationFact):
        raise ValueError(f"{name} has no beginning; only conditions, medicines and dates have.")
    if isinstance(days, bool) or not isinstance(days, int | Decimal):
        raise ValueError(f"{name} began a number of days ago, not {_shown(days)}.")
    return Known(True, days=Decimal(days))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value!s:.60}"


def run_case(loaded: Loaded, module: str, rule: Rule, case: Case) -> list[str]:
    """What is wrong with one case of a rule of this module, in words; empty if it holds."""
    try:
        facts = facts_of(loaded.library, case.facts)
    except ValueError as error:
        return [str(error)]
    got, missing = _outcome(loaded, rule, facts)
    wrong = list(_differences(case.expect, got))
    if case.probability is not None:
        wrong += _another_probability(loaded, rule, facts, case.probability)
    if case.reading is not None:
        wrong += _another_reading(loaded, rule, facts, case.reading)
    lacking = [fact for fact in case.missing if fact not in missing]
    if lacking:
        wrong.append(f"it says that {', '.join(lacking)} is missing, but missing is {', '.join(missing) or 'nothing'}.")
    return wrong


def _differences(expected: Any, got: Any) -> Iterator[str]:
    """An outcome per flag is compared flag by flag; a flag that the case does not name is not compared."""
    if not isinstance(got, dict) or "low" in got:
        if _plain(expected) != got:
            yield f"it expects {_words(expected)}, but the outcome is {_words(got)}."
    elif not isinstance(expected, Mapping):
        yield f"it expects {_words(expected)}, but a red flag needs an outcome for each flag: {_words(got)}."
    else:
        for flag, outcome in expected.items():
            if flag not in got:
                yield f"it names {flag}, which is not a flag of this rule; its flags are {', '.join(got)}."
            elif got[flag] != outcome:
                yield f"it expects {flag} to be {outcome}, but the outcome is {got[flag]}."


def _another_probability(loaded: Loaded, rule: Rule, facts: PatientFacts, expected: Decimal) -> Iterator[str]:
    """A probability is compared to as many decimals as the case states."""
    causes = evaluate(loaded.rules, _with_complaint(facts)).causes
    got = next((Decimal(str(cause.probability)) for cause in causes if cause.cause == rule.id), None)
    if got is None or got.quantize(expected, ROUND_HALF_UP) != expected:
        yield f"it expects a probability of {expected}, but it is {got if got is not None else 'not worked out'}."


def _another_reading(loaded: Loaded, rule: Rule, facts: PatientFacts, expected: str) -> Iterator[str]:
    got = None
    if isinstance(rule, ScoreRule):
        total = loaded.rules.scores[rule.id].total(Look(facts.answered, presume=True))
        got = rule.reading(total.low, total.high) if total else None
    if (got or "none") != expected:
        yield f"it expects the reading {expected}, but it is {got or 'none'}."


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return Decimal(value) if isinstance(value, int) else value


def _words(value: Any) -> str:
    return ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, Mapping) else str(value)


def _outcome(loaded: Loaded, rule: Rule, facts: PatientFacts) -> tuple[Any, tuple[str, ...]]:
    """The outcome of one rule and the facts it misses: per flag, a likelihood, or a score's total or range."""
    if isinstance(rule, ScoreRule):
        return _score_outcome(loaded, rule, facts)
    if isinstance(rule, RedFlagRule):
        return _flag_outcomes(loaded, rule, facts)
    if isinstance(rule, MimicRule):
        return _mimic_outcome(loaded, rule, facts)
    if isinstance(rule, OrderCheckRule):
        return _check_outcomes(loaded, rule, facts)
    facts = _with_complaint(facts)
    outcome = evaluate(loaded.rules, facts).outcomes.get(f"causes/{rule.id}", "not evaluated")
    return outcome, _missing_of_cause(loaded, rule, facts)


def _missing_of_cause(loaded: Loaded, rule: Rule, facts: PatientFacts) -> tuple[str, ...]:
    """All that the evidence and the required facts of a cause wait for; findings name only the first."""
    look = Look(facts.answered, presume=True)
    cause = next(each for each in loaded.rules.causes if each.id == rule.id)
    parts = [row.criterion for row in cause.rows] + ([cause.requires] if cause.requires else [])
    return _missing(parts, look)


def _missing(parts: Iterable[Compiled], look: Look) -> tuple[str, ...]:
    """The facts that the open ones of these parts wait for."""
    open_parts = (part for part in parts if part.test(look) is CANNOT_TELL)
    return tuple(dict.fromkeys(fact for part in open_parts for fact in unknowns(part, look)))


def _mimic_outcome(loaded: Loaded, rule: MimicRule, facts: PatientFacts) -> tuple[str, tuple[str, ...]]:
    look = Look(facts.answered, presume=True)
    criterion = next(each.criterion for each in loaded.rules.mimics if each.id == rule.id)
    return criterion.test(look).value, _missing([criterion], look)


def _score_outcome(loaded: Loaded, rule: ScoreRule, facts: PatientFacts) -> tuple[Any, tuple[str, ...]]:
    score, look = loaded.rules.scores[rule.id], Look(facts.answered, presume=True)
    total = score.total(look)
    if total is None:
        return "not-valid", ()
    whole = total.low == total.high
    return total.low if whole else {"low": total.low, "high": total.high}, _missing(score.parts, look)


def _flag_outcomes(loaded: Loaded, rule: RedFlagRule, facts: PatientFacts) -> tuple[dict[str, str], tuple[str, ...]]:
    return _each_outcome({flag.id: flag.criterion for flag in loaded.rules.flags if flag.rule == rule.id}, facts)


def _check_outcomes(
    loaded: Loaded, rule: OrderCheckRule, facts: PatientFacts
) -> tuple[dict[str, str], tuple[str, ...]]:
    """A case need not say that the order is one of those that the rule is for."""
    checks = dict.fromkeys(check for name in rule.orders for check in loaded.rules.checks_of.get(name, ()))
    return _each_outcome({check.id: check.criterion for check in checks if check.rule == rule.id}, facts)


def _each_outcome(criteria: Mapping[str, Compiled], facts: PatientFacts) -> tuple[dict[str, str], tuple[str, ...]]:
    """Id → met, not-met, cannot-tell, or `presumed` where it fires unless an unknown exception turns out true."""
    outcomes: dict[str, str] = {}
    missing: list[str] = []
    look, presuming = Look(facts.answered), Look(facts.answered, presume=True)
    for name, criterion in criteria.items():
        stands = standing(criterion, look, presuming)
        presumed = stands.fires and stands.outcome is CANNOT_TELL
        outcomes[name] = "presumed" if presumed else stands.outcome.value
        missing += unknowns(criterion, look)
    return outcomes, tuple(dict.fromkeys(missing))


def _with_complaint(facts: PatientFacts) -> PatientFacts:
    """Causes speak only where there is a leg complaint, so a case need not name one."""
    return PatientFacts({"leg-pain": Known(True), **facts.answered})
