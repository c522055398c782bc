"""
A rule library in a few lines, for tests that should not depend on what the shipped one says.

    write_library(folder)                          one red flag, one cause, a fact of every kind
    write_library(folder, flags={"saddle": ...})   other red flags: rule id → criterion
"""

import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rules.loader import LIBRARY

__all__ = ["CAUSE", "FACTS", "FLAG", "write_library"]

FLAG = {"fact": "saddle", "is": "present"}
CAUSE = {"fact": "urge-to-move", "is": "present"}

_ANSWER = {"kind": "answer", "type": "boolean", "look-back": "14 d"}
_CONDITION = {"kind": "condition", "none-recorded-means-none": True}
_LAB = {"kind": "measurement", "plausible": [0, 10000]}

FACTS: dict[str, dict[str, Any]] = {
    "leg-pain": _ANSWER | {"link-id": "leg-pain", "title": "leg pain"},
    "saddle": _ANSWER | {"link-id": "saddle", "title": "numbness around the seat"},
    "urge-to-move": _ANSWER | {"link-id": "urge-to-move", "title": "urge to move the legs"},
    "side": _ANSWER | {"link-id": "side", "type": "choice", "title": "side", "look-back": "30 d"},
    "age": {"kind": "demographic", "of": "age", "unit": "a", "title": "age"},
    "sex": {"kind": "demographic", "of": "sex", "title": "administrative sex"},
    "deceased": {"kind": "demographic", "of": "deceased", "title": "deceased"},
    "pain-in-leg": _CONDITION | {"value-set": ["pain-in-leg"], "title": "pain in a leg"},
    "leg-reason": _CONDITION | {"value-set": ["pain-in-leg"], "status": "reason", "title": "leg pain as the reason"},
    "restless-legs-problem": _CONDITION | {"value-set": ["restless-legs"], "title": "restless legs syndrome"},
    "statin": _CONDITION | {"kind": "medication", "value-set": ["statin"], "title": "statin"},
    "statin-stopped": _CONDITION
    | {"kind": "medication", "value-set": ["statin"], "status": "stopped", "look-back": "30 d", "title": "past statin"},
    "ferritin": _LAB | {"value-set": ["ferritin"], "unit": "ug/L", "look-back": "90 d", "title": "ferritin"},
    "potassium": _LAB | {"value-set": ["potassium"], "unit": "mmol/L", "look-back": "36 h", "title": "potassium"},
    "potassium-old": _LAB | {"value-set": ["potassium"], "unit": "mmol/L", "look-back": "90 d", "title": "potassium"},
    "potassium-rise": {
        "kind": "change",
        "of": "potassium-old",
        "by": "rise",
        "within": "7 d",
        "unit": "mmol/L",
        "title": "rise",
    },
    "pregnancy-test": {
        "kind": "qualitative",
        "value-set": ["hcg"],
        "positive": ["positive"],
        "negative": ["negative"],
        "look-back": "14 d",
        "title": "pregnancy test",
    },
}
_VALUE_SETS = {
    "ferritin": ("http://loinc.org", {"2276-4": "Ferritin", "20567-4": "Ferritin by immunoassay"}),
    "potassium": ("http://loinc.org", {"2823-3": "Potassium"}),
    "hcg": ("http://loinc.org", {"2106-3": "Choriogonadotropin"}),
    "pain-in-leg": ("http://snomed.info/sct", {"10601006": "Pain in lower limb"}),
    "restless-legs": ("http://snomed.info/sct", {"32914008": "Restless legs"}),
    "statin": ("http://www.nlm.nih.gov/research/umls/rxnorm", {"36567": "simvastatin"}),
}
_COMPLAINT = {"any": [{"fact": "leg-pain", "is": "present"}, CAUSE]}
_LIMITS = "What this rule misses is said here, in a sentence."
_CITES = ["a-source"]
_ABOUT = {"developer": "Whoever writes these tests", "funding": "Nobody pays for these tests"}
_HISTORY = [
    {"version": 3, "date": "2026-11-21", "change": "Others get something else."},
    {"version": 2, "date": "2026-11-20", "change": "Some get something else."},
    {"version": 1, "date": "2026-11-19", "change": "First version."},
]


