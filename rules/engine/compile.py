"""
From the shapes of rules to what evaluate.py runs.

Mistakes are added to the problems of the compiler of criteria, so that all mistakes of all files are reported at once.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, TypeVar

from rules.engine.compile_criteria import ORDER_CHECKS, STAND_IN, Compiler
from rules.engine.compiled import (
    CompiledCause,
    CompiledCheck,
    CompiledFlag,
    CompiledMimic,
    CompiledRow,
    CompiledRules,
    CompiledScore,
)
from rules.engine.criteria import Compiled
from rules.engine.rule import CauseRule, Criterion, EvidenceRow, MimicRule, OrderCheckRule, RedFlagRule, Scale
from rules.engine.vocabulary import OrderFact

__all__ = ["COMPLAINT", "compile_rules"]

COMPLAINT = "leg-complaint"
"""The definition of what makes the causes speak at all."""

_K = TypeVar("_K")


def _row(compiler: Compiler, row: EvidenceRow, where: tuple[str, str], rule: CauseRule, scale: Scale) -> CompiledRow:
    criterion = compiler.criterion(row.when, where, rule.thresholds)
    one = Decimal(1)
    if row.supports:
        met, absent = scale.supports[row.supports], one
    elif row.opposes:
        met, absent = scale.opposes[row.opposes], one
    else:
        met, absent = row.present or one, row.absent or one
    tokens = criterion.reads | ({f"group {row.group}"} if row.group else set())
    expert = row.supports is not None or row.opposes is not None
    return CompiledRow(
        row.id, criterion, math.log(met), math.log(absent), met, absent, frozenset(tokens), expert, row.cites
    )


def _cause(compiler: Compiler, rule: CauseRule, scale: Scale) -> CompiledCause:
    file = f"causes/{rule.id}/rule.yaml"
    odds = scale.pre_test[rule.pre_test] / (1 - scale.pre_test[rule.pre_test])

    def part(shape: Criterion | None, key: str) -> Compiled | None:
        return compiler.criterion(shape, (file, key), rule.thresholds) if shape is not None else None

    rows = tuple(_row(compiler, row, (file, f"evidence.{row.id}.when"), rule, scale) for row in rule.evidence)
    if rule.known_by is not None and rule.known_by not in compiler.vocabulary:
        what = f"the fact {rule.known_by} is not in facts.yaml."
        compiler.problem((file, "known-by"), what, "Correct the name, or add the fact there.")
    requires, excludes = part(rule.requires, "requires"), part(rule.excludes, "excludes")
    return CompiledCause(rule.id, math.log(odds), requires, excludes, rule.known_by, rows)


def _flags(compiler: Compiler, rule: RedFlagRule) -> Iterable[CompiledFlag]:
    file = f"red-flags/{rule.id}/rule.yaml"
    for flag in rule.flags:
        criterion = compiler.criterion(flag.when, (file, f"flags.{flag.id}.when"), rule.thresholds)
        yield CompiledFlag(rule.id, flag.id, rule.cause, flag.class_, criterion, flag.superseded_by)


def _checks(compiler: Compiler, rule: OrderCheckRule) -> Iterable[CompiledCheck]:
    file = f"{ORDER_CHECKS}/{rule.id}/rule.yaml"
    for order in rule.orders:
        if not isinstance(compiler.vocabulary.get(order), OrderFact):
            what = f"{order} is not an order fact of facts.yaml."
            compiler.problem((file, "orders"), what, "Correct the name, or add the fact there with kind: order.")
    for check in rule.checks:
        criterion = compiler.criterion(check.when, (file, f"checks.{check.id}.when"), rule.thresholds)
        yield CompiledCheck(rule.id, check.id, check.severity, check.stops, rule.orders, criterion, check.superseded_by)


def _mimic(compiler: Compiler, rule: MimicRule) -> CompiledMimic:
    where = (f"mimics/{rule.id}/rule.yaml", "when")
    return CompiledMimic(rule.id, compiler.criterion(rule.when, where, rule.thresholds))


_Spoken = TypeVar("_Spoken", CompiledFlag, CompiledCheck)
_WEIGHT = {"emergency": 2, "urgent": 1, "critical": 2, "warning": 1, "info": 0}


def _check_superseded(compiler: Compiler, spoken: Iterable[_Spoken], what: Literal["flag", "check"]) -> None:
    """One gives way only to what is as urgent, and never, by whatever way, to itself: both would be silent."""
    by_name = {f"{each.rule}/{each.id}": each for each in spoken}
    for name, each in by_name.items():
        where = (f"{each.name}/rule.yaml", f"{what}s.{each.id}.superseded-by")
        folder = each.name.split("/")[0]
        for other in each.superseded_by:
            better = by_name.get(other)
            if better is None and f"{folder}/{other.split('/')[0]}" in compiler.unreadable:
                continue
            if better is None:
                compiler.problem(where, f"there is no {what} {other}.", f"Write rule-id/{what}-id of an active {what}.")
            elif _class(better) < _class(each):
                said = f"{each.id} would be hidden by {other}, which is of a lower class."
                compiler.problem(where, said, "Take it out, or correct the class of one of the two.")
        if name in _gives_way_to(each, by_name):
            said = f"{name} gives way to itself, so that nothing would be shown."
            compiler.problem(where, said, f"Take one {what} of the circle out.")


def _class(spoken: CompiledFlag | CompiledCheck) -> int:
    return _WEIGHT[spoken.urgency if isinstance(spoken, CompiledFlag) else spoken.severity]


def _gives_way_to(spoken: _Spoken, by_name: Mapping[str, _Spoken]) -> set[str]:
    found: set[str] = set()
    ahead = list(spoken.superseded_by)
    while ahead:
        name = ahead.pop()
        if name not in found and name in by_name:
            found.add(name)
            ahead += by_name[name].superseded_by
    return found


def _check_served(compiler: Compiler, scores: Iterable[CompiledScore], causes: Mapping[str, CauseRule]) -> None:
    for score in scores:
        for cause in sorted(score.serves - causes.keys()):
            if f"causes/{cause}" not in compiler.unreadable:
                where = (f"scores/{score.id}/rule.yaml", "serves")
                compiler.problem(where, f"there is no cause {cause}.", "Correct the name, or take it out.")


def _cause_reads(cause: CompiledCause) -> frozenset[str]:
    parts = [row.criterion for row in cause.rows] + [part for part in (cause.requires, cause.excludes) if part]
    return frozenset().union(*(part.reads for part in parts))


def _by_fact(reads: Iterable[tuple[_K, frozenset[str]]]) -> dict[str, tuple[_K, ...]]:
    """Fact → what reads it."""
    by_fact: dict[str, dict[_K, None]] = {}
    for reader, facts in reads:
        for fact in facts:
            by_fact.setdefault(fact, {})[reader] = None
    return {fact: tuple(readers) for fact, readers in by_fact.items()}


def compile_rules(
    compiler: Compiler,
    red_flags: Mapping[str, RedFlagRule],
    causes: Mapping[str, CauseRule],
    mimics: Mapping[str, MimicRule],
    scale: Scale,
    order_checks: Mapping[str, OrderCheckRule],
) -> CompiledRules:
    """
    Compile all active rules.

    Returns rules even where there are problems (compiler.problems); the caller must not use them then.
    """
    live = [rule for _, rule in sorted(red_flags.items()) if rule.status == "active"]
    flags = tuple(flag for rule in live for flag in _flags(compiler, rule))
    _check_superseded(compiler, flags, "flag")
    ranked = tuple(_cause(compiler, rule, scale) for _, rule in sorted(causes.items()) if rule.status == "active")
    also = tuple(_mimic(compiler, rule) for _, rule in sorted(mimics.items()) if rule.status == "active")
    watched = [rule for _, rule in sorted(order_checks.items()) if rule.status == "active"]
    checks = tuple(check for rule in watched for check in _checks(compiler, rule))
    _check_superseded(compiler, checks, "check")
    scores, definitions = compiler.scores(), compiler.definitions()
    _check_served(compiler, scores.values(), causes)
    # Age and sex alone bring no cause to mind: a cause that nothing else in the record touches is not ranked.
    personal = {name for name, fact in compiler.vocabulary.items() if fact.kind == "demographic"}
    by_rule: dict[str, set[str]] = {}
    for flag in flags:
        by_rule.setdefault(f"red-flags/{flag.rule}", set()).update(flag.criterion.reads)
    for cause in ranked:
        by_rule[f"causes/{cause.id}"] = set(_cause_reads(cause))
    for mimic in also:
        by_rule[mimic.name] = set(mimic.criterion.reads)
    of_patient = tuple(sorted(by_rule))
    for check in checks:
        by_rule.setdefault(check.name, set()).update(check.criterion.reads, check.orders)
    return CompiledRules(
        vocabulary=compiler.vocabulary,
        definitions=definitions,
        flags=flags,
        causes=ranked,
        scores=scores,
        complaint=definitions.get(COMPLAINT, STAND_IN),
        answers=compiler.answers(float(scale.chance_of_yes)),
        bands=tuple((float(band.from_), band.word) for band in scale.bands),
        expert_range=(math.log(scale.expert_floor), math.log(scale.expert_cap)),
        flag_worth={urgency: float(worth / scale.chance_of_yes) for urgency, worth in scale.flag_worth.items()},
        remembered=_by_fact(
            [(name, each.reads) for name, each in definitions.items()]
            + [(f"score {name}", part.reads) for name, each in scores.items() for part in each.parts]
        ),
        askable=frozenset(name for name, fact in compiler.vocabulary.items() if fact.how or fact.kind == "answer"),
        flags_reading=_by_fact(enumerate(flag.criterion.reads for flag in flags)),
        causes_reading=_by_fact((number, _cause_reads(cause) - personal) for number, cause in enumerate(ranked)),
        mimics=also,
        mimics_reading=_by_fact((number, mimic.criterion.reads - personal) for number, mimic in enumerate(also)),
        checks_of=_by_fact((check, frozenset(check.orders)) for check in checks),
        rule_ids=of_patient,
        check_ids=tuple(sorted({check.name for check in checks})),
        reads={rule: tuple(sorted(facts)) for rule, facts in by_rule.items()},
    )
