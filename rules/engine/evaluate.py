"""
The engine: facts in, findings out. Pure; the same rules and facts give the same findings.

Order of work: is the patient in scope → red flags → is there a leg complaint → causes → missing data. Without a
complaint nothing but a red flag on coded facts is said.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from rules.engine.attempts import Attempts
from rules.engine.compiled import CompiledFlag, CompiledRow, CompiledRules, module_of
from rules.engine.criteria import Look, ScoreRange, in_bounds, is_present, reasons, standing, unknowns
from rules.engine.facts import Known, PatientFacts
from rules.engine.findings import Cause, Evidence, Findings, Likelihood, NotEvaluated, RedFlag
from rules.engine.missing import missing_data
from rules.engine.resting import resting
from rules.engine.truth import CANNOT_TELL, MET, NOT_MET, Truth
from rules.engine.weigh import Ranking, probability, weigh

__all__ = ["ADULT_AGE", "evaluate", "out_of_scope", "strongest"]

ADULT_AGE = Decimal(18)
"""Years. The clinical content is written for adults; below this age no rule speaks."""

_CHILD = in_bounds("age", None, (ADULT_AGE, True))
_DECEASED = is_present("deceased")
_COMPLAINT = "definitions/leg-complaint"
_URGENCY = {"emergency": 0, "urgent": 1}
_WORDS: tuple[Likelihood, ...] = ("unlikely", "possible", "likely", "very-likely")
_MORE_THAN_WEAK = math.log(2)
"""Of log-odds: from a likelihood ratio of 2 on, evidence changes a probability more than a little (McGee 2002)."""
_MISSING_SHOWN = 6
_ALWAYS_TOLD, _TOLD = 3, 5
"""The first causes have their evidence told, and of the next the possible ones; no card shows those below."""


def evaluate(
    rules: CompiledRules, facts: PatientFacts, modules: frozenset[str] = frozenset(("red-flags", "causes"))
) -> Findings:
    """
    Evaluate all rules for one patient.

    Args:
        rules: a compiled library.
        facts: what is known, in the units of facts.yaml.
        modules: those that are switched on; one that is off says nothing, and its rules are named as not evaluated.

    Returns:
        Findings; `silent` says why nothing is said to a patient who is out of scope (under-18, deceased).
    """
    attempt = Attempts()
    look, presuming = Look(facts.answered), Look(facts.answered, presume=True)
    complaint = attempt(_COMPLAINT, rules.complaint.test, look) or CANNOT_TELL
    if silent := out_of_scope(look):
        nothing = tuple(NotEvaluated(rule, silent) for rule in rules.rule_ids)
        return Findings(complaint=complaint, silent=silent, not_evaluated=nothing)
    flags = _red_flags(rules, facts, look, presuming, attempt) if "red-flags" in modules else _Flags()
    causes, mimics = _Causes(), dict[str, str]()
    if complaint is MET and "causes" in modules:
        causes = _causes(rules, facts, presuming, attempt, flags.alarms)
        mimics = _mimics(rules, facts, presuming, attempt)
    missing = (
        missing_data(rules, flags.open, flags.resting, causes.ranking, presuming, attempt) if complaint is MET else ()
    )
    outcomes = {**flags.outcomes, **causes.outcomes, **mimics}
    at_rest = {rule: each for rule, each in flags.lacking.items() if rule not in mimics}
    return Findings(
        red_flags=flags.shown,
        causes=causes.shown,
        missing=missing,
        mimics=tuple(name.split("/")[1] for name, word in mimics.items() if word == "met"),
        scores=_scores(rules, causes.shown, presuming, attempt),
        complaint=complaint,
        outcomes={rule: word for rule, word in outcomes.items() if word == "met" or rule not in attempt.failed},
        not_evaluated=tuple(_not_evaluated(rules, modules, outcomes, at_rest, complaint, facts, attempt)),
    )


def out_of_scope(look: Look) -> str | None:
    """Why no rule speaks for this patient; None where they do."""
    if _DECEASED.test(look) is MET:
        return "deceased"
    return "under-18" if _CHILD.test(look) is MET else None


def _touched(facts: PatientFacts, reading: Mapping[str, tuple[int, ...]]) -> set[int]:
    """The numbers of the rules that read a fact which the record speaks of."""
    stated = facts.answered if facts.stated is None else facts.stated
    return {number for fact in stated for number in reading.get(fact, ())}


# ── red flags ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Flags:
    """
    Args:
        shown: the flags to show. open: those still open that the record touches; resting: the open ones that it does
            not, with what their facts are worth. outcomes: of each rule the strongest of its flags.
        lacking: the rules that the record does not touch, if they have no outcome.
    """

    shown: tuple[RedFlag, ...] = ()
    open: tuple[CompiledFlag, ...] = ()
    resting: tuple[tuple[CompiledFlag, Mapping[str, float]], ...] = ()
    lacking: Mapping[str, NotEvaluated] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)

    @property
    def alarms(self) -> frozenset[str]:
        """The causes of the emergencies that are shown."""
        return frozenset(flag.cause for flag in self.shown if flag.urgency == "emergency")


def _red_flags(rules: CompiledRules, facts: PatientFacts, look: Look, presuming: Look, attempt: Attempts) -> _Flags:
    rest = resting(rules, facts.complete)
    touched = _touched(facts, rules.flags_reading) | rest.firing
    words = list(rest.outcomes)
    fired: list[RedFlag] = []
    open_flags: list[CompiledFlag] = []
    at_rest = tuple((flag, worth) for number, flag, worth in rest.worth if number not in touched)
    for number in sorted(touched):
        flag = rules.flags[number]
        found = attempt(f"red-flags/{flag.rule}", _stand, flag, look, presuming)
        if found is None:
            continue
        if found.fires:
            fired.append(found)
        elif found.outcome is CANNOT_TELL:
            open_flags.append(flag)
        words[number] = "met" if found.fires else found.outcome.value
    moved = {rules.flags[number].name for number in touched}
    lacking = {rule: each for rule, each in rest.lacking.items() if rule not in moved}
    named = zip((flag.name for flag in rules.flags), words, strict=True)
    return _Flags(_ordered(fired, rules), tuple(open_flags), at_rest, lacking, strongest(named))


def strongest(words: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    The outcome of each rule: met, else cannot-tell, else not-met, whichever one of its flags or checks says.

    Args:
        words: (rule, outcome of one of its flags or checks).
    """
    outcomes: dict[str, str] = {}
    for name, word in words:
        before = outcomes.get(name)
        if before is None or word == "met" or (word == "cannot-tell" and before == "not-met"):
            outcomes[name] = word
    return outcomes


