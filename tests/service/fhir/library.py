"""A library with a fact for each way in which facts are read, and codes of every system; the unit table is real."""

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rules.loader import LIBRARY
from rules.terminology import ATC, ICD10, ICD10CM, LOINC, RXNORM, SNOMED
from tests.builders import INTAKE
from tests.mini_library import FACTS, write_library

__all__ = ["write_json", "write_reading_library", "write_table", "write_value_set"]

_ANSWER = {"kind": "answer", "look-back": "14 d"}
_PROBLEM = {"kind": "condition", "none-recorded-means-none": True}
_DRUG = {"kind": "medication", "none-recorded-means-none": True}
_LAB = {"kind": "measurement", "look-back": "90 d"}
_CREATININE = {"kind": "change", "of": "creatinine"}

_OURS: dict[str, dict[str, Any]] = {
    "side": _ANSWER | {"type": "choice", "link-id": "side"},
    "quality": _ANSWER | {"type": "choice", "link-id": "quality"},
    "severity": _ANSWER | {"type": "integer", "link-id": "severity", "unit": "{score}"},
    # conditions: now, ever, lately, lately and only believed if it is there, and as the reason of the visit
    "thrombosis": _PROBLEM | {"value-set": ["deep-vein-thrombosis"]},
    "thrombosis-ever": _PROBLEM | {"value-set": ["deep-vein-thrombosis", "previous-thrombosis"], "status": "ever"},
    "iron-deficiency-lately": _PROBLEM | {"value-set": ["iron-deficiency"], "look-back": "30 d"},
    "fall-lately": {
        "kind": "condition",
        "none-recorded-means-none": False,
        "value-set": ["falls"],
        "look-back": "14 d",
    },
    "artery-disease": _PROBLEM | {"value-set": ["artery-disease"]},
    "diabetes": _PROBLEM | {"value-set": ["diabetes"]},
    "leg-reason": _PROBLEM | {"value-set": ["pain-in-leg"], "status": "reason"},
    # medicines: taken, stopped lately, and a class that only some routes belong to
    "statin": _DRUG | {"value-set": ["statin"]},
    "statin-stopped": _DRUG | {"value-set": ["statin"], "status": "stopped", "look-back": "56 d"},
    "statin-stopped-ever": _DRUG | {"value-set": ["statin"], "status": "stopped"},
    "aspirin-stopped": _DRUG | {"value-set": ["aspirin"], "status": "stopped"},
    "estrogen": _DRUG | {"value-set": ["estrogen"]},
    "thiazide": _DRUG | {"value-set": ["thiazide"]},
    "potassium-sparing": _DRUG | {"value-set": ["potassium-sparing"]},
    # measurements
    "potassium": _LAB | {"value-set": ["potassium"], "unit": "mmol/L", "plausible": [1, 10]},
    "potassium-of-the-week": _LAB
    | {"value-set": ["potassium"], "unit": "mmol/L", "plausible": [1, 10], "look-back": "7 d"},
    "ferritin": _LAB | {"value-set": ["ferritin"], "unit": "ug/L", "plausible": [0.5, 100000], "look-back": "365 d"},
    "iron": _LAB | {"value-set": ["iron"], "unit": "ug/dL", "plausible": [1, 2000]},
    "tibc": _LAB | {"value-set": ["tibc"], "unit": "ug/dL", "plausible": [20, 2000]},
    "saturation-measured": _LAB | {"value-set": ["transferrin-saturation"], "unit": "%", "plausible": [0.5, 120]},
    "d-dimer": _LAB
    | {
        "value-set": ["d-dimer-feu", "d-dimer-ddu"],
        "unit": "ng/mL{FEU}",
        "plausible": [1, 200000],
        "look-back": "3 d",
    },
    "ck": _LAB
    | {
        "value-set": ["ck"],
        "unit": "{xULN}",
        "plausible": [0.01, 5000],
        "times-upper-limit": {"assumed": 200, "unit": "U/L"},
    },
    "rheumatoid-factor": _LAB
    | {
        "value-set": ["rheumatoid-factor"],
        "unit": "{xULN}",
        "plausible": [0, 1000],
        "times-upper-limit": {"assumed": 20, "unit": "[IU]/mL", "must-be-stated": True},
    },
    "ankle-brachial-index": _LAB
    | {
        "value-set": ["ankle-brachial-index", "ankle-brachial-index-left", "ankle-brachial-index-right"],
        "unit": "{ratio}",
        "plausible": [0.1, 3],
        "pick": "lowest-side",
    },
    "index-of-today": _LAB
    | {"value-set": ["ankle-brachial-index"], "unit": "{ratio}", "plausible": [0.1, 3], "look-back": "0 d"},
    "creatinine": _LAB | {"value-set": ["creatinine"], "unit": "mg/dL", "plausible": [0.1, 40]},
    "systolic-pressure": _LAB
    | {"value-set": ["systolic-bp"], "unit": "mm[Hg]", "plausible": [30, 300], "look-back": "1 d"},
    "diastolic-pressure": _LAB
    | {"value-set": ["diastolic-bp"], "unit": "mm[Hg]", "plausible": [10, 200], "look-back": "1 d"},
    # worked out
    "saturation": {
        "kind": "derived",
        "formula": "transferrin-saturation",
        "of": ["iron", "tibc"],
        "instead-of": "saturation-measured",
        "unit": "%",
    },
    "creatinine-rise": _CREATININE | {"by": "rise", "within": "2 d", "unit": "mg/dL"},
    "creatinine-ratio": _CREATININE | {"by": "ratio", "within": "7 d", "unit": "{ratio}"},
}

