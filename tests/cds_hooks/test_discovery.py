"""Discovery: the services, and a prefetch that is exactly what the active rules read (REG-17)."""

import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.discovery import MODULES, SERVICES, Query, discovery_document, facts_read, queries_of
from rules.engine.vocabulary import ChangeFact, DerivedFact
from rules.pack import Pack, load_pack
from tests.mini_library import CAUSE, FACTS, FLAG, write_library

TODAY = date(2026, 11, 21)
SERVICES_FOLDER = Path(__file__).parents[2] / "cds_hooks" / "services"
LOINC = "http://loinc.org|"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(write_library(tmp_path_factory.mktemp("library")))


@pytest.fixture(scope="module")
def wide_pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """One rule on every fact."""
    return load_pack(write_library(tmp_path_factory.mktemp("library"), flags={"all-facts": a_criterion(FACTS)}))


def a_criterion(facts: Iterable[str]) -> dict[str, Any]:
    return {"any": [_question(fact) for fact in sorted(facts)]}


def _question(fact: str) -> dict[str, Any]:
    unit = FACTS[fact].get("unit")
    if fact == "age":
        return {"not": {"defined": "leg-complaint"}}  # the age is always read, for the scope
    if unit is not None:
        return {"fact": fact, "below": "low" if unit == "ug/L" else "high"}
    return {"fact": fact, "is": {"side": "left", "sex": "male"}.get(fact, "present")}


def prefetch_of(pack: Pack, modules: frozenset[str] = MODULES) -> dict[str, str]:
    """Of patient-view."""
    services = {each["hook"]: each for each in discovery_document(pack, TODAY, modules)["services"]}
    prefetch: dict[str, str] = services["patient-view"]["prefetch"]
    return prefetch


# ── the document ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_service_says_what_cds_hooks_asks_for(pack: Pack) -> None:
    services = discovery_document(pack, TODAY)["services"]

    for service in services:
        assert {
            "hook",
            "title",
            "description",
            "id",
            "prefetch",
            "usageRequirements",
            "version",
            "hookVersion",
        } == set(service)
        assert all(service.values())
        assert re.fullmatch(r"\d+\.\d+\.\d+", service["version"])
        # As the CDS Hooks library publishes them; problem-list-item-create is a draft.
        assert service["hookVersion"] == ("0.1.0" if service["hook"] == "problem-list-item-create" else "1.0")


def test_each_hook_is_answered_under_an_id_of_its_own(pack: Pack) -> None:
    services = discovery_document(pack, TODAY)["services"]

    assert [(each["hook"], each["id"]) for each in services] == [
        (hook, f"recumbent-{hook}")
        for hook in (
            "encounter-discharge",
            "encounter-start",
            "order-select",
            "order-sign",
            "patient-view",
            "problem-list-item-create",
        )
    ]


def test_an_id_is_a_path_segment_and_the_name_of_its_file() -> None:
    assert {path.stem for path in SERVICES_FOLDER.glob("*.json")} == set(SERVICES)
    assert all(re.fullmatch(r"[a-z0-9-]+", service) for service in SERVICES)


def test_the_version_of_a_service_is_that_of_cds_hooks_as_3_0_asks_for() -> None:
    assert {service.version for service in SERVICES.values()} == {"2.0.1"}


def test_the_document_is_the_same_for_the_same_day_and_moves_its_dates_with_the_day(pack: Pack) -> None:
    document = json.dumps(discovery_document(pack, TODAY))

    assert document == json.dumps(discovery_document(pack, TODAY))
    assert document.replace("2026-11-06", "2026-11-07") == json.dumps(discovery_document(pack, date(2026, 11, 22)))


# ── inside the query subset ──────────────────────────────────────────────────────────────────────────────────────────

