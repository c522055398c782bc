"""The command line: `recumbent`. Exit codes: 0 done, 1 found problems, 2 wrong use, 3 a mistake of ours."""

import json
import logging
import os
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console

from cds_hooks.response import CdsResponse, encode, unrecorded
from rules.check import check, write_generated
from rules.engine.errors import LibraryError, RecumbentError
from rules.loader import LIBRARY
from rules.pack import load_pack
from rules.schema import write_schemas
from rules.words import rule_in_words
from service.client_commands import client_app
from service.demo import run_demo
from service.evaluate_file import evaluate_file
from service.log import set_up_logs
from service.printing import print_cards
from service.records.decision import DecisionRecord
from service.records.feedback_export import as_csv, exported
from service.records.feedback_log import FeedbackLog
from service.records.keep import ReplayError, replay
from service.records.log import DecisionLog, open_log
from service.settings import Settings
from service.storage.database import DATABASE_FILE
from service.vignettes.run import run_vignettes
from service.vignettes.show import print_report

__all__ = ["main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Decision support for leg pain, over CDS Hooks.")
rules_app = typer.Typer(no_args_is_help=True, help="Read and check the rule library.")
decision_app = typer.Typer(no_args_is_help=True, help="Look at recorded decisions.")
app.add_typer(rules_app, name="rules")
feedback_app = typer.Typer(no_args_is_help=True, help="What clinicians did with the cards.")
app.add_typer(decision_app, name="decision")
app.add_typer(feedback_app, name="feedback")
app.add_typer(client_app, name="client")

