"""
Codes and units: from a code, a product or a wording to the facts it stands for. One dictionary look-up per coding.

Built once per pack from value-sets/ and terminology/. A code that no value set holds means unknown, never absent.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType

from rules.engine.vocabulary import (
    ConditionFact,
    FactDefinition,
    MeasurementFact,
    MedicationFact,
    OrderFact,
    RequestFact,
)

__all__ = [
    "ATC",
    "ICD10",
    "ICD10CM",
    "LOINC",
    "NDC",
    "RXNORM",
    "SNOMED",
    "Concept",
    "Match",
    "NamedKind",
    "OrderTerminology",
    "Symptom",
    "Terminology",
    "UnitRow",
    "ValueSet",
    "words_of",
]

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
ATC = "http://www.whocc.no/atc"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"

_BY_OID = {
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.69": NDC,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    "urn:oid:2.16.840.1.113883.6.3": ICD10,
}
NamedKind = type[ConditionFact] | type[MedicationFact] | type[OrderFact] | type[RequestFact]
"""What can be named in a text."""

_PATTERNED = (ICD10CM, ICD10, ATC)
_NDC_DIGITS, _NDC_PRODUCT = 11, 9
_LONGEST_NAME = 8
_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a value set with its names, and for a medicine the routes by which it belongs to the class."""

    system: str
    code: str
    names: tuple[str, ...]
    routes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ValueSet:
    """Codes, and code prefixes such as ("http://hl7.org/fhir/sid/icd-10-cm", "I70.22")."""

    id: str
    concepts: tuple[Concept, ...]
    patterns: tuple[tuple[str, str], ...]
    title: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """to = from × factor + offset, for one analyte; rows of the analyte `any` are spellings, to be mapped first."""

    analyte: str
    from_unit: str
    to_unit: str
    factor: Decimal
    offset: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """A fact that a code stands for, and the value set it was found in (for a number: the analyte of units.csv)."""

    fact: str
    value_set: str


@dataclass(frozen=True, slots=True)
class Symptom:
    """An answer of the intake that a code stands for: yes, or one of the answers of a choice."""

    fact: str
    answer: str | None
    display: str = ""


def words_of(text: str) -> tuple[str, ...]:
    """A wording as lower-case words, without punctuation."""
    return tuple(re.findall(r"[a-z0-9]+", text.lower()))


def _plain(system: str, code: str) -> str:
    """A code in the one spelling used for look-up: ICD without its dot, ICD and ATC in capitals, NDC as 11 digits."""
    if system in _PATTERNED:
        return code.replace(".", "").upper()
    if system == NDC and "-" in code:
        parts = code.split("-")
        return "".join(part.zfill(width) for part, width in zip(parts, (5, 4, 2), strict=False))
    return code