_READ = re.compile(r"(Patient/\{\{context\.patientId\}\}|Encounter/\{\{context\.encounterId\}\})")
_SEARCH = re.compile(
    r"(Condition|MedicationRequest|MedicationStatement|Observation|QuestionnaireResponse|ServiceRequest)\?"
)
_VALUES = {
    "patient": r"\{\{context\.patientId\}\}",
    "questionnaire": r"urn:[a-z-]+:Questionnaire:[a-z-]+",
    "code": r"http://(loinc\.org|snomed\.info/sct)\|[0-9-]+(,http://(loinc\.org|snomed\.info/sct)\|[0-9-]+)*",
    "status": r"[a-z]+(,[a-z]+)*",
    "date": r"ge\d{4}-\d{2}-\d{2}",
    "authored": r"ge\d{4}-\d{2}-\d{2}",
    "_sort": r"-(date|authored)",
    "_count": r"[1-9]\d*",
}


def outside_the_subset(prefetch: dict[str, str]) -> list[str]:
    """Templates with anything else than a read, or a search by the parameters above; empty if all fit."""
    wrong = []
    for template in prefetch.values():
        if _READ.fullmatch(template):
            continue
        parameters = parse_qsl(template.partition("?")[2], strict_parsing=True, keep_blank_values=True)
        fits = all(re.fullmatch(_VALUES.get(name, "(?!)"), value) for name, value in parameters)
        if not (_SEARCH.match(template) and fits and parameters[0][0] == "patient"):
            wrong.append(template)
    return wrong


def test_every_template_is_inside_the_query_subset(wide_pack: Pack) -> None:
    assert outside_the_subset(prefetch_of(wide_pack)) == []


def test_every_template_of_the_shipped_library_is_inside_the_query_subset(shipped_pack: Pack) -> None:
    assert outside_the_subset(prefetch_of(shipped_pack)) == []


def test_every_template_of_the_shipped_library_fits_into_an_address(shipped_pack: Pack) -> None:
    longest = max(map(len, prefetch_of(shipped_pack).values()))

    assert longest < 4096  # 8 KB is what common servers take


def test_the_query_subset_is_not_checked_in_vain() -> None:
    bad = {
        "no patient": "Condition?_count=5",
        "modifier": "Condition?patient={{context.patientId}}&code:not=1",
        "include": "MedicationRequest?patient={{context.patientId}}&_include=MedicationRequest:medication",
        "user token": "Practitioner/{{userPractitionerId}}",
        "ne": "Observation?patient={{context.patientId}}&date=ne2026-01-01",
        "no code": "Observation?patient={{context.patientId}}&code=",
    }

    assert list(bad.values()) == outside_the_subset(bad)


# ── nothing missing, nothing extra ───────────────────────────────────────────────────────────────────────────────────

_ALWAYS = {"patient", "intake", "conditions"}  # scope, complaint and the cause of the mini library


@pytest.mark.parametrize(
    ("fact", "keys", "in_template"),
    [
        ("saddle", set(), "authored=ge2026-11-06"),
        ("side", set(), "authored=ge2026-10-21"),  # 30 days
        ("sex", set(), "Patient/"),
        ("pain-in-leg", set(), "Condition?patient={{context.patientId}}&_count=500"),
        ("leg-reason", {"encounter"}, "Encounter/{{context.encounterId}}"),
        ("statin", {"medications", "medication-statements"}, "status=active&"),
        ("statin-stopped", {"medications", "medication-statements"}, "status=active,completed,stopped&"),
        ("ferritin", {"observations-90-days"}, f"code={LOINC}20567-4,{LOINC}2276-4&date=ge2026-08-22"),
        (
            "potassium",
            {"observations-7-days"},
            f"code={LOINC}2823-3&date=ge2026-11-13",
        ),  # 36 hours, in the span of 7 days
        ("potassium-rise", {"observations-90-days"}, f"code={LOINC}2823-3&date=ge2026-08-22"),
        ("pregnancy-test", {"observations-90-days"}, f"code={LOINC}2106-3&date=ge2026-08-22"),
    ],
)
def test_one_rule_asks_for_what_it_reads_and_no_more(
    tmp_path: Path, fact: str, keys: set[str], in_template: str
) -> None:
    prefetch = prefetch_of(load_pack(write_library(tmp_path, flags={"one-rule": _question(fact)})))

    assert _ALWAYS | keys == set(prefetch)
    assert any(in_template in template for template in prefetch.values())