out, err = Console(highlight=False), Console(stderr=True, highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
LibraryFolder = Annotated[
    Path, typer.Option("--library", envvar="RECUMBENT_LIBRARY", help="Folder of the rule library.", show_default=False)
]
DataFolder = Annotated[Path, typer.Option("--data", envvar="RECUMBENT_DATA", help="Folder of the decision store.")]

DecisionId = Annotated[str, typer.Argument(metavar="ID", help="From `recumbent decision list`.")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(envvar="RECUMBENT_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="RECUMBENT_PORT", help="Port to listen on.")] = 8080,
    data: DataFolder = Path("data"),
    demo: Annotated[
        bool, typer.Option("--demo", help="Send one shipped patient after the start and print the cards.")
    ] = False,
) -> None:
    """Start the service. Ctrl-C stops it: calls in flight are answered first."""
    from service.app import create_app  # here, since it doubles the time that the other commands need to start

    set_up_logs(logging.WARNING if demo else logging.INFO)  # the cards of the demo are easier to read on their own
    settings = _settings(host=host, port=port, data=data, **{"demo": True} if demo else {})
    with closing(_listener(settings)) as listener:
        if demo:
            out.print(f"Loading the rule library and opening the decision store in {data} …")
        program = create_app(settings)
        registry = program.state.recumbent.callers.registry
        server = uvicorn.Server(
            uvicorn.Config(
                program,
                lifespan="on",  # "auto" would go on serving when the decision log cannot start
                ws="none",
                log_config=None,
                access_log=False,  # it would print addresses and ids
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=10,
            )
        )
        if demo and registry.open:
            run_demo(server, listener, settings, out)
        else:
            err.print(f"Recumbent listens on {settings.base_url}. Ctrl-C stops it.", markup=False, soft_wrap=True)
            err.print(_ONLY_THIS_MACHINE if registry.open else _ONLY_CLIENTS)
            server.run([listener])


_ONLY_THIS_MACHINE = "Only this machine may call, and without a token, since no client is registered."
_ONLY_CLIENTS = "Clients are registered: every call needs a token of one of them."


@app.command()
def evaluate(
    file: Annotated[
        Path, typer.Argument(help="A FHIR R4 Bundle of one patient, or the body of a hook call, as JSON (also .gz).")
    ],
    as_of: Annotated[str | None, typer.Option(help="Moment of the call, ISO 8601; now if not given.")] = None,
    as_json: AsJson = False,
    library: LibraryFolder = LIBRARY,
) -> None:
    """Print the findings for a patient, without a server. Nothing is recorded."""
    decision = evaluate_file(file, load_pack(library), _moment(as_of))
    if as_json:
        sys.stdout.write(_pretty(encode(unrecorded(decision.response))) + "\n")
    else:
        print_cards(decision.response, out)


@app.command()
def vignettes(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Every .yaml file below it holds a list of vignettes.")],
    as_of: Annotated[str, typer.Option(help="Moment of the calls, ISO 8601.")] = "2026-11-22T12:00:00Z",
    as_json: AsJson = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what was said about each that failed.")
    ] = False,
    library: LibraryFolder = LIBRARY,
) -> None:
    """Measure the rules on made-up patients whose right answer is known; exit code 1 where a bar is not reached."""
    report = run_vignettes(folder, load_pack(library), _moment(as_of))
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        print_report(report, out, verbose=verbose)
    if not report.reached:
        raise typer.Exit(1)


@rules_app.command("check")
def rules_check(library: LibraryFolder = LIBRARY, as_json: AsJson = False) -> None:
    """Load the library, run every case, refresh INDEX.md, lock.json and the schemas."""
    try:
        loaded = check(library)
    except LibraryError as error:
        if as_json:
            problems = [{"file": p.file, "key": p.key, "what": p.what, "mend": p.mend} for p in error.problems]
            sys.stdout.write(json.dumps({"problems": problems}, indent=2) + "\n")
        else:
            err.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    changed = write_generated(library, loaded.library) + write_schemas(library)
    cases = sum(len(each) for each in loaded.library.cases.values())
    rules = sum(1 for _ in loaded.library.rules())
    if as_json:
        sys.stdout.write(json.dumps({"problems": [], "rules": rules, "cases": cases, "changed": changed}) + "\n")
    else:
        out.print(
            f"{rules} rules and {cases} cases hold." + (f" Written anew: {', '.join(changed)}." if changed else "")
        )


@rules_app.command("list")
def rules_list(library: LibraryFolder = LIBRARY, as_json: AsJson = False) -> None:
    """List every rule with its version and status."""
    rows = [
        (f"{module}/{rule.id}", rule.version, rule.status, rule.title)
        for module, rule in load_pack(library).library.rules()
    ]
    if as_json:
        keys = ("rule", "version", "status", "title")
        sys.stdout.write(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2) + "\n")
    else:
        for name, version, status, title in rows:
            out.print(f"{name:55} v{version:<3} {status:8} {title}", soft_wrap=True)


@rules_app.command("show")
def rules_show(
    rule_id: Annotated[
        str, typer.Argument(metavar="ID", help="Such as restless-legs-syndrome or causes/restless-legs-syndrome.")
    ],
    library: LibraryFolder = LIBRARY,
    as_json: AsJson = False,
) -> None:
    """Show a rule in words: when it holds, on which numbers, from which sources, and what it misses."""
    pack = load_pack(library)
    found = [(module, rule) for module, rule in pack.library.rules() if rule_id in (rule.id, f"{module}/{rule.id}")]
    if not found:
        _fail(f"There is no rule {rule_id}. `recumbent rules list` names them all.")
    labels: list[dict[str, Any]] = []
    for module, rule in found:
        sections = rule_in_words(pack.library, rule)
        head = {"rule": f"{module}/{rule.id}", "title": rule.title, "version": rule.version, "status": rule.status}
        labels.append(head | {"sections": [{"heading": each.heading, "lines": each.lines} for each in sections]})
        if not as_json:
            out.print(f"\n[bold]{rule.title}[/bold]  ({module}/{rule.id}, version {rule.version}, {rule.status})")
            for section in sections:
                out.print(f"\n[bold]{section.heading}[/bold]")
                for line in section.lines:
                    out.print(f"  {line}", markup=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(labels, indent=2) + "\n")