def _stand(flag: CompiledFlag, look: Look, presuming: Look) -> RedFlag:
    stands = standing(flag.criterion, look, presuming)
    return RedFlag(flag.rule, flag.id, flag.cause, flag.urgency, *stands)


def _ordered(fired: list[RedFlag], rules: CompiledRules) -> tuple[RedFlag, ...]:
    """The most urgent first, of these the certain ones; a flag that another fired flag says better is left out."""
    names = {f"{flag.rule}/{flag.flag}" for flag in fired}
    better = {f"{flag.rule}/{flag.id}": flag.superseded_by for flag in rules.flags if flag.superseded_by}
    kept = [flag for flag in fired if names.isdisjoint(better.get(f"{flag.rule}/{flag.flag}", ()))]
    return tuple(sorted(kept, key=lambda flag: (_URGENCY[flag.urgency], flag.presumed != (), flag.rule, flag.flag)))


# ── causes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Causes:
    """The causes to show, the same as weighed, and each rule's outcome: its likelihood, or excluded."""

    shown: tuple[Cause, ...] = ()
    ranking: tuple[Ranking, ...] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)


def _causes(
    rules: CompiledRules, facts: PatientFacts, look: Look, attempt: Attempts, alarms: frozenset[str]
) -> _Causes:
    outcomes: dict[str, str] = {}
    ranking: list[Ranking] = []
    for number in sorted(_touched(facts, rules.causes_reading)):
        cause = rules.causes[number]
        rule = f"causes/{cause.id}"
        weighed = attempt(rule, weigh, rules, cause, look)
        if weighed is not None:
            ranking.append(weighed)
        elif rule not in attempt.failed:
            outcomes[rule] = "excluded"
    standing = [(each, *_likelihood(each, rules)) for each in ranking]
    standing.sort(key=lambda one: _order(one[0], one[2], alarms))
    shown: list[Cause] = []
    for each, likely, word in standing:
        described = attempt(f"causes/{each.cause.id}", _cause, each, likely, _held(word, each), len(shown) + 1, look)
        if described is not None:
            shown.append(described)
            outcomes[f"causes/{each.cause.id}"] = described.likelihood
    return _Causes(tuple(shown), tuple(each for each, _, _ in standing), outcomes)


def _likelihood(ranking: Ranking, rules: CompiledRules) -> tuple[float, Likelihood]:
    """The probability of a cause by its evidence alone, and the word for it."""
    # Rounded first, so that a probability that is shown as the edge of a band has the word of that band.
    likely = round(probability(ranking.log_odds), 4)
    for floor, word in rules.bands:
        if likely >= floor:
            return likely, word
    return likely, "unlikely"


