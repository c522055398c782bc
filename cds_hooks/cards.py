"""
Findings to at most three cards: red flags, causes, missing data. Pure; wording only, no clinical logic.

Everything printed comes from our own library: titles, advice, numbers with units and dates. Text of the patient's
record is never printed, so nothing has to be escaped.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal
from uuid import UUID, uuid5

from cds_hooks.basis import Basis, Urgency
from cds_hooks.detail import FIXED, Detail
from cds_hooks.entries import cause_entry, flag_entry
from cds_hooks.override_reasons import reasons_for
from cds_hooks.request import HookRequest
from cds_hooks.response import Card, Coding, Link, Source
from cds_hooks.values import date_words, fact_line, in_a_sentence, question_words, score_line, value_words
from rules.engine.criteria import ScoreRange
from rules.engine.facts import Absent, Known
from rules.engine.findings import Cause, Evidence, Findings, RedFlag
from rules.engine.rule import Flag, MimicRule, Rule
from rules.engine.truth import MET
from rules.pack import Pack
from rules.texts import LONGEST_SUMMARY, length_of

__all__ = ["CARD_SPACE", "card_uuid", "make_cards", "shown_causes", "shown_mimics"]

CARD_SPACE = UUID("5d2c7a3e-5f0e-5b7e-9a53-2f5c1e6b8d10")
"""Name space of card and decision ids."""

TOPIC_SYSTEM = "urn:recumbent-leg-pain:topic"
_CAUSES_SHOWN = 5
_CAUSES_LISTED = 6
_MIMICS_SHOWN = 3
_FACTS_SHOWN = 8
_NOT_CHECKED_SHOWN = 4
_USE = "For health professionals; what was not sent was not checked."

_INDICATOR: dict[Urgency, Literal["critical", "warning", "info"]] = {
    "emergency": "critical",
    "urgent": "warning",
    "routine": "info",
}


def make_cards(basis: Basis) -> tuple[Card, ...]:
    """At most three cards, the red flags first; none where there is nothing to say."""
    findings = basis.findings
    if findings.silent == "under-18":
        return (_adults_only(basis),) if findings.complaint is MET else ()
    if findings.silent:
        return ()
    shown = shown_causes(findings)
    made = [_red_flags(basis)] if findings.fired else []
    made += [_causes(basis, shown)] if shown or findings.mimics else []
    made += [_missing(basis)] if findings.complaint is MET and (findings.missing or basis.unreadable) else []
    return tuple(made)


def shown_causes(findings: Findings) -> list[Cause]:
    """The causes that the causes card names, in order."""
    return [cause for cause in findings.causes if cause.likelihood != "unlikely"][:_CAUSES_SHOWN]


def shown_mimics(findings: Findings) -> tuple[str, ...]:
    """The ids of the conditions beyond the causes that the causes card names."""
    return findings.mimics[:_MIMICS_SHOWN]


def card_uuid(request: HookRequest, pack: Pack, kind: str) -> str:
    """The same call, pack and kind of card give the same uuid."""
    return str(uuid5(CARD_SPACE, f"{request.hook_instance}|{pack.id}|{kind}"))


# ── the three cards ──────────────────────────────────────────────────────────────────────────────────────────────────


def _red_flags(basis: Basis) -> Card:
    """All red flags in one card: the most urgent in full, the others by their summary."""
    fired = basis.findings.fired
    first, flag, rule = fired[0], _flag(basis, fired[0]), basis.pack.library.red_flags[fired[0].rule]
    others = [_flag(basis, each).summary for each in fired[1:]]
    detail = Detail()
    detail.add(FIXED, f"**Why now.** {flag.why} Time frame: {flag.within}.")
    detail.list(0, "**Found in the data sent**", _lines(basis, first.facts))
    if first.presumed:
        detail.add(FIXED, f"**Holds unless** (not known): {_titles(basis, first.presumed)}.")
    detail.list(1, "**Also flagged**", others)
    detail.list(0, "**To consider**", flag.consider)
    detail.list(2, "**To avoid until cleared**", flag.avoid)
    open_ = _not_checked(basis)
    if open_:
        detail.add(3, f"**Not checked, facts missing:** {', '.join(open_)}.")
    _close(detail, basis, [("red-flags", rule)], flag.cites)
    rules = [basis.pack.library.red_flags[name] for name in dict.fromkeys(each.rule for each in fired)]
    return _card(
        basis,
        kind="red-flags",
        display="Leg pain red flags",
        urgency=first.urgency,
        summary=flag.summary,
        detail=detail.text(),
        rules=[("red-flags", each) for each in rules],
        cites=flag.cites,
        findings=[flag_entry(basis, each) for each in fired],
    )


def _causes(basis: Basis, shown: list[Cause]) -> Card:
    """The likely causes in order, with what speaks for and against each, what is missing, and what resembles them."""
    library = basis.pack.library
    mimics = [library.mimics[name] for name in shown_mimics(basis.findings)]
    detail = Detail()
    detail.numbered(
        0,
        "**Likely causes on the data sent, in the order to consider them**",
        [_cause_line(basis, each) for each in shown],
    )
    if intake := _intake_date(basis, shown):
        detail.add(0, f"Answers are from the intake of {intake}.")
    detail.list(0, "**Also consider**", [f"{each.title}: {each.tell}" for each in mimics])
    if len(shown) == 1 and not mimics:
        detail.add(
            1, "No other cause on our list reaches the level of possible; a cause not on the list is not excluded."
        )
    rules: list[tuple[str, Rule]] = [("causes", library.causes[each.cause]) for each in shown]
    rules += [("mimics", each) for each in mimics]
    cites = mimics[0].cites if not shown else library.causes[shown[0].cause].cites
    if shown:
        first = library.causes[shown[0].cause]
        detail.list(2, f"**To consider next** ({_name(basis, shown[0])})", first.next[:3])
        detail.list(3, "**To avoid**", first.avoid[:2])
    detail.list(1, "**Scores**", [score_line(library.scores[name], total) for name, total in _scores(basis, shown)])
    _close(detail, basis, rules, cites)
    listed = basis.findings.causes[:_CAUSES_LISTED]
    return _card(
        basis,
        kind="causes",
        display="Leg pain likely causes",
        urgency="routine",
        summary=_causes_summary(basis, shown) if shown else _mimics_summary(mimics),
        detail=detail.text(),
        rules=rules[:3],
        cites=cites,
        findings=[cause_entry(basis, each) for each in listed],
        about_a_drug=any(_speaks_a_drug(basis, each) for each in shown[:1]),
    )


def _missing(basis: Basis) -> Card:
    """The unknown facts that would decide most, each with how to get it."""
    library, missing = basis.pack.library, basis.findings.missing
    detail = Detail()
    lines = []
    for each in missing:
        state = value_words(each.fact, basis.facts[each.fact], library)
        lines.append(f"{question_words(each.fact, library)} ({state}). Bears on {_rule_titles(basis, each.decides)}.")
    detail.numbered(0, "**Facts that would change this assessment most**", lines)
    gaps = [*_gap_lines(basis)]
    detail.list(0, "**Not complete in the data sent**", gaps)
    rules = _rules_of(basis, dict.fromkeys(rule for each in missing for rule in each.decides))
    _close(detail, basis, rules[:3], ())
    causes = [
        each for each in basis.findings.causes if f"causes/{each.cause}" in {n for m in missing for n in m.decides}
    ]
    return _card(
        basis,
        kind="missing-data",
        display="Leg pain missing data",
        urgency="routine",
        summary=_missing_summary(basis),
        detail=detail.text(),
        rules=rules[:3],
        cites=(),
        findings=[cause_entry(basis, each) for each in causes[:_CAUSES_LISTED]],
    )


def _adults_only(basis: Basis) -> Card:
    """Said once to whoever asks about a child, since silence would read as reassurance."""
    module = basis.pack.library.modules["causes"]
    rule = next(iter(basis.pack.library.causes.values()))
    return _card(
        basis,
        kind="scope",
        display="Leg pain scope",
        urgency="routine",
        summary="Leg complaint under 18 years: these rules are for adults, none was run. Consider a pediatrician.",
        detail=f"No red flag and no cause was checked. **Intended use.** {module.intended_use} **Not for.** "
        f"{module.not_for} Rules: none was run.",
        rules=[("causes", rule)],
        cites=(),
        findings=[],
    )


# ── parts of a card ──────────────────────────────────────────────────────────────────────────────────────────────────


def _close(detail: Detail, basis: Basis, rules: Sequence[tuple[str, Rule]], cites: Iterable[str]) -> None:
    """Evidence, limits, rules and versions: the end of every card; the full basis stands behind the links."""
    sources = [basis.pack.library.sources[name] for name in dict.fromkeys(cite.split(" ")[0] for cite in cites)]
    if sources:
        detail.add(1, "**Evidence.** " + "; ".join(f"{each.publisher} ({each.year})" for each in sources[:2]) + ".")
    if len(rules) == 1:
        detail.add(5, f"**Limits.** {rules[0][1].limits}")
    named = ", ".join(f"{module}/{rule.id} v{rule.version}" for module, rule in rules)
    detail.add(FIXED, f"{_USE} Rules: {named}.")


def _card(
    basis: Basis,
    *,
    kind: str,
    display: str,
    urgency: Urgency,
    summary: str,
    detail: str,
    rules: list[tuple[str, Rule]],
    cites: Iterable[str],
    findings: list[dict[str, Any]],
    about_a_drug: bool = False,
) -> Card:
    first = rules[0]
    topic = Coding("".join(part for part in f"leg pain {kind}".replace("-", " ").split()), TOPIC_SYSTEM, display)
    return Card(
        uuid=card_uuid(basis.request, basis.pack, kind),
        summary=_cut(summary),
        detail=detail,
        indicator=_INDICATOR[urgency],
        source=Source(_authority(basis, cites), _label_url(basis, *first), topic),
        override_reasons=reasons_for(urgency, about_a_drug=about_a_drug),
        links=tuple(
            Link(f"Rule: {rule.title}"[:80], _label_url(basis, module, rule), "absolute") for module, rule in rules
        ),
        extension={"org.recumbent.urgency": urgency, "org.recumbent.findings": findings},
    )


def _authority(basis: Basis, cites: Iterable[str]) -> str:
    """The first named source, since the source line of a card is the real authority."""
    for cite in cites:
        source = basis.pack.library.sources[cite.split(" ")[0]]
        if source.publisher != "Recumbent":
            return f"{source.title} ({source.year})"[:120]
    return "Recumbent rule library"


def _label_url(basis: Basis, module: str, rule: Rule) -> str:
    return f"{basis.request.base_url}/rules/{module}/{rule.id}/{rule.version}"


def _as_many_as_fit(sentence: Callable[[int], str], most: int) -> str:
    """The sentence that names as many things as a summary has room for, at least one."""
    fitting = sentence(1)
    for count in range(2, most + 1):
        longer = sentence(count)
        if len(longer) > LONGEST_SUMMARY:
            break
        fitting = longer
    return fitting


def _cut(text: str) -> str:
    """A text below the limit in code points and in UTF-16 units, cut at a word."""
    while length_of(text) > LONGEST_SUMMARY:
        text = text[:-2].rsplit(" ", 1)[0].rstrip(",;") + "…"
    return text


def _flag(basis: Basis, fired: RedFlag) -> Flag:
    rule = basis.pack.library.red_flags[fired.rule]
    return next(flag for flag in rule.flags if flag.id == fired.flag)


def _lines(basis: Basis, facts: Iterable[str]) -> list[str]:
    return [fact_line(fact, basis.facts[fact], basis.pack.library) for fact in list(facts)[:_FACTS_SHOWN]]


def _titles(basis: Basis, facts: Iterable[str]) -> str:
    return ", ".join(basis.pack.library.facts[fact].title for fact in facts)


def _not_checked(basis: Basis) -> list[str]:
    """Titles of red-flag rules without an answer, those first whose answer one fact could give."""
    near = {rule for each in basis.findings.missing for rule in each.decides if rule.startswith("red-flags/")}
    open_ = [each.rule for each in basis.findings.not_evaluated if each.rule.startswith("red-flags/")]
    ordered = sorted(open_, key=lambda rule: (rule not in near, rule))
    return [basis.pack.library.red_flags[rule.split("/")[1]].title.lower() for rule in ordered[:_NOT_CHECKED_SHOWN]]


def _rules_of(basis: Basis, names: Iterable[str]) -> list[tuple[str, Rule]]:
    """The rules of a list of names; the first cause where there are none, so that a card always has a label."""
    library = basis.pack.library
    tables = library.by_module()
    found = [(module, tables[module][rule]) for module, rule in (name.split("/") for name in names)]
    return found or [("causes", next(iter(library.causes.values())))]


def _rule_titles(basis: Basis, names: Sequence[str]) -> str:
    titles = list(dict.fromkeys(rule.title.lower() for _, rule in _rules_of(basis, names)))
    return ", ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")


def _gap_lines(basis: Basis) -> Iterator[str]:
    names = {
        "intake": "intake answers",
        "conditions": "problem list",
        "medications": "medicine list",
        "encounter": "reason for the visit",
        "patient": "patient",
    }
    for key, reason in basis.gaps.items():
        if key in names:
            yield f"{names[key]}: {reason.value}"
    for kind, count in basis.unreadable.items():
        yield f"{count} {kind} {'entry' if count == 1 else 'entries'} could not be read"


# ── causes in words ──────────────────────────────────────────────────────────────────────────────────────────────────


def _name(basis: Basis, cause: Cause) -> str:
    return in_a_sentence(basis.pack.library.causes[cause.cause].title)


def _word(cause: Cause) -> str:
    return ("known, " if cause.known else "") + cause.likelihood.replace("-", " ")


def _causes_summary(basis: Basis, shown: list[Cause]) -> str:
    """As many causes as fit: "Consider restless legs syndrome (likely), then iron deficiency (possible)."."""

    def sentence(count: int) -> str:
        named = [f"{_name(basis, each)} ({_word(each)})" for each in shown[:count]]
        return "Consider " + ", then ".join([named[0], ", ".join(named[1:])] if named[1:] else named) + "."

    return _as_many_as_fit(sentence, len(shown))


def _mimics_summary(mimics: Sequence[MimicRule]) -> str:
    """Where no cause of the list is possible, but something else is: "Consider plantar fasciitis."."""

    def sentence(count: int) -> str:
        return f"Consider {', '.join(in_a_sentence(each.title) for each in mimics[:count])}."

    return _as_many_as_fit(sentence, len(mimics))


def _speaks_a_drug(basis: Basis, cause: Cause) -> bool:
    """Whether a drug that the patient takes speaks for a cause."""
    facts = (fact for each in cause.evidence if each.direction == "for" for fact in each.facts)
    return any(
        basis.pack.library.facts[fact].kind == "medication" and isinstance(basis.facts[fact], Known) for fact in facts
    )


def _scores(basis: Basis, shown: Sequence[Cause]) -> list[tuple[str, ScoreRange]]:
    """The scores that serve a cause which the card shows."""
    told = {each.cause for each in shown}
    rules = basis.pack.library.scores
    return [each for each in basis.findings.scores.items() if not told.isdisjoint(rules[each[0]].serves)]


def _cause_line(basis: Basis, cause: Cause) -> str:
    alarm = basis.urgency_of(cause.cause) == "emergency"
    word = f"{_word(cause)}; an emergency by the red-flag card" if alarm else _word(cause)
    parts = [f"**{basis.pack.library.causes[cause.cause].title}**: {word}."]
    parts += _sides(basis, cause.evidence)
    if cause.capped_by:
        verb = "Not more, because not known" if cause.likelihood == "possible" else "Needs"
        parts.append(f"{verb}: {_titles(basis, cause.capped_by[:3])}.")
    elif cause.missing:
        parts.append(f"Missing: {_titles(basis, cause.missing[:2])}.")
    return " ".join(parts)


def _intake_date(basis: Basis, shown: list[Cause]) -> str:
    """The dates of the answers that the shown causes rest on."""
    facts = {fact for each in shown for evidence in each.evidence for fact in evidence.facts}
    values = [basis.facts[fact] for fact in facts if basis.pack.library.facts[fact].kind == "answer"]
    return " and ".join(
        sorted({date_words(value.date) for value in values if isinstance(value, Known | Absent)} - {""})
    )


def _sides(basis: Basis, evidence: Sequence[Evidence]) -> Iterator[str]:
    for direction, word in (("for", "For"), ("against", "Against")):
        facts = dict.fromkeys(fact for each in evidence if each.direction == direction for fact in each.facts)
        if facts:
            yield f"{word}: {'; '.join(_brief(basis, fact) for fact in list(facts)[:4])}."


def _brief(basis: Basis, fact: str) -> str:
    """A fact in few words: a yes-answer by its title alone, since the intake's date stands once on the card."""
    value, definition = basis.facts[fact], basis.pack.library.facts[fact]
    if definition.kind != "answer":
        return fact_line(fact, value, basis.pack.library)
    said = value_words(fact, value, basis.pack.library)
    return definition.title if said == "yes" else f"{definition.title}: {said}"


def _missing_summary(basis: Basis) -> str:
    """The most telling facts that fit: "Check foot pulses, ferritin: they would decide most here."."""
    titles = [basis.pack.library.facts[each.fact].title for each in basis.findings.missing]
    if not titles:
        return "Part of the record could not be read. Check the chart itself before relying on this assessment."
    return _as_many_as_fit(
        lambda count: f"Not known, would decide most: {'; '.join(titles[:count])}. Consider checking.", len(titles)
    )
