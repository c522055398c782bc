"""The three cards about a patient: red flags, causes, missing data. Pure; wording only, no clinical logic."""

from collections.abc import Iterable, Iterator, Sequence

from cds_hooks.basis import Basis
from cds_hooks.card import as_many_as_fit, close, fact_lines, make_card, titles
from cds_hooks.detail import FIXED, Detail
from cds_hooks.entries import cause_entry, flag_entry
from cds_hooks.response import Card
from cds_hooks.suggestions import offered_by, offered_for
from cds_hooks.values import date_words, fact_line, in_a_sentence, question_words, score_line, value_words
from rules.engine.criteria import ScoreRange
from rules.engine.facts import Absent, Known
from rules.engine.findings import Cause, Evidence, Findings, RedFlag
from rules.engine.rule import Flag, MimicRule, Rule
from rules.engine.truth import MET

__all__ = ["missing_card", "patient_cards", "red_flag_card", "shown_causes", "shown_mimics"]

_CAUSES_SHOWN = 5
_CAUSES_LISTED = 6
_MIMICS_SHOWN = 3
_NOT_CHECKED_SHOWN = 4


def patient_cards(basis: Basis) -> tuple[Card, ...]:
    """At most three cards, the red flags first; none where there is nothing to say."""
    findings = basis.findings
    shown = shown_causes(findings)
    made = [red_flag_card(basis)] if findings.fired else []
    made += [_causes(basis, shown)] if shown or findings.mimics else []
    made += [missing_card(basis)] if findings.complaint is MET and (findings.missing or basis.unreadable) else []
    return tuple(made)


def shown_causes(findings: Findings) -> list[Cause]:
    """The causes that the causes card names, in order."""
    return [cause for cause in findings.causes if cause.likelihood != "unlikely"][:_CAUSES_SHOWN]


def shown_mimics(findings: Findings) -> tuple[str, ...]:
    """The ids of the conditions beyond the causes that the causes card names."""
    return findings.mimics[:_MIMICS_SHOWN]


# ── the three cards ──────────────────────────────────────────────────────────────────────────────────────────────────


def red_flag_card(basis: Basis, still_open: Sequence[RedFlag] | None = None) -> Card:
    """
    All red flags in one card: the most urgent in full, the others by their summary.

    Args:
        still_open: at discharge, those that nothing on record answers; otherwise all that fired.
    """
    fired = basis.findings.fired if still_open is None else still_open
    first, flag, rule = fired[0], _flag(basis, fired[0]), basis.pack.library.red_flags[fired[0].rule]
    others = [_flag(basis, each).summary for each in fired[1:]]
    detail = Detail()
    detail.add(FIXED, f"**Why now.** {flag.why} Time frame: {flag.within}.")
    detail.list(0, "**Found in the data sent**", fact_lines(basis, first.facts))
    if first.presumed:
        detail.add(FIXED, f"**Holds unless** (not known): {titles(basis, first.presumed)}.")
    detail.list(1, "**Also flagged**", others)
    detail.list(0, "**To consider**", flag.consider)
    detail.list(2, "**To avoid until cleared**", flag.avoid)
    open_ = _not_checked(basis)
    if open_:
        detail.add(3, f"**Not checked, facts missing:** {', '.join(open_)}.")
    close(detail, basis, [("red-flags", rule)], flag.cites)
    rules = [basis.pack.library.red_flags[name] for name in dict.fromkeys(each.rule for each in fired)]
    return make_card(
        basis,
        kind="red-flags",
        display="Leg pain red flags",
        urgency=first.urgency,
        summary=flag.summary if still_open is None else _open_summary(basis, fired),
        detail=detail.text(),
        rules=[("red-flags", each) for each in rules],
        cites=flag.cites,
        findings=[flag_entry(basis, each) for each in fired],
        offers=offered_by(basis, (f"red-flags/{each.id}" for each in rules)),
    )


def _open_summary(basis: Basis, fired: Sequence[RedFlag]) -> str:
    names = list(dict.fromkeys(in_a_sentence(basis.pack.library.red_flags[each.rule].title) for each in fired))

    def sentence(count: int) -> str:
        said = ", ".join(names[:count])
        return f"Still open at discharge: {said}. Consider acting now, or record why it does not apply."

    return as_many_as_fit(sentence, len(names))


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
    close(detail, basis, rules, cites)
    listed = basis.findings.causes[:_CAUSES_LISTED]
    return make_card(
        basis,
        kind="causes",
        display="Leg pain likely causes",
        urgency="routine",
        summary=_causes_summary(basis, shown) if shown else _mimics_summary(mimics),
        detail=detail.text(),
        rules=rules[:3],
        cites=cites,
        findings=[cause_entry(basis, each) for each in listed],
        offers=offered_by(basis, (f"causes/{each.cause}" for each in shown)),
        about_a_drug=any(_speaks_a_drug(basis, each) for each in shown[:1]),
    )


def missing_card(basis: Basis) -> Card:
    """The unknown facts that would decide most, each with how to get it."""
    library, missing = basis.pack.library, basis.findings.missing
    detail = Detail()
    lines = []
    for each in missing:
        state = value_words(each.fact, basis.facts[each.fact], library)
        lines.append(f"{question_words(each.fact, library)} ({state}). Bears on {_ruletitles(basis, each.decides)}.")
    detail.numbered(0, "**Facts that would change this assessment most**", lines)
    gaps = [*_gap_lines(basis)]
    detail.list(0, "**Not complete in the data sent**", gaps)
    rules = _rules_of(basis, dict.fromkeys(rule for each in missing for rule in each.decides))
    close(detail, basis, rules[:3], ())
    causes = [
        each for each in basis.findings.causes if f"causes/{each.cause}" in {n for m in missing for n in m.decides}
    ]
    return make_card(
        basis,
        kind="missing-data",
        display="Leg pain missing data",
        urgency="routine",
        summary=_missing_summary(basis),
        detail=detail.text(),
        rules=rules[:3],
        cites=(),
        findings=[cause_entry(basis, each) for each in causes[:_CAUSES_LISTED]],
        offers=offered_for(basis, (each.fact for each in missing)),
    )


# ── parts of a card ──────────────────────────────────────────────────────────────────────────────────────────────────


def _flag(basis: Basis, fired: RedFlag) -> Flag:
    rule = basis.pack.library.red_flags[fired.rule]
    return next(flag for flag in rule.flags if flag.id == fired.flag)


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


def _ruletitles(basis: Basis, names: Sequence[str]) -> str:
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

    return as_many_as_fit(sentence, len(shown))


def _mimics_summary(mimics: Sequence[MimicRule]) -> str:
    """Where no cause of the list is possible, but something else is: "Consider plantar fasciitis."."""

    def sentence(count: int) -> str:
        return f"Consider {', '.join(in_a_sentence(each.title) for each in mimics[:count])}."

    return as_many_as_fit(sentence, len(mimics))


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
        parts.append(f"{verb}: {titles(basis, cause.capped_by[:3])}.")
    elif cause.missing:
        parts.append(f"Missing: {titles(basis, cause.missing[:2])}.")
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
    return as_many_as_fit(
        lambda count: f"Not known, would decide most: {'; '.join(titles[:count])}. Consider checking.", len(titles)
    )