def _held(word: Likelihood, ranking: Ranking) -> Likelihood:
    """The word, held down where the cause lacks what it requires."""
    if ranking.required is MET:
        return word
    return min(word, "possible" if ranking.required is CANNOT_TELL else "unlikely", key=_WORDS.index)


def _order(ranking: Ranking, word: Likelihood, alarms: frozenset[str]) -> tuple[object, ...]:
    """
    What goes before what: the cause of an emergency that is shown; then the word of its evidence alone; of those that
    are possible one that has what it requires, and more than weak evidence, before the others; then the odds.
    """
    firm = ranking.required is not CANNOT_TELL and any(each >= _MORE_THAN_WEAK for each, _ in ranking.counted)
    return (
        ranking.cause.id not in alarms,
        ranking.required is NOT_MET,
        -_WORDS.index(word),
        word == "possible" and not firm,
        -ranking.log_odds,
        ranking.cause.id,
    )


def _cause(ranking: Ranking, likely: float, word: Likelihood, place: int, look: Look) -> Cause:
    cause = ranking.cause
    told = place <= _ALWAYS_TOLD or (place <= _TOLD and word != "unlikely")
    capped_by: tuple[str, ...] = ()
    if ranking.required is not MET and cause.requires is not None:
        source = unknowns if ranking.required is CANNOT_TELL else reasons
        capped_by = tuple(dict.fromkeys(source(cause.requires, look)))
    known = cause.known_by is not None and isinstance(look.values.get(cause.known_by), Known)
    return Cause(
        cause=cause.id,
        rank=place,
        likelihood=word,
        probability=likely,
        known=known,
        evidence=tuple(_evidence(weight, row, look) for weight, row in ranking.counted) if told else (),
        missing=_first_missing(ranking, look) if told else (),
        capped_by=capped_by,
    )


def _first_missing(ranking: Ranking, look: Look) -> tuple[str, ...]:
    """The first unknown facts that evidence waits for, in the order of the rule."""
    found: dict[str, None] = {}
    for row in ranking.open_rows:
        for fact in unknowns(row.criterion, look):
            found[fact] = None
            if len(found) == _MISSING_SHOWN:
                return tuple(found)
    return tuple(found)


def _evidence(weight: float, row: CompiledRow, look: Look) -> Evidence:
    ratio = row.weight_met if row.criterion.test(look) is MET else row.weight_not_met
    facts = tuple(dict.fromkeys(reasons(row.criterion, look)))
    return Evidence(row.id, facts, "for" if weight > 0 else "against", ratio, row.cites)


def _mimics(rules: CompiledRules, facts: PatientFacts, look: Look, attempt: Attempts) -> dict[str, str]:
    """The outcome of each mimic that the record touches."""
    touched = (rules.mimics[number] for number in sorted(_touched(facts, rules.mimics_reading)))
    found = {mimic.name: attempt(mimic.name, mimic.criterion.test, look) for mimic in touched}
    return {name: truth.value for name, truth in found.items() if truth is not None}


def _scores(rules: CompiledRules, causes: Iterable[Cause], look: Look, attempt: Attempts) -> dict[str, ScoreRange]:
    """The scores that serve a cause which is told; none of which nothing at all is answered."""
    told = {cause.cause for cause in causes if cause.evidence}
    serving = (score for score in rules.scores.values() if not told.isdisjoint(score.serves))
    totals = {score.id: attempt(f"scores/{score.id}", score.total, look) for score in serving}
    return {name: total for name, total in totals.items() if total and (total.met or not total.unanswered)}


# ── what was not evaluated ───────────────────────────────────────────────────────────────────────────────────────────


def _not_evaluated(
    rules: CompiledRules,
    modules: frozenset[str],
    outcomes: Mapping[str, str],
    at_rest: Mapping[str, NotEvaluated],
    complaint: Truth,
    facts: PatientFacts,
    attempt: Attempts,
) -> Iterable[NotEvaluated]:
    for rule in rules.rule_ids:
        module = module_of(rule)
        if module not in modules:
            yield NotEvaluated(rule, "module is switched off")
        elif rule in attempt.failed:
            yield NotEvaluated(rule, "rule failed")
        elif module == "causes" and complaint is not MET:
            yield NotEvaluated(rule, "no leg complaint" if complaint is NOT_MET else "leg complaint not known")
        elif outcomes.get(rule, "cannot-tell") != "cannot-tell":
            continue
        elif rule in at_rest:
            yield at_rest[rule]
        else:
            lacking = tuple(fact for fact in rules.reads[rule] if fact not in facts.answered)
            yield NotEvaluated(rule, "facts are missing", lacking)
    for failed in attempt.failed:
        if failed not in rules.rule_ids:
            yield NotEvaluated(failed, "rule failed")
