"""The command line: what each command prints, and the exit code that a script can rely on."""

import asyncio
import json
import re
import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rules.pack import Pack, load_pack
from service.app import create_app
from service.records.log import open_log
from service.settings import Settings
from tests.builders import AS_OF, Patient, a_bundle, a_patient
from tests.mini_library import write_library
from tests.service.commands import Run

FLAGGED = a_patient().answered("saddle").answered("leg-pain")
MOMENT = "2026-11-21T12:00:00Z"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return write_library(tmp_path / "library")


@pytest.fixture
def pack(library: Path) -> Pack:
    return load_pack(library)


def written(folder: Path, content: Any) -> Path:
    (folder / "patient.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "patient.json"


def a_record(folder: Path, patient: Patient = FLAGGED) -> Path:
    return written(folder, a_bundle(patient.resources()))


# ── help ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["serve", "evaluate", "rules", "decision", "feedback"]),
        (("rules",), ["check", "list", "show"]),
        (("decision",), ["list", "show", "replay"]),
        (("serve",), ["--host", "--port", "--data", "--demo", "RECUMBENT_PORT", "8080"]),
        (("evaluate",), ["--as-of", "--json", "--library"]),
        (("rules", "check"), ["--library", "--json"]),
        (("rules", "list"), ["--library", "--json"]),
        (("rules", "show"), ["--library", "--json"]),
        (("feedback",), ["export"]),
        (("feedback", "export"), ["--data", "--format", "--comments"]),
        (("decision", "list"), ["--data", "--count"]),
        (("decision", "show"), ["--data", "--facts"]),
        (("decision", "replay"), ["--data", "--library", "--json"]),
    ],
)
def test_help_names_every_command_and_option(run: Run, arguments: tuple[str, ...], words: list[str]) -> None:
    ran = run(*arguments, "--help")

    assert ran.code == 0
    assert [word for word in words if word not in ran.out] == []


@pytest.mark.parametrize("arguments", [(), ("rules",), ("decision",), ("feedback",)])
def test_a_command_that_needs_another_word_shows_its_help(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)

    assert ran.code == 2
    assert "Usage: recumbent" in ran.out + ran.err


@pytest.mark.parametrize(
    "arguments", [("serf",), ("serve", "--prot", "1"), ("evaluate",), ("decision", "list", "--count", "0")]
)
def test_wrong_use_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 2


# ── evaluate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_evaluate_prints_the_cards_of_a_bundle(run: Run, library: Path, tmp_path: Path) -> None:
    ran = run("evaluate", a_record(tmp_path), "--as-of", MOMENT, "--library", library)

    assert (ran.code, ran.err) == (0, "")
    assert "CRITICAL · emergency" in ran.out
    assert "A sign of danger: consider a call to the specialist now." in " ".join(ran.out.split())


def test_evaluate_says_why_there_are_no_cards(run: Run, library: Path, tmp_path: Path) -> None:
    ran = run("evaluate", a_record(tmp_path, a_patient()), "--as-of", MOMENT, "--library", library)

    assert ran.code == 0
    assert "No cards: looked, and there is nothing to say." in ran.out
    assert "Not evaluated because: facts are missing; leg complaint not known." in " ".join(ran.out.split())


def test_evaluate_as_json_is_the_answer_of_a_call_and_says_that_nothing_was_recorded(
    run: Run, library: Path, tmp_path: Path
) -> None:
    body = run("evaluate", a_record(tmp_path), "--as-of", MOMENT, "--library", library, "--json").json

    assert body["cards"][0]["indicator"] == "critical"
    assert body["extension"]["org.recumbent.evaluation"]["recorded"] is False
    assert body["extension"]["org.recumbent.evaluation"]["dataAsOf"] == MOMENT


def test_evaluate_takes_a_hook_call(run: Run, library: Path, pack: Pack, tmp_path: Path) -> None:
    call = written(tmp_path, json.loads(FLAGGED.hook_body(pack)))

    assert run("evaluate", call, "--as-of", MOMENT, "--library", library, "--json").json["cards"]