def write_library(
    folder: Path,
    *,
    flags: Mapping[str, Any] | None = None,
    causes: Mapping[str, Any] | None = None,
    complaint: Any = None,
    status: str = "active",
    limits: str = _LIMITS,
) -> Path:
    """
    Write a library and return its folder.

    Args:
        flags: rule id → criterion of its one flag; causes: rule id → criterion of its one row of evidence.
        complaint: the criterion of a leg complaint.
        status: of the red-flag rules.
    """
    flags = {"cauda-equina-syndrome": FLAG} if flags is None else flags
    causes = {"restless-legs-syndrome": CAUSE} if causes is None else causes
    _write(folder / "facts.yaml", {"facts": FACTS})
    _write(folder / "library.yaml", _ABOUT)
    _write(folder / "sources.yaml", {"sources": {"a-source": {"title": "A guideline", "publisher": "A", "year": 2024}}})
    shutil.copy(LIBRARY / "scale.yaml", folder)
    when = _COMPLAINT if complaint is None else complaint
    _write(folder / "definitions.yaml", {"definitions": {"leg-complaint": {"title": "a leg complaint", "when": when}}})
    _write(folder / "suggestions.yaml", {"suggestions": {}})
    _write(folder / "safety-net.yaml", {"safety-net": {}})
    for module, rules in (("red-flags", flags), ("causes", causes), ("order-checks", {})):
        _write(folder / module / "module.yaml", _module(module))
        for name, criterion in rules.items():
            rule = _red_flag(criterion) | {"status": status} if module == "red-flags" else _cause(criterion)
            _write(folder / module / name / "rule.yaml", _rule(name, limits) | rule)
            _write(folder / module / name / "cases.yaml", [])
            _write(folder / module / name / "history.yaml", _HISTORY)
    _write(folder / "intake" / "intake-1.0.0.json", _intake())
    for name, (system, codes) in _VALUE_SETS.items():
        _write(folder / "value-sets" / f"{name}.json", _value_set(name, system, codes))
    _write_tables(folder / "terminology")
    return folder


def _write(path: Path, content: Any) -> None:
    """JSON is YAML too, and leaves no doubt about quotes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _module(name: str) -> dict[str, Any]:
    return {"id": name, "title": name, "intended-use": "tests", "user": "tests", "not-for": "patients"}


def _rule(name: str, limits: str) -> dict[str, Any]:
    return {
        "id": name,
        "version": 3,
        "status": "active",
        "title": name.replace("-", " ").capitalize(),
        "reviewed": "2026-11-21",
        "limits": limits,
        "thresholds": {
            "low": {"value": 75, "unit": "ug/L", "cites": _CITES},
            "high": {"value": 5.0, "unit": "mmol/L", "cites": _CITES},
        },
    }


def _red_flag(criterion: Any) -> dict[str, Any]:
    flag = {
        "id": "the-flag",
        "class": "emergency",
        "within": "now",
        "when": criterion,
        "summary": "A sign of danger: consider a call to the specialist now.",
        "why": "Waiting does harm.",
        "consider": ["Call the specialist."],
        "cites": _CITES,
    }
    return {"cause": "restless-legs-syndrome", "flags": [flag]}


def _cause(criterion: Any) -> dict[str, Any]:
    row = {"id": "the-row", "when": criterion, "present": 15.6, "absent": 0.14, "cites": _CITES}
    return {
        "pre-test": "common",
        "known-by": "restless-legs-problem",
        "evidence": [row],
        "next": ["Check ferritin."],
        "cites": _CITES,
    }


def _intake() -> dict[str, Any]:
    items: list[dict[str, Any]] = [
        {"linkId": name, "text": f"Is there {name}?", "type": "boolean"}
        for name in ("leg-pain", "saddle", "urge-to-move")
    ]
    sides = [{"valueCoding": {"code": side, "display": side}} for side in ("left", "right", "both")]
    items.append({"linkId": "side", "text": "Which side?", "type": "choice", "answerOption": sides})
    return {"resourceType": "Questionnaire", "url": "urn:recumbent-leg-pain:Questionnaire:intake", "item": items}


def _value_set(name: str, system: str, codes: Mapping[str, str]) -> dict[str, Any]:
    concepts = [{"code": code, "display": display} for code, display in codes.items()]
    return {
        "resourceType": "ValueSet",
        "id": name,
        "compose": {"include": [{"system": system, "concept": concepts}]},
    }


def _write_tables(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "units.csv").write_text("analyte,from_unit,to_unit,factor,offset\n", encoding="utf-8")
    (folder / "symptoms.csv").write_text("link_id,answer,relation,system,code\n", encoding="utf-8")
    for name, code in (("rxnorm-products", "rxcui"), ("ndc-ingredients", "ndc")):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(f"{code},ingredient_rxcuis,route\n".encode(), mtime=0))