_NOT_READ = ("potassium-old", "potassium-rise")
"""Facts of the mini library that ours stand in for."""

_STATINS = {"83367": ("atorvastatin", "Lipitor"), "36567": ("simvastatin", "Zocor")}
_CODES: dict[str, dict[str, Mapping[str, tuple[str, ...]]]] = {
    "deep-vein-thrombosis": {
        SNOMED: {"128053003": ("Deep venous thrombosis (disorder)", "Deep vein thrombosis", "DVT")}
    },
    "previous-thrombosis": {SNOMED: {"161508001": ("History of deep vein thrombosis (situation)",)}},
    "iron-deficiency": {SNOMED: {"35240004": ("Iron deficiency",)}},
    "falls": {SNOMED: {"217082002": ("Accidental fall",)}},
    "artery-disease": {SNOMED: {"399957001": ("Peripheral arterial occlusive disease",)}},
    "diabetes": {
        SNOMED: {"44054006": ("Diabetes mellitus type 2", "Type 2 diabetes mellitus")},
        ICD10CM: {"E11.9": ("Type 2 diabetes mellitus without complications",)},
    },
    "pain-in-leg": {SNOMED: {"10601006": ("Pain in lower limb", "leg pain")}},
    "statin": {RXNORM: _STATINS, ATC: {"C10BA05": ("atorvastatin and ezetimibe",)}},
    "aspirin": {RXNORM: {"1191": ("aspirin",)}},
    "estrogen": {RXNORM: {"4083": ("estradiol",)}},
    "thiazide": {RXNORM: {"5487": ("hydrochlorothiazide",)}, ATC: {"C03AA03": ("hydrochlorothiazide",)}},
    "potassium-sparing": {RXNORM: {"10763": ("triamterene",)}},
    "potassium": {LOINC: {"2823-3": ("Potassium",)}},
    "ferritin": {LOINC: {"2276-4": ("Ferritin",)}},
    "iron": {LOINC: {"2498-4": ("Iron",)}},
    "tibc": {LOINC: {"2500-7": ("Iron binding capacity",)}},
    "transferrin-saturation": {LOINC: {"2502-3": ("Iron saturation",)}},
    "d-dimer-feu": {LOINC: {"48065-7": ("D-dimer FEU",)}},
    "d-dimer-ddu": {LOINC: {"48066-5": ("D-dimer DDU",)}},
    "ck": {LOINC: {"2157-6": ("Creatine kinase",)}},
    "rheumatoid-factor": {LOINC: {"11572-5": ("Rheumatoid factor",)}},
    "ankle-brachial-index": {LOINC: {"77194-9": ("Ankle-brachial index",)}},
    "ankle-brachial-index-left": {LOINC: {"76497-7": ("Ankle-brachial index, left",)}},
    "ankle-brachial-index-right": {LOINC: {"76496-9": ("Ankle-brachial index, right",)}},
    "creatinine": {LOINC: {"2160-0": ("Creatinine",)}},
    "systolic-bp": {LOINC: {"8480-6": ("Systolic blood pressure",)}},
    "diastolic-bp": {LOINC: {"8462-4": ("Diastolic blood pressure",)}},
}
_PREFIXES = {
    "artery-disease": {ICD10CM: ["I70.21", "I70.22"], ICD10: ["I70.2"]},
    "statin": {ATC: ["C10AA"]},
    "thiazide": {ATC: ["C03A"]},
    "potassium-sparing": {ATC: ["C03D"]},
}
_ROUTES = {"4083": "oral transdermal injectable"}