@pytest.mark.parametrize(
    ("moment", "data_as_of", "cards"),
    [
        (MOMENT, MOMENT, 1),
        ("2026-11-21", "2026-11-21T00:00:00Z", 1),
        ("2026-11-21T12:00:00+02:00", "2026-11-21T10:00:00Z", 1),
        ("2026-12-05T12:00:00Z", "2026-12-05T12:00:00Z", 1),
        ("2026-12-06T12:00:00Z", "2026-12-06T12:00:00Z", 0),  # the intake is older than its look-back of 14 days
    ],
)
def test_the_moment_decides_what_is_too_old(
    run: Run, library: Path, tmp_path: Path, moment: str, data_as_of: str, cards: int
) -> None:
    body = run("evaluate", a_record(tmp_path), "--as-of", moment, "--library", library, "--json").json

    assert body["extension"]["org.recumbent.evaluation"]["dataAsOf"] == data_as_of
    assert len(body["cards"]) == cards


def test_a_moment_that_is_none_is_wrong_use(run: Run, library: Path, tmp_path: Path) -> None:
    ran = run("evaluate", a_record(tmp_path), "--as-of", "yesterday", "--library", library)

    assert ran.code == 2
    assert ran.err == "--as-of is not an ISO 8601 moment, such as 2026-11-21T09:30:00Z.\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"hook": "patient-view"}, "hookInstance is missing. CDS Hooks requires it."),
        (a_bundle([FLAGGED.person, a_patient("p2").person]), "The Bundle holds 2 patients with an id."),
        ({"resourceType": "Patient"}, "The file is neither a FHIR R4 Bundle nor a call of one of these hooks"),
    ],
)
def test_a_file_that_cannot_be_evaluated_is_one_clear_text(
    run: Run, library: Path, tmp_path: Path, content: Any, text: str
) -> None:
    ran = run("evaluate", written(tmp_path, content), "--library", library)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(text)
    assert ran.err.count("\n") == 1


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rules_check_of_a_library_without_cases_names_what_is_missing(run: Run, library: Path) -> None:
    ran = run("rules", "check", "--library", library)

    assert (ran.code, ran.out) == (1, "")
    assert "red-flags/cauda-equina-syndrome/cases.yaml: no case shows the-flag as met." in " ".join(ran.err.split())


def test_rules_check_as_json_lists_the_problems(run: Run, library: Path) -> None:
    ran = run("rules", "check", "--library", library, "--json")

    assert ran.code == 1
    assert {"file", "key", "what", "mend"} == set(ran.json["problems"][0])


def test_rules_check_of_a_good_library_says_how_many_rules_hold(run: Run, tmp_path: Path) -> None:
    library = write_library(tmp_path / "library", status="draft", flags={}, causes={})

    assert run("rules", "check", "--library", library).out.startswith("0 rules and 0 cases hold.")
    assert run("rules", "check", "--library", library, "--json").json == {
        "problems": [],
        "rules": 0,
        "cases": 0,
        "changed": [],
    }