@dataclass(frozen=True, slots=True)
class Terminology:
    """
    The look-up tables of one pack.

    Args:
        exact: (system, code) → matches. Products are already resolved to the classes of their ingredients.
        prefixes: system → code prefix → matches, for ICD-10 and ATC.
        names: words → matches, for text without a known code; conditions, medicines and orders apart.
        aliases, factors: unit spelling → unit; (analyte, unit, target unit) → (factor, offset).
        units: every unit that a row or a fact names.
        symptoms: (system, code) → the answers of the intake that it implies.
    """

    exact: Mapping[tuple[str, str], tuple[Match, ...]]
    prefixes: Mapping[str, Mapping[str, tuple[Match, ...]]]
    condition_names: Mapping[tuple[str, ...], tuple[Match, ...]]
    medication_names: Mapping[tuple[str, ...], tuple[Match, ...]]
    measurement_names: Mapping[tuple[str, ...], tuple[Match, ...]]
    order_names: Mapping[tuple[str, ...], tuple[Match, ...]]
    aliases: Mapping[str, str]
    factors: Mapping[tuple[str, str, str], tuple[Decimal, Decimal]]
    units: frozenset[str]
    symptoms: Mapping[tuple[str, str], tuple[Symptom, ...]]

    @classmethod
    def build(
        cls,
        facts: Mapping[str, FactDefinition],
        value_sets: Mapping[str, ValueSet],
        products: Iterable[tuple[str, tuple[str, ...], str]],
        packages: Iterable[tuple[str, tuple[str, ...], str]],
        units: Iterable[UnitRow],
        symptoms: Mapping[tuple[str, str], tuple[Symptom, ...]] | None = None,
    ) -> "Terminology":
        matches = _matches(facts)
        exact: dict[tuple[str, str], dict[Match, None]] = {}
        prefixes: dict[str, dict[str, dict[Match, None]]] = {}
        by_ingredient: dict[str, list[tuple[frozenset[str], tuple[Match, ...]]]] = {}
        for name in matches:
            value_set = value_sets[name]
            for concept in value_set.concepts:
                code = _plain(concept.system, concept.code)
                exact.setdefault((concept.system, code), {}).update(dict.fromkeys(matches[name]))
                if concept.system == RXNORM:
                    by_ingredient.setdefault(concept.code, []).append((concept.routes, matches[name]))
            for system, prefix in value_set.patterns:
                prefixes.setdefault(system, {}).setdefault(_plain(system, prefix), {}).update(
                    dict.fromkeys(matches[name])
                )
        for system, rows in ((RXNORM, products), (NDC, packages)):
            for code, ingredients, route in rows:
                found = dict.fromkeys(_of_product(ingredients, route, by_ingredient))
                # A product that is listed as holding none of our classes (a cream, where only tablets count) is known
                # not to: neither its name nor, for a package, its product is asked then.
                if found or system == RXNORM or len(code) == _NDC_DIGITS:
                    exact.setdefault((system, code), {}).update(found)
        conversions = list(units)
        return cls(
            {key: tuple(found) for key, found in exact.items()},
            {system: {prefix: tuple(found) for prefix, found in each.items()} for system, each in prefixes.items()},
            _names(facts, value_sets, matches, ConditionFact),
            _names(facts, value_sets, matches, MedicationFact),
            _titles(facts, matches),
            _names(facts, value_sets, matches, OrderFact | RequestFact),
            {row.from_unit: row.to_unit for row in conversions if row.analyte == "any"},
            {
                (row.analyte, row.from_unit, row.to_unit): (row.factor, row.offset)
                for row in conversions
                if row.analyte != "any"
            },
            frozenset(unit for row in conversions for unit in (row.from_unit, row.to_unit))
            | frozenset(unit for fact in facts.values() if (unit := getattr(fact, "unit", None))),
            symptoms or {},
        )

    def of_code(self, system: str | None, code: str) -> tuple[Match, ...]:
        """The facts a coding stands for; empty where no value set knows it."""
        if system == LOINC:
            return self.exact.get((LOINC, code), ())
        system = _BY_OID.get(system or "", system or "")
        code = _plain(system, code)
        found = self.exact.get((system, code))
        if system == NDC and found is None and len(code) == _NDC_DIGITS:
            found = self.exact.get((system, code[:_NDC_PRODUCT]))
        if system not in _PATTERNED or (system == ATC and found):
            return found or ()
        table = self.prefixes.get(system, {})
        longer = (match for end in range(len(code), 1, -1) for match in table.get(code[:end], ()))
        return tuple(dict.fromkeys((*(found or ()), *longer)))

    def symptoms_of(self, system: str | None, code: str) -> tuple[Symptom, ...]:
        """The answers of the intake that a coding implies."""
        return self.symptoms.get((_BY_OID.get(system or "", system or ""), code), ())

    def knows(self, system: str | None, code: str) -> bool:
        """Whether a code is listed, be it as one that no fact is read from."""
        system = _BY_OID.get(system or "", system or "")
        return (system, _plain(system, code)) in self.exact

    def is_standard(self, system: str | None) -> bool:
        """Whether the system is one whose codes say what was measured."""
        return _BY_OID.get(system or "", system) in (LOINC, SNOMED)

    def names_in(self, words: tuple[str, ...], kind: NamedKind) -> list[tuple[int, int, tuple[Match, ...]]]:
        """
        The names that stand in a text as whole words, as (first word, word behind it, facts), in order of length.

        A longer name keeps its words: "history of deep vein thrombosis" does not also name deep vein thrombosis.
        """
        tables = {ConditionFact: self.condition_names, MedicationFact: self.medication_names}
        table = tables.get(kind, self.order_names)
        free = [True] * len(words)
        found: list[tuple[int, int, tuple[Match, ...]]] = []
        for size in range(min(_LONGEST_NAME, len(words)), 0, -1):
            for start in range(len(words) - size + 1):
                end = start + size
                matches = table.get(words[start:end])
                if matches and all(free[start:end]):
                    found.append((start, end, matches))
                    free[start:end] = [False] * size
        return found

    def of_measurement_name(self, text: str) -> tuple[Match, ...]:
        """The measured facts whose whole name is this text; a name inside a longer text is not believed."""
        return self.measurement_names.get(words_of(text), ())

    def knows_unit(self, spelling: str) -> bool:
        """Whether this is a unit, or the spelling of one, for any analyte at all."""
        return spelling in self.aliases or spelling in self.units

    def convert(self, value: Decimal, unit: str, target: str, analyte: str) -> Decimal | None:
        """A value in the target unit, by the analyte's own row; None where the table has no such row."""
        unit = self.aliases.get(unit, unit)
        row = self.factors.get((analyte, unit, target))
        if row is not None:
            return value * row[0] + row[1]
        return value if unit == target else None


