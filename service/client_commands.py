"""`recumbent client …`: which EHRs may call. A running service takes a change over within a second."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from service.auth.registration import DEFAULT_ALGORITHMS, HOOKS, PROFILES, ClientError, registered
from service.storage.clients import Client, ClientStore
from service.storage.database import DATABASE_FILE, open_store

__all__ = ["client_app"]

client_app = typer.Typer(no_args_is_help=True, help="Which EHRs may call.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DataFolder = Annotated[Path, typer.Option("--data", envvar="RECUMBENT_DATA", help="Folder of the decision store.")]
Issuer = Annotated[str, typer.Argument(metavar="ISSUER", help="The iss claim of its tokens, exactly.")]


def _several(text: str, metavar: str = "TEXT") -> Any:
    return typer.Option(help=f"{text} May be given more than once.", metavar=metavar, show_default=False)


@client_app.command("add")
def client_add(
    issuer: Issuer,
    jwks_url: Annotated[str | None, typer.Option(help="https address of its key set.")] = None,
    jwks: Annotated[Path | None, typer.Option(help="File with its key set, which is then pinned.")] = None,
    algorithm: Annotated[list[str] | None, _several(f"If not {' and '.join(DEFAULT_ALGORITHMS)}.")] = None,
    audience: Annotated[list[str] | None, _several("aud of its tokens, if it is not the address called.")] = None,
    tenant: Annotated[list[str] | None, _several("tenant claim; without any, its tokens must have none.")] = None,
    fhir_server: Annotated[list[str] | None, _several("Base URL that it may name as fhirServer.")] = None,
    hook: Annotated[list[str] | None, _several(f"If not all: {', '.join(HOOKS)}.")] = None,
    profile: Annotated[str, typer.Option(help=f"{', '.join(PROFILES)}.")] = "generic-2.0.1",
    demo: Annotated[bool, typer.Option("--demo", help="For a demonstration on this machine only.")] = False,
    data: DataFolder = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Register a client; from then on every call needs a token of a registered client."""
    client = Client(
        issuer,
        jwks_url,
        None if jwks is None else _read(jwks),
        tuple(algorithm or DEFAULT_ALGORITHMS),
        audiences=tuple(audience or ()),
        tenants=tuple(tenant or ()),
        fhir_servers=tuple(fhir_server or ()),
        hooks=tuple(hook or ()),
        profile=profile,
    )
    client = registered(client, demo=demo)
    if not ClientStore(open_store(data)).add(client):
        raise ClientError("This issuer is registered already. Remove it first: `recumbent client remove ISSUER`.")
    _say(client, "Registered. A running service accepts its tokens within a second.", as_json)


@client_app.command("list")
def client_list(data: DataFolder = Path("data"), as_json: AsJson = False) -> None:
    """List the clients: issuer, profile, whether they are enabled."""
    clients = _clients(data).all()
    if as_json:
        _print_json([_as_json(each) for each in clients])
    for each in () if as_json else clients:
        typer.echo(f"{each.issuer}  {each.profile}  {'enabled' if each.enabled else 'disabled'}")


@client_app.command("show")
def client_show(issuer: Issuer, data: DataFolder = Path("data"), as_json: AsJson = False) -> None:
    """Show all that is registered of a client."""
    client = _find(_clients(data), issuer)
    _say(client, "\n".join(f"{name}: {_words(value)}" for name, value in _as_json(client).items()), as_json)


@client_app.command("disable")
def client_disable(issuer: Issuer, data: DataFolder = Path("data"), as_json: AsJson = False) -> None:
    """Accept no token of a client until it is enabled again."""
    _enable(issuer, data, as_json, enabled=False)


@client_app.command("enable")
def client_enable(issuer: Issuer, data: DataFolder = Path("data"), as_json: AsJson = False) -> None:
    """Accept the tokens of a client again."""
    _enable(issuer, data, as_json, enabled=True)


@client_app.command("remove")
def client_remove(issuer: Issuer, data: DataFolder = Path("data"), as_json: AsJson = False) -> None:
    """Forget a client. What was recorded of its calls stays."""
    clients = _clients(data)
    client = _find(clients, issuer)
    clients.remove(issuer)
    text = "Removed." if clients.all() else "Removed. No client is left: the next start serves this machine only."
    _say(client, text, as_json)


def _enable(issuer: str, data: Path, as_json: bool, *, enabled: bool) -> None:
    clients = _clients(data)
    client = _find(clients, issuer)
    clients.enable(issuer, enabled)
    _say(replace(client, enabled=enabled), "Enabled." if enabled else "Disabled.", as_json)


def _clients(data: Path) -> ClientStore:
    if not (data / DATABASE_FILE).exists():
        raise ClientError(f"There is no decision store in {data}. Name its folder with --data.")
    return ClientStore(open_store(data))


def _find(clients: ClientStore, issuer: str) -> Client:
    for client in clients.all():
        if client.issuer == issuer:
            return client
    raise ClientError("There is no client of this issuer. `recumbent client list` names them all.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ClientError(f"{path}: this file cannot be read as text. Name a file with a JWK Set.") from None


def _say(client: Client, text: str, as_json: bool) -> None:
    if as_json:
        _print_json(_as_json(client))
    else:
        typer.echo(text)


def _as_json(client: Client) -> dict[str, Any]:
    return asdict(client) | {"jwks": json.loads(client.jwks) if client.jwks else None}


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    return "-" if value is None else json.dumps(value) if isinstance(value, dict | bool) else str(value)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