@pytest.mark.parametrize(
    "arguments", [("rules", "check"), ("rules", "list"), ("rules", "show", "x"), ("evaluate", "FILE")]
)
def test_a_library_that_is_not_there_is_one_clear_text(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    record = str(a_record(tmp_path))
    ran = run(*(record if each == "FILE" else each for each in arguments), "--library", tmp_path / "nowhere")

    assert ran.code == 1
    assert "rule library" in ran.err
    assert "Traceback" not in ran.err


def test_rules_list_names_every_rule(run: Run, library: Path) -> None:
    ran = run("rules", "list", "--library", library)

    assert [re.split(r" {2,}", line) for line in ran.out.splitlines()] == [
        ["red-flags/cauda-equina-syndrome", "v3", "active", "Cauda equina syndrome"],
        ["causes/restless-legs-syndrome", "v3", "active", "Restless legs syndrome"],
    ]
    assert run("rules", "list", "--library", library, "--json").json[1] == {
        "rule": "causes/restless-legs-syndrome",
        "version": 3,
        "status": "active",
        "title": "Restless legs syndrome",
    }


@pytest.mark.parametrize("name", ["restless-legs-syndrome", "causes/restless-legs-syndrome"])
def test_rules_show_prints_a_rule_in_words(run: Run, library: Path, name: str) -> None:
    ran = run("rules", "show", name, "--library", library)
    label = run("rules", "show", name, "--library", library, "--json").json

    assert "Restless legs syndrome  (causes/restless-legs-syndrome, version 3, active)" in ran.out
    assert [each["rule"] for each in label] == ["causes/restless-legs-syndrome"]
    assert [each["heading"] for each in label[0]["sections"] if each["heading"] not in ran.out] == []


def test_rules_show_of_an_unknown_rule_says_where_the_names_are(run: Run, library: Path) -> None:
    ran = run("rules", "show", "[red]gout[/red]", "--library", library)

    assert ran.code == 2
    assert ran.err == "There is no rule [red]gout[/red]. `recumbent rules list` names them all.\n"


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def data(tmp_path: Path, library: Path, pack: Pack) -> Path:
    """A store with one decision in it, of a served call."""
    settings = Settings(library=library, data=tmp_path / "data")
    with TestClient(create_app(settings, lambda: AS_OF)) as client:
        response = client.post("/cds-services/recumbent-patient-view", content=FLAGGED.hook_body(pack))
    (tmp_path / "sent.json").write_bytes(response.content)
    return settings.data


@pytest.fixture
def sent(data: Path) -> Any:
    return json.loads((data.parent / "sent.json").read_bytes())


def id_of(sent: Any) -> str:
    identifier: str = sent["extension"]["org.recumbent.evaluation"]["decisionId"]
    return identifier


def test_decision_list_names_a_served_call(run: Run, data: Path, sent: Any) -> None:
    ran = run("decision", "list", "--data", data)

    assert ran.code == 0
    assert ran.out == f"{id_of(sent)}  2026-11-21T12:00:00+00:00  recumbent-patient-view  1 card\n"


def test_decision_show_holds_no_facts_unless_they_are_asked_for(run: Run, data: Path, sent: Any, pack: Pack) -> None:
    shown = run("decision", "show", id_of(sent), "--data", data).json
    with_facts = run("decision", "show", id_of(sent), "--data", data, "--facts").json

    assert (shown["id"], shown["packId"]) == (id_of(sent), pack.id)
    assert [card["uuid"] for card in shown["summary"]["cards"]] == [card["uuid"] for card in sent["cards"]]
    assert "saddle" not in json.dumps(shown)
    assert "saddle" in with_facts["facts"]["known"]


def test_decision_replay_gives_the_bytes_that_were_sent(run: Run, data: Path, sent: Any, library: Path) -> None:
    printed = run("decision", "replay", id_of(sent), "--data", data, "--library", library)
    replayed = run("decision", "replay", id_of(sent), "--data", data, "--library", library, "--json").json

    assert printed.out.startswith("The replay gave the same bytes as were sent.\n")
    assert "CRITICAL · emergency" in printed.out
    assert replayed == sent


def test_decision_replay_under_another_pack_is_refused(run: Run, data: Path, sent: Any, tmp_path: Path) -> None:
    other = write_library(tmp_path / "other", limits="Another text, and so another pack.")
    ran = run("decision", "replay", id_of(sent), "--data", data, "--library", other)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The decision was made by another pack or engine than the one loaded.")


@pytest.mark.parametrize("command", ["show", "replay"])
def test_an_unknown_decision_says_where_the_ids_are(run: Run, data: Path, command: str) -> None:
    ran = run("decision", command, "no-such-id", "--data", data)

    assert ran.code == 2
    assert ran.err == "There is no decision of this id. `recumbent decision list` names the latest.\n"


@pytest.mark.parametrize("arguments", [("list",), ("show", "x"), ("replay", "x")])
def test_a_store_that_is_not_there_is_not_made_by_looking(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = run("decision", *arguments, "--data", tmp_path / "nowhere")

    assert ran.code == 2
    assert ran.err == f"There is no decision store in {tmp_path / 'nowhere'}. Name its folder with --data.\n"
    assert not (tmp_path / "nowhere").exists()


# ── serve: what is refused before anything is served ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("--host", "0.0.0.0"),  # noqa: S104 - it is refused
            "RECUMBENT_PUBLIC_URL is needed where host is not a loopback address (127.0.0.1).\n",
        ),
        (("--port", "0"), "port: Input should be greater than or equal to 1\n"),
        (("--port", "70000"), "port: Input should be less than or equal to 65535\n"),
    ],
)
def test_a_wrong_setting_is_one_clear_text(run: Run, arguments: tuple[str, ...], text: str) -> None:
    ran = run("serve", *arguments)

    assert (ran.code, ran.err) == (2, text)