@decision_app.command("list")
def decision_list(
    data: DataFolder = Path("data"),
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
) -> None:
    """List the latest decisions: id, moment, service, number of cards."""
    for record in _decisions(data).latest(count):
        cards = len(msgspec.json.decode(record.summary)["cards"])
        out.print(
            f"{record.id}  {record.as_of.isoformat()}  {record.service}  {cards} card{'' if cards == 1 else 's'}",
            soft_wrap=True,
        )


@decision_app.command("show")
def decision_show(
    decision_id: DecisionId,
    data: DataFolder = Path("data"),
    facts: Annotated[bool, typer.Option("--facts", help="Add the patient's facts, decrypted.")] = False,
) -> None:
    """Show a decision's record; --facts adds the patient's facts, decrypted."""
    record = _record(data, decision_id)
    shown = {"id": record.id, "asOf": record.as_of.isoformat(), "service": record.service, "packId": record.pack_id}
    shown["summary"] = msgspec.json.decode(record.summary)
    if facts:
        shown["facts"] = msgspec.json.decode(record.facts)
    sys.stdout.write(json.dumps(shown, indent=2) + "\n")


@decision_app.command("replay")
def decision_replay(
    decision_id: DecisionId, data: DataFolder = Path("data"), library: LibraryFolder = LIBRARY, as_json: AsJson = False
) -> None:
    """Make a decision again from its record and compare byte for byte."""
    record = _record(data, decision_id)
    try:
        body = replay(record, load_pack(library))
    except ReplayError as error:
        _fail(str(error), 1)
    if as_json:
        sys.stdout.write(_pretty(body) + "\n")
    else:
        out.print("The replay gave the same bytes as were sent.")
        print_cards(msgspec.json.decode(body, type=CdsResponse), out)


@feedback_app.command("export")
def feedback_export(
    data: DataFolder = Path("data"),
    format: Annotated[Literal["json", "csv"], typer.Option(help="Of the export.")] = "json",
    comments: Annotated[
        bool, typer.Option("--comments", help="Add what clinicians wrote, decrypted. It may name patients.")
    ] = False,
) -> None:
    """Export all feedback: which intervention, what was done, why, by what kind of user, when and where."""
    entries = exported(FeedbackLog(_decisions(data)), comments=comments)
    if format == "csv":
        sys.stdout.write(as_csv(entries, comments=comments))
    else:
        sys.stdout.write(json.dumps(list(entries), indent=2) + "\n")


def _settings(**given: Any) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        _fail("\n".join(_problem(*each["loc"][:1], each["msg"]) for each in error.errors()))


def _problem(*parts: int | str) -> str:
    """A problem of the settings as one line: the setting's name, where there is one, and what is wrong with it."""
    return ": ".join(map(str, parts)).replace("Value error, ", "")


def _listener(settings: Settings) -> socket.socket:
    """The listening socket: made first, so that a port in use is said at once and in our words."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        _fail(
            f"Port {settings.port} of {settings.host} cannot be used ({os.strerror(error.errno or 0)}). "
            "Choose another: --port (make serve PORT=…)."
        )


def _decisions(data: Path) -> DecisionLog:
    if not (data / DATABASE_FILE).exists():
        _fail(f"There is no decision store in {data}. Name its folder with --data.")
    return open_log(data)


def _record(data: Path, decision_id: str) -> DecisionRecord:
    record = _decisions(data).find(decision_id)
    if record is None:
        _fail("There is no decision of this id. `recumbent decision list` names the latest.")
    return record


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _fail("--as-of is not an ISO 8601 moment, such as 2026-11-21T09:30:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode()


def _fail(text: str, code: int = 2) -> NoReturn:
    err.print(text, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: an error of ours is one clear text; the text of any other is not shown, as it may hold data."""
    try:
        app(arguments, prog_name="recumbent")
    except RecumbentError as error:
        err.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last place to keep patient data out of a terminal and its log
        err.print("".join(traceback.format_tb(error.__traceback__)), markup=False, soft_wrap=True)
        err.print(f"{type(error).__name__}: this is a mistake in Recumbent. Please report the lines above.")
        sys.exit(3)