_PRODUCTS = [
    ("83367", "83367", ""),  # the ingredient itself
    ("617311", "83367", "oral"),  # atorvastatin 40 mg tablet
    ("1190795", "341248;83367", ""),  # ezetimibe and atorvastatin, no route stated
    ("197657", "4083", "oral"),  # estradiol tablet
    ("310197", "4083", "vaginal"),  # estradiol cream
    ("999001", "4083", "oral;other"),  # a lozenge
    ("999002", "4083", "oral;topical"),  # a paste
    ("198316", "10763;5487", "oral"),  # triamterene and hydrochlorothiazide
    ("861007", "6809", "oral"),  # metformin, in no class of ours
]
_PACKAGES = [
    ("000710155", "83367", "oral"),  # 9 digits: the product
    ("001234567", "83367", "oral"),
    ("00123456789", "6809", "oral"),  # 11 digits: one package of it, which holds something else
]


def write_reading_library(folder: Path) -> Path:
    """Write the library and return its folder."""
    write_library(folder)
    facts = {name: fact for name, fact in FACTS.items() if name not in _NOT_READ} | _OURS
    titled = {name: {"title": name.replace("-", " ")} | fact for name, fact in facts.items()}
    write_json(folder / "facts.yaml", {"facts": titled})
    write_json(folder / "intake" / "intake-1.0.0.json", _intake())
    for name, codes in _CODES.items():
        write_value_set(folder, name, codes)
    for shipped in ("scale.yaml", "terminology/units.csv"):
        shutil.copyfile(LIBRARY / shipped, folder / shipped)
    write_table(folder / "terminology" / "rxnorm-products.csv.gz", ("rxcui", "ingredient_rxcuis", "route"), _PRODUCTS)
    write_table(folder / "terminology" / "ndc-ingredients.csv.gz", ("ndc", "ingredient_rxcuis", "route"), _PACKAGES)
    return folder


def _intake() -> dict[str, Any]:
    questions = {"leg-pain": "boolean", "saddle": "boolean", "urge-to-move": "boolean", "severity": "integer"}
    choices = {"side": ("left", "right", "both"), "quality": ("aching", "cramping", "crawling")}
    items: list[dict[str, Any]] = [{"linkId": name, "text": name, "type": kind} for name, kind in questions.items()]
    for name, words in choices.items():
        options = [{"valueCoding": {"code": word, "display": word}} for word in words]
        items.append({"linkId": name, "text": name, "type": "choice", "answerOption": options})
    return {"resourceType": "Questionnaire", "url": INTAKE, "item": items}


def _value_set(
    name: str, codes: Mapping[str, Mapping[str, tuple[str, ...]]], prefixes: Mapping[str, list[str]]
) -> dict[str, Any]:
    include: list[dict[str, Any]] = [
        {"system": system, "concept": [_concept(code, names) for code, names in listed.items()]}
        for system, listed in codes.items()
    ]
    for system, starts in prefixes.items():
        for start in starts:
            pattern = start.replace(".", "\\.") + ".*"
            include.append({"system": system, "filter": [{"property": "code", "op": "regex", "value": pattern}]})
    return {"resourceType": "ValueSet", "id": name, "compose": {"include": include}}


def _concept(code: str, names: tuple[str, ...]) -> dict[str, Any]:
    concept: dict[str, Any] = {"code": code, "display": names[0]}
    if names[1:]:
        concept["designation"] = [{"value": each} for each in names[1:]]
    if code in _ROUTES:
        concept["extension"] = [{"url": "urn:recumbent-leg-pain:routes", "valueString": _ROUTES[code]}]
    return concept


def write_value_set(folder: Path, name: str, codes: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
    write_json(folder / "value-sets" / f"{name}.json", _value_set(name, codes, _PREFIXES.get(name, {})))


def write_json(path: Path, content: Any) -> None:
    """JSON is YAML too, and leaves no doubt about quotes."""
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def write_table(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
