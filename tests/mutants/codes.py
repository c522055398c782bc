"""
Every code of the value sets and of the symptoms, changed in every small way, and whether a coded case notices.

A code is left out, replaced by its neighbor (with a check digit that holds) or by a code of another set, or moved to
another set; a pattern is also made a character longer or shorter. Only the cases under the codes that a change touches
are read, with a terminology in which nothing else differs. A change that leaves the facts of every code as they are,
because two sets of one fact hold it, is none. Products are not changed one by one: they follow their ingredients.
"""

import dataclasses
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import islice
from typing import NamedTuple, cast

from rules.engine.vocabulary import FactDefinition, OrderFact
from rules.pack import Pack, load_pack
from rules.terminology import ATC, ICD10, ICD10CM, Concept, Match, Symptom, Terminology, ValueSet
from service.fhir.coverage import Coverage
from tests.library.coded.cases import CodedCase, coded_cases, facts_read
from tests.library.coded.in_use import Code, neighbor, value_set_codes
from tests.service.fhir.reading import coverage

__all__ = ["CODES", "SYMPTOMS", "code_names", "noticed_codes"]

CODES, SYMPTOMS = "codes", "symptoms"
_PREFIXED = (ICD10CM, ICD10, ATC)
_CATEGORY = 3
"""Characters of the shortest code that a chart may hold, of ICD-10."""


class _Change(NamedTuple):
    """What is done to a code, what records and orders are read with then, and the codes that are read differently."""

    what: str
    terminology: Terminology
    orders: Terminology
    touched: frozenset[Code]


_Exact = dict[tuple[str, str], tuple[Match, ...]]
_Making = Callable[[], _Change | None]
"""A change that is made only if it is asked for."""


def code_names() -> list[str]:
    """Whose codes can be changed: codes/gout, codes/symptoms."""
    return [f"{CODES}/{name}" for name in (*value_set_codes(), SYMPTOMS)]


def noticed_codes(name: str, every: int = 1, first: int = 0) -> Iterator[tuple[str, bool]]:
    """Changes of the codes of a value set, or of the symptoms (`every`th from `first` on): noticed by a case or not."""
    changes = _of_symptoms() if name == SYMPTOMS else _of_value_set(name)
    for change in filter(None, (make() for make in islice(changes, first, None, every))):
        yield change.what, _lacks_a_case(change) or _fails_a_case(change)


def _lacks_a_case(change: _Change) -> bool:
    """tests/library/test_coded.py wants a case for every code in use."""
    return not all(any(_cases_under((code,))) for code in change.touched)


def _fails_a_case(change: _Change) -> bool:
    orders = dataclasses.replace(_pack().orders, codes=change.orders)
    pack = dataclasses.replace(_pack(), terminology=change.terminology, orders=orders)
    return any(facts_read(pack, _coverage(), case) != case.facts for case in _cases_under(change.touched))


@cache
def _pack() -> Pack:
    return load_pack()


@cache
def _coverage() -> Coverage:
    return coverage(_pack())


# ── the cases ────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _cases() -> Mapping[tuple[str, str], list[CodedCase]]:
    """(system, code) → its cases, and (system, beginning of a code) → the cases that a pattern may touch."""
    found = defaultdict(list)
    for case in coded_cases():
        plain = _key(Code(case.system, case.code))[1]
        for end in range(1, len(plain)) if case.system in _PREFIXED else ():
            found[case.system, f"{plain[:end]}*"].append(case)
        found[case.system, plain].append(case)
        found[case.system, f"{plain}*"].append(case)
    return found


def _cases_under(touched: Iterable[Code]) -> Iterator[CodedCase]:
    for code in touched:
        system, plain = _key(code)
        yield from _cases().get((system, f"{plain}*" if code.pattern else plain), ())


def _plain(code: Code) -> str:
    return code.code.replace(".", "")


# ── value sets ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_value_set(name: str) -> Iterator[_Making]:
    other = _another_set(name)
    for code in value_set_codes()[name]:
        for what, found in _replacements(code, other):
            yield partial(_changed, f"{code.code}: {what}", {name: (code, found)})
        yield partial(_changed, f"{code.code}: moved to {other}", {name: (code, None), other: (None, code)})


def _replacements(code: Code, other: str) -> Iterator[tuple[str, Code | None]]:
    yield "left out", None
    yield "its neighbor for it", neighbor(code)
    stranger = next((each for each in value_set_codes()[other] if each.system == code.system), None)
    if stranger:
        yield f"{stranger.code} of {other} for it", stranger
    if code.pattern:
        yield "one character more", code._replace(code=f"{code.code}{'A' if code.system == ATC else '1'}")
        if len(_plain(code)) > _CATEGORY:
            yield "one character less", code._replace(code=code.code[:-1].rstrip("."))


@cache
def _users() -> dict[str, dict[str, FactDefinition]]:
    """Value set → the facts that are read by it."""
    found: dict[str, dict[str, FactDefinition]] = {name: {} for name in value_set_codes()}
    for fact, definition in _pack().library.facts.items():
        for name in getattr(definition, "value_set", ()):
            found[name][fact] = definition
    return found


@cache
def _another_set(name: str) -> str:
    """The next set whose facts are of the same kind and none of which is a fact of this one."""
    ours, names = _users()[name], [*value_set_codes()] * 2
    kinds = _kinds(name)
    return next(
        each
        for each in names[names.index(name) + 1 :]
        if ours.keys().isdisjoint(_users()[each]) and kinds & _kinds(each)
    )