def test_a_port_that_is_no_number_is_wrong_use(run: Run) -> None:
    ran = run("serve", "--port", "web")

    assert ran.code == 2
    assert "Invalid value for '--port'" in ran.err


def test_a_misspelt_variable_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUMBENT_PROT", "1")
    ran = run("serve")

    assert ran.code == 2
    assert ran.err.startswith("RECUMBENT_PROT in the environment is not a setting. Settings are: RECUMBENT_DATA,")


@pytest.mark.parametrize("options", [(), ("--demo",)])
def test_a_port_in_use_is_one_clear_text_and_nothing_is_made(
    run: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ran = run("serve", "--port", port, "--data", tmp_path / "data", *options)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"Port {port} of 127.0.0.1 cannot be used (Address already in use). "
        "Choose another: --port (make serve PORT=…).\n"
    )
    assert not (tmp_path / "data").exists()


# ── a mistake of ours ────────────────────────────────────────────────────────────────────────────────────────────────


async def store_a_damaged_record(data: Path, identifier: str) -> None:
    log = open_log(data)
    record = log.find(identifier)
    assert record is not None
    log.start()
    facts = record.facts.replace(b'"unknown":{', b'"unknown":{"saddle":"Secret of a patient",')
    await log.record(replace(record, id="damaged", facts=facts.replace(b",}", b"}")))
    await log.stop()


def test_a_mistake_of_ours_shows_its_place_and_not_its_text(run: Run, data: Path, sent: Any, library: Path) -> None:
    asyncio.run(store_a_damaged_record(data, id_of(sent)))
    ran = run("decision", "replay", "damaged", "--data", data, "--library", library)

    assert (ran.code, ran.out) == (3, "")
    assert 'File "' in ran.err
    assert ran.err.endswith("ValueError: this is a mistake in Recumbent. Please report the lines above.\n")
    assert "Secret" not in ran.err


# ── feedback ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def answered(library: Path, pack: Pack, tmp_path: Path) -> Path:
    """A store with one served call whose card was overridden with a comment."""
    settings = Settings(library=library, data=tmp_path / "data")
    with TestClient(create_app(settings, lambda: AS_OF)) as client:
        sent = client.post("/cds-services/recumbent-patient-view", content=FLAGGED.hook_body(pack)).json()
        entry = {"card": sent["cards"][0]["uuid"], "outcome": "overridden", "outcomeTimestamp": MOMENT}
        reason = {"reason": {"code": "data-wrong"}, "userComment": "=1+1 is José's"}
        body = {"feedback": [entry | {"overrideReason": reason}]}
        assert client.post("/cds-services/recumbent-patient-view/feedback", json=body).status_code == 200
    return settings.data


def test_feedback_export_says_what_was_done_with_which_card_and_why(run: Run, answered: Path) -> None:
    (entry,) = run("feedback", "export", "--data", answered).json

    assert {key: entry[key] for key in ("date", "location", "user", "topic", "rules", "action", "reason", "facts")} == {
        "date": MOMENT,
        "location": "default",
        "user": "Practitioner",
        "topic": "legpainredflags",
        "rules": ["red-flags/cauda-equina-syndrome/3"],
        "action": "overridden",
        "reason": "data-wrong",
        "facts": ["saddle"],
    }


@pytest.mark.parametrize("format", ["json", "csv"])
def test_feedback_export_holds_no_comment_unless_it_is_asked_for(run: Run, answered: Path, format: str) -> None:
    without = run("feedback", "export", "--data", answered, "--format", format)
    with_it = run("feedback", "export", "--data", answered, "--format", format, "--comments")

    assert (without.code, with_it.code) == (0, 0)
    assert "1+1" not in without.out
    assert "1+1" in with_it.out


def test_feedback_export_as_csv_runs_no_formula(run: Run, answered: Path) -> None:
    ran = run("feedback", "export", "--data", answered, "--format", "csv", "--comments")

    assert ran.out.splitlines()[1].endswith(",'=1+1 is José's")


def test_feedback_export_of_a_folder_without_a_store_says_so(run: Run, tmp_path: Path) -> None:
    ran = run("feedback", "export", "--data", tmp_path / "nowhere")

    assert ran.code == 2
    assert ran.err == f"There is no decision store in {tmp_path / 'nowhere'}. Name its folder with --data.\n"