@given(st.sets(st.sampled_from(sorted(FACTS)), min_size=1))
def test_the_prefetch_is_the_union_of_what_active_rules_read(
    tmp_path_factory: pytest.TempPathFactory, facts: set[str]
) -> None:
    pack = load_pack(write_library(tmp_path_factory.mktemp("library"), flags={"a-rule": a_criterion(facts)}))
    definitions = pack.library.facts
    read = facts | {"age", "deceased", "leg-pain", "urge-to-move", "restless-legs-problem"}
    read |= {"potassium-old"} if "potassium-rise" in facts else set()
    asked = {fact for query in queries_of(pack) for fact in query.facts}
    codes = {code for name in asked for code in _codes_of(pack, name)}

    assert read == facts_read(pack)
    assert {name for name in read if not isinstance(definitions[name], DerivedFact | ChangeFact)} == asked
    assert codes == {code for query in queries_of(pack) for code in _codes_in(query)}


def _codes_of(pack: Pack, fact: str) -> set[str]:
    matches = pack.terminology.exact.items()
    return {
        code for (system, code), found in matches if f"{system}|" == LOINC and fact in {each.fact for each in found}
    }


def _codes_in(query: Query) -> set[str]:
    listed = dict(parse_qsl(query.template.partition("?")[2])).get("code", "")
    return set(listed.replace(LOINC, "").split(",")) - {""}


def test_the_shipped_library_asks_for_every_fact_that_its_rules_read(shipped_pack: Pack) -> None:
    asked = {fact for query in queries_of(shipped_pack) for fact in query.facts}
    worked_out = {
        name for name, fact in shipped_pack.library.facts.items() if isinstance(fact, DerivedFact | ChangeFact)
    }

    assert facts_read(shipped_pack) - worked_out == asked


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_a_rule_that_is_not_active_asks_for_nothing(tmp_path: Path, status: str) -> None:
    pack = load_pack(write_library(tmp_path, flags={"one-rule": _question("ferritin")}, status=status))

    assert set(prefetch_of(pack)) == _ALWAYS


def test_a_fact_that_says_that_a_cause_is_known_is_asked_for(tmp_path: Path) -> None:
    with_cause = load_pack(write_library(tmp_path / "with", flags={"one-rule": FLAG}))
    without = load_pack(write_library(tmp_path / "without", flags={"one-rule": FLAG}, causes={}))

    assert {"restless-legs-problem"} == facts_read(with_cause) - facts_read(without)


@pytest.mark.parametrize(
    ("modules", "keys"),
    [
        ({"red-flags", "causes"}, {"patient", "intake", "observations-90-days", "observations-7-days", "conditions"}),
        ({"red-flags"}, {"patient", "intake", "observations-90-days"}),
        ({"causes"}, {"patient", "intake", "observations-7-days", "conditions"}),
        (set(), {"patient", "intake"}),
    ],
)
def test_a_module_that_is_switched_off_asks_for_nothing(tmp_path: Path, modules: set[str], keys: set[str]) -> None:
    library = write_library(
        tmp_path,
        flags={"a-flag": {"any": [FLAG, _question("ferritin")]}},
        causes={"a-cause": {"any": [CAUSE, _question("potassium")]}},
    )

    assert keys == set(prefetch_of(load_pack(library), frozenset(modules)))


def test_a_fact_that_no_rule_reads_is_not_asked_for(pack: Pack) -> None:
    assert not facts_read(pack) & {"ferritin", "potassium", "statin", "side", "sex"}
