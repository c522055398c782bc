"""The label page of a rule version: for people and for programs, and inert to hostile addresses."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rules.pack import Pack
from rules.words import rule_in_words
from service.app import create_app
from service.settings import Settings
from tests.builders import AS_OF, a_patient
from tests.mini_library import write_library
from tests.service.api.calls import a_call, outcome_text, post

LABEL = "/rules/causes/restless-legs-syndrome/3"
NOT_HELD = "The loaded pack does not hold this rule in this version."


def test_a_person_gets_a_page_with_all_of_the_rule(client: TestClient, pack: Pack) -> None:
    response = client.get(LABEL, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    page = response.text
    sections = rule_in_words(pack.library, pack.library.causes["restless-legs-syndrome"])

    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Restless legs syndrome</h1>" in page
    assert pack.id in page
    assert [section.heading for section in sections if f"<h2>{section.heading}</h2>" not in page] == []
    assert page.count("<ul>") == page.count("</ul>") >= len(sections)


def test_a_program_gets_the_same_as_json(client: TestClient, pack: Pack) -> None:
    label = client.get(LABEL, headers={"Accept": "application/json"}).json()
    sections = rule_in_words(pack.library, pack.library.causes["restless-legs-syndrome"])

    assert label == {
        "rule": "causes/restless-legs-syndrome",
        "title": "Restless legs syndrome",
        "version": 3,
        "status": "active",
        "reviewed": "2026-11-21",
        "pack": pack.id,
        "sections": [{"heading": each.heading, "lines": list(each.lines)} for each in sections],
    }


def test_every_link_on_a_card_opens_the_label_of_the_rule_that_fired(client: TestClient, pack: Pack) -> None:
    patient = a_patient().answered("saddle").answered("urge-to-move")
    cards = post(client, a_call(pack, patient)).json()["cards"]
    links = [card["source"]["url"] for card in cards] + [link["url"] for card in cards for link in card["links"]]

    assert len(links) >= 4
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("version", ["2", "4", "0", "-3", "03", "3.0", "3 ", "٣", "latest", "9" * 500, "%00"])
def test_another_version_is_a_404(client: TestClient, version: str) -> None:
    response = client.get(f"/rules/causes/restless-legs-syndrome/{version}")

    assert response.status_code == 404
    assert outcome_text(response) == NOT_HELD


@pytest.mark.parametrize(
    "address",
    [
        "/rules/causes/unknown/3",
        "/rules/red-flags/restless-legs-syndrome/3",
        "/rules/..%5c..%5cetc/passwd/3",
        "/rules/causes/%3Cscript%3Ealert(1)%3C%2fscript%3E/3",
        "/rules/causes/restless-legs-syndrome%00/3",
        "/rules/causes/$%7Bjndi:ldap:x%7D/3",
        "/rules/causes/' or 1=1 --/3",
    ],
)
def test_a_rule_that_is_not_there_is_a_404_without_an_echo(client: TestClient, address: str) -> None:
    response = client.get(address)

    assert response.status_code == 404
    assert "script" not in response.text
    assert outcome_text(response)


def test_a_text_of_the_library_cannot_become_markup(settings: Settings, tmp_path: Path) -> None:
    limits = 'It misses <script>alert(1)</script> & "others".'
    library = write_library(tmp_path / "library", limits=limits)
    app = create_app(settings.model_copy(update={"library": library, "data": tmp_path / "data"}), lambda: AS_OF)
    page = TestClient(app).get(LABEL).text

    assert "It misses &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;others&quot;." in page
    assert "<script" not in page


def test_every_rule_of_the_shipped_library_has_a_page_whose_lists_are_closed(
    shipped_pack: Pack, settings: Settings, tmp_path: Path
) -> None:
    client = TestClient(create_app(settings.model_copy(update={"library": None, "data": tmp_path}), lambda: AS_OF))
    for module, rule in shipped_pack.library.rules():
        page = client.get(f"/rules/{module}/{rule.id}/{rule.version}").text
        depth = 0
        for part in page.replace("</ul>", "\0</ul>").replace("<ul>", "\0<ul>").split("\0"):
            depth += part.startswith("<ul>") - part.startswith("</ul>")
            assert depth >= 0
            assert depth > 0 or "<li>" not in part
        assert depth == 0