def _kinds(name: str) -> set[str]:
    """What a value set is used for; of an order, what is ordered or why."""
    return {fact.of if isinstance(fact, OrderFact) else fact.kind for fact in _users()[name].values()}


@cache
def _holders() -> Mapping[Code | str, dict[str, None]]:
    """Code → the value sets that hold it; and system → those that hold patterns of it."""
    found: dict[Code | str, dict[str, None]] = defaultdict(dict)
    for name, codes in value_set_codes().items():
        for code in codes:
            found[code][name] = None
            if code.pattern:
                found[code.system][name] = None
    return found


def _changed(what: str, swaps: Mapping[str, tuple[Code | None, Code | None]]) -> _Change | None:
    """The change of codes for others, set by set; None where every code keeps its facts."""
    touched = frozenset(code for swap in swaps.values() for code in swap if code)
    system = next((code.system for code in touched if code.pattern), None)
    keys: list[Code | str] = [*touched, *([system] if system else [])]
    holders = [name for key in keys for name in _holders().get(key, ())]
    sets = {name: _after(name, touched, system, *swaps.get(name, (None, None))) for name in (*swaps, *holders)}
    facts = {fact: definition for name in sets for fact, definition in _users()[name].items()}
    of_orders = {name for name, fact in facts.items() if isinstance(fact, OrderFact)}
    records = _small({name: facts[name] for name in facts.keys() - of_orders}, sets)
    orders = _small({name: facts[name] for name in of_orders}, sets)
    whole = _pack().terminology, _pack().orders.codes
    after = _with(whole[0], records, touched, system), _with(whole[1], orders, touched, system)
    change = _Change(what, *after, touched)
    # What lies under a pattern changes with the code that the pattern begins with.
    read = [{code: [_facts(each, code) for each in both] for code in touched} for both in (whole, after)]
    return change if _lacks_a_case(change) or read[0] != read[1] else None


def _small(facts: Mapping[str, FactDefinition], sets: Mapping[str, ValueSet]) -> Terminology:
    """Of some facts and value sets; the other sets of these facts are empty."""
    named = {name: ValueSet(name, (), ()) for fact in facts.values() for name in getattr(fact, "value_set", ())}
    return Terminology.build(facts, {**named, **sets}, (), (), ())


def _with(whole: Terminology, small: Terminology, touched: frozenset[Code], system: str | None) -> Terminology:
    """The whole terminology, but for the codes that are touched and the patterns of their system."""
    changed = {_key(code): small.exact.get(_key(code), ()) for code in touched if not code.pattern}
    prefixes = {**whole.prefixes, system: small.prefixes.get(system, {})} if system else whole.prefixes
    return dataclasses.replace(whole, exact=ChainMap(changed, cast(_Exact, whole.exact)), prefixes=prefixes)


def _after(name: str, touched: frozenset[Code], system: str | None, gone: Code | None, come: Code | None) -> ValueSet:
    """
    What a value set holds of the codes that are touched, and of the patterns of their system, after the change; without
    names, since a coded case has no wording.
    """
    held = [code for code in value_set_codes()[name] if code in touched or (code.pattern and code.system == system)]
    held = [code for code in held if code != gone] + ([come] if come else [])
    return ValueSet(
        name,
        tuple(Concept(code.system, code.code, (), frozenset()) for code in held if not code.pattern),
        tuple((code.system, code.code) for code in held if code.pattern),
    )


def _key(code: Code) -> tuple[str, str]:
    return code.system, _plain(code) if code.system in _PREFIXED else code.code


def _facts(terminology: Terminology, code: Code) -> set[str]:
    return {match.fact for match in terminology.of_code(code.system, code.code)}


# ── symptoms ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_symptoms() -> Iterator[_Making]:
    """Those that are read; the code that is also the diagnosis of a cause implies no answer."""
    symptoms = _pack().terminology.symptoms
    for (system, code), found in symptoms.items():
        here = Code(system, code)
        beside = neighbor(here)
        for symptom in found:
            rest = tuple(each for each in found if each != symptom)
            what = f"{code} {symptom.fact} {symptom.answer or ''}".rstrip()
            there = {(beside.system, beside.code): (symptom,)}
            yield partial(_told, f"{what}: left out", {(system, code): rest}, here)
            yield partial(_told, f"{what}: its neighbor for it", {(system, code): rest} | there, here, beside)
            yield partial(_told, f"{what}: another answer", {(system, code): (*rest, _another(symptom))}, here)


def _told(what: str, symptoms: Mapping[tuple[str, str], tuple[Symptom, ...]], *touched: Code) -> _Change:
    whole = _pack().terminology
    after = dataclasses.replace(whole, symptoms={**whole.symptoms, **symptoms})
    return _Change(what, after, _pack().orders.codes, frozenset(touched))


def _another(symptom: Symptom) -> Symptom:
    """Another answer of a choice, or yes to another question."""
    library = _pack().library
    if symptom.answer:
        answers = list(library.options[symptom.fact])
        return Symptom(symptom.fact, answers[answers.index(symptom.answer) - 1])
    return Symptom("fever" if symptom.fact != "fever" else "warm", None)
