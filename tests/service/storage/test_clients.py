"""Registered clients come back as they were stored, and as the table says them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Session, select

from service.storage.clients import Client, ClientStore
from service.storage.database import StoreError, open_store
from service.storage.tables import ClientRow

CLIENT = Client(
    "https://ehr.example.org",
    "https://ehr.example.org/jwks",
    None,
    ("ES384", "RS384"),
    audiences=("https://cds.example.org/leg",),
    tenants=("north", "south"),
    fhir_servers=("https://ehr.example.org/fhir",),
    hooks=("patient-view",),
    profile="epic",
)


@pytest.fixture
def clients(tmp_path: Path) -> ClientStore:
    return ClientStore(open_store(tmp_path))


def test_a_client_comes_back_as_it_was_stored(clients: ClientStore) -> None:
    pinned = Client("urn:other", None, '{"keys": []}', ("RS256",))
    added = [clients.add(CLIENT), clients.add(pinned)]

    assert added == [True, True]
    assert clients.all() == (CLIENT, pinned)


def test_the_table_reads_what_was_stored(clients: ClientStore, tmp_path: Path) -> None:
    clients.add(CLIENT)
    with Session(open_store(tmp_path).engine) as session:
        row = session.exec(select(ClientRow)).one()

    assert (row.issuer, row.jwks_url, row.jwks, row.profile, row.enabled) == (
        CLIENT.issuer,
        CLIENT.jwks_url,
        None,
        "epic",
        True,
    )
    assert json.loads(row.tenants) == ["north", "south"]


def test_an_issuer_is_registered_once(clients: ClientStore) -> None:
    added = [clients.add(CLIENT), clients.add(replace(CLIENT, profile="oracle"))]

    assert added == [True, False]
    assert clients.all() == (CLIENT,)


def test_a_client_is_disabled_and_enabled_and_removed(clients: ClientStore) -> None:
    clients.add(CLIENT)
    changed = [clients.enable(CLIENT.issuer, False)]
    disabled = clients.all()
    changed += [clients.enable(CLIENT.issuer, True)]
    enabled = clients.all()
    changed += [clients.remove(CLIENT.issuer)]

    assert changed == [True, True, True]
    assert (disabled, enabled, clients.all()) == ((replace(CLIENT, enabled=False),), (CLIENT,), ())


def test_what_is_not_there_is_neither_changed_nor_removed(clients: ClientStore) -> None:
    assert [clients.enable("urn:nobody", True), clients.remove("urn:nobody")] == [False, False]


def test_a_database_that_is_gone_is_said(clients: ClientStore, tmp_path: Path) -> None:
    (tmp_path / "recumbent.db").unlink()

    with pytest.raises(StoreError):
        clients.add(CLIENT)