@dataclass(frozen=True, slots=True)
class OrderTerminology:
    """
    The look-up tables for draft orders, apart from those for the record, so that reading a record costs no more.

    Args:
        codes: from codes, products and names to order facts.
        ingredients: (system, product) → its ingredients (RxCUI). strengths: RxCUI of a product → mg in one piece.
    """

    codes: Terminology
    ingredients: Mapping[tuple[str, str], tuple[str, ...]]
    strengths: Mapping[str, Decimal]

    def strength_of(self, system: str | None, code: str) -> Decimal | None:
        """Milligrams in one piece of a product; RxNorm only, since codes of other systems may look the same."""
        return self.strengths.get(code) if _BY_OID.get(system or "", system) == RXNORM else None

    def ingredients_of(self, system: str | None, code: str) -> tuple[str, ...]:
        """The ingredients of a medicine; an ATC code stands for itself. Empty where it is not known."""
        system = _BY_OID.get(system or "", system or "")
        code = _plain(system, code)
        if system == ATC:
            return (code,)
        found = self.ingredients.get((system, code))
        if found is None and system == NDC and len(code) == _NDC_DIGITS:
            found = self.ingredients.get((system, code[:_NDC_PRODUCT]))
        return found or ()


def _matches(facts: Mapping[str, FactDefinition]) -> dict[str, tuple[Match, ...]]:
    found: dict[str, list[Match]] = {}
    for name, fact in facts.items():
        for value_set in getattr(fact, "value_set", ()):
            found.setdefault(value_set, []).append(Match(name, value_set))
    return {value_set: tuple(each) for value_set, each in found.items()}


def _titles(
    facts: Mapping[str, FactDefinition], matches: Mapping[str, tuple[Match, ...]]
) -> dict[tuple[str, ...], tuple[Match, ...]]:
    """The name of a value set of measurements, and the title of a fact that has but one, as words."""
    found: dict[tuple[str, ...], dict[Match, None]] = {}
    for value_set, ours in matches.items():
        for match in ours:
            fact = facts[match.fact]
            if isinstance(fact, MeasurementFact):
                names = [value_set.replace("-", " ")] + ([fact.title] if len(fact.value_set) == 1 else [])
                for name in names:
                    found.setdefault(words_of(name), {})[match] = None
    return {words: tuple(each) for words, each in found.items()}


def _of_product(
    ingredients: tuple[str, ...],
    route: str,
    by_ingredient: Mapping[str, list[tuple[frozenset[str], tuple[Match, ...]]]],
) -> Iterable[Match]:
    """
    The classes of a product: those of its ingredients that count by its route.

    Without a stated route a product counts, and a class without routes takes any. Of several routes all must count, but
    for `other`: a lozenge (oral;other) is taken, a dental paste (oral;topical) is put on.
    """
    stated = set(route.split(";")) - {"other"} if route != "other" else {route}
    for ingredient in ingredients:
        for routes, matches in by_ingredient.get(ingredient, ()):
            if not route or not routes or stated <= routes:
                yield from matches


def _names(
    facts: Mapping[str, FactDefinition],
    value_sets: Mapping[str, ValueSet],
    matches: Mapping[str, tuple[Match, ...]],
    kind: type | UnionType,
) -> dict[tuple[str, ...], tuple[Match, ...]]:
    found: dict[tuple[str, ...], dict[Match, None]] = {}
    for name, value_set in value_sets.items():
        ours = [match for match in matches.get(name, ()) if isinstance(facts[match.fact], kind)]
        if not ours:
            continue
        for concept in value_set.concepts:
            for text in concept.names:
                words = words_of(
                    re.sub(r"\((disorder|finding|situation|procedure|event|morphologic abnormality)\)$", "", text)
                )
                if 0 < len(words) <= _LONGEST_NAME and len("".join(words)) >= _SHORTEST_NAME:
                    found.setdefault(words, {}).update(dict.fromkeys(ours))
    return {words: tuple(each) for words, each in found.items()}
