"""The label pages of rule versions: for people and programs, there for good, and inert to hostile addresses."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from rules.label import labels_of
from rules.pack import Pack, load_pack
from service.app import create_app
from service.settings import Settings
from service.storage.database import DATABASE_FILE
from tests.builders import AS_OF, a_patient
from tests.mini_library import CAUSE, write_library
from tests.scenarios.scenario import Scenario, scenarios
from tests.service.api.calls import a_call, outcome_text, post

RULE = "/rules/causes/restless-legs-syndrome"
LABEL = f"{RULE}/3"
NOT_HELD = "No label of this rule and version was ever loaded here. GET /rules lists the rules of today."
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROGRAM = {"Accept": "application/json"}
HEADINGS = (
    "Intended use",
    "Logic in words",
    "Limits",
    "Facts it reads",
    "Worked examples",
    "Sources",
    "Source attributes",
    "Change log",
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """The program with the shipped library."""
    return TestClient(create_app(Settings(data=tmp_path_factory.mktemp("shipped")), lambda: AS_OF))


def a_client(data: Path, library: Path, **settings: Any) -> TestClient:
    return TestClient(create_app(Settings(library=library, data=data, **settings), lambda: AS_OF))


class Page(HTMLParser):
    """What a page is made of, gone through once; an element that is not closed, or in the wrong order, raises."""

    _VOID = frozenset(("meta", "link", "br"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attributes}
        self.ids += [value or "" for name, value in attributes if name == "id"]
        self.links += [value or "" for name, value in attributes if name == "href"]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def is_inert(page: Page) -> bool:
    """No script, no style and no form stands in it, and nothing that would run one."""
    handlers = {name for name in page.attributes if name.startswith("on") or name in ("style", "src", "action")}
    return not handlers and not {"script", "style", "form", "iframe", "img", "base", "object"} & set(page.tags)


# ── the page and the JSON ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_gets_a_page_and_a_program_json(client: TestClient) -> None:
    page, answer = client.get(LABEL, headers=BROWSER), client.get(LABEL, headers=PROGRAM)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert {page.headers["vary"], answer.headers["vary"]} == {"Accept"}


def test_the_json_says_how_the_label_stands_to_what_is_loaded(client: TestClient, pack: Pack) -> None:
    answer = client.get(LABEL, headers=PROGRAM).json()
    label = answer.pop("label")

    assert answer == {
        "inUse": True,
        "standing": "This version is in use.",
        "loadedVersion": 3,
        "pack": pack.id,
        "sha256": answer["sha256"],
        "firstLoaded": "2026-11-21T12:00:00Z",
        "firstPack": pack.id,
        "otherContents": [],
    }
    assert (label["rule"], label["version"], label["title"]) == (
        "causes/restless-legs-syndrome",
        3,
        "Restless legs syndrome",
    )
    assert len(label["attributes"]) == 13


def test_a_caller_that_takes_neither_is_told_what_there_is(client: TestClient) -> None:
    response = client.get(LABEL, headers={"Accept": "image/png"})

    assert response.status_code == 406
    assert outcome_text(response) == "This address answers text/html and application/json. Accept one of them."


RULES = [pytest.param(f"{module}/{rule.id}/{rule.version}", id=rule.id) for module, rule in load_pack().library.rules()]


@pytest.mark.parametrize("rule", RULES)
def test_every_shipped_rule_has_a_page_with_every_part(shipped: TestClient, rule: str) -> None:
    response = shipped.get(f"/rules/{rule}", headers=BROWSER)
    page = Page(response.text)

    assert response.status_code == 200
    assert [each for each in HEADINGS if f">{each}</h2>" not in response.text] == []
    assert response.text.count("<dt>Use of ") == 9
    assert "Not stated" not in response.text
    assert page.headings[0] == 1
    assert [
        pair for pair in zip(page.headings, page.headings[1:], strict=False) if pair[1] > pair[0] + 1 or pair[1] == 1
    ] == []
    assert sorted(set(page.ids)) == sorted(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert is_inert(page)


@pytest.mark.parametrize("rule", RULES)
def test_every_shipped_rule_has_its_label_as_json(shipped: TestClient, shipped_pack: Pack, rule: str) -> None:
    label = shipped.get(f"/rules/{rule}", headers=PROGRAM).json()["label"]

    assert f"{label['rule']}/{label['version']}" == rule
    assert [each["id"] for each in label["attributes"] if not each["text"]] == []
    assert all(label[part] for part in ("use", "logic", "limits", "facts", "cases", "sources", "history"))


def test_every_link_between_pages_opens(shipped: TestClient) -> None:
    index = Page(shipped.get("/rules", headers=BROWSER).text)
    label = Page(shipped.get("/rules/causes/deep-vein-thrombosis/2", headers=BROWSER).text)
    from_index = [f"/{link}" for link in index.links if not link.startswith("#")]
    from_label = [link for link in label.links if link.startswith("../../")]
    addresses = from_index + [f"/rules/{link.removeprefix('../../')}".replace("/rules/../", "/") for link in from_label]

    assert len(from_index) > 100
    assert {"../../style.css", "../../../rules", "../../scores/wells-dvt/2"} <= set(from_label)
    # Version 1 was never loaded here, and the page for it says so.
    assert {address: status for address in set(addresses) if (status := shipped.get(address).status_code) != 200} == {
        "/rules/causes/deep-vein-thrombosis/1": 404
    }


def test_the_index_lists_every_rule(shipped: TestClient, shipped_pack: Pack) -> None:
    page = shipped.get("/rules", headers=BROWSER)
    listed = shipped.get("/rules", headers=PROGRAM).json()

    assert listed["pack"] == shipped_pack.id
    assert [each["rule"] for each in listed["rules"]] == [
        f"{module}/{rule.id}" for module, rule in shipped_pack.library.rules()
    ]
    assert [each for each in listed["rules"] if each["label"].partition("/rules/")[2] not in page.text] == []
    assert is_inert(Page(page.text))


def test_every_link_on_a_card_opens_the_label_of_the_rule_that_fired(client: TestClient, pack: Pack) -> None:
    patient = a_patient().answered("saddle").answered("urge-to-move")
    cards = post(client, a_call(pack, patient)).json()["cards"]
    links = [card["source"]["url"] for card in cards] + [link["url"] for card in cards for link in card["links"]]

    assert len(links) >= 4
    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_every_link_on_the_cards_of_a_scenario_opens_the_label_of_that_version(
    shipped: TestClient, scenario: Scenario
) -> None:
    cards = scenario.decide()[1].response.cards
    links = [card.source.url for card in cards] + [link.url for card in cards for link in card.links]
    labels = [link.partition("/rules/")[2] for link in links if "/rules/" in link]
    found = [shipped.get(f"/rules/{label}", headers=PROGRAM).json()["label"] for label in labels]

    assert len(labels) >= len(cards)
    assert labels == [f"{each['rule']}/{each['version']}" for each in found]


# ── still there ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_version_has_its_page_after_a_newer_one_is_loaded(tmp_path: Path) -> None:
    a_client(tmp_path / "data", write_library(tmp_path / "one"))
    newer = write_library(tmp_path / "two")
    rule = newer / "causes/restless-legs-syndrome/rule.yaml"
    rule.write_text(rule.read_text(encoding="utf-8").replace('"version": 3', '"version": 4'), encoding="utf-8")
    client = a_client(tmp_path / "data", newer)
    page, answer = client.get(LABEL, headers=BROWSER), client.get(LABEL, headers=PROGRAM).json()

    assert page.status_code == 200
    assert "This version is not in use. Loaded now is:" in page.text
    assert '<a href="../../causes/restless-legs-syndrome/4">Version 4</a>' in page.text
    assert (answer["inUse"], answer["loadedVersion"], answer["label"]["version"]) == (False, 4, 3)
    assert client.get(f"{RULE}/4", headers=PROGRAM).json()["inUse"] is True


def test_a_rule_that_the_library_no_longer_holds_keeps_its_page(tmp_path: Path) -> None:
    a_client(tmp_path / "data", write_library(tmp_path / "one"))
    client = a_client(tmp_path / "data", write_library(tmp_path / "two", causes={"another": CAUSE}, flags={}))
    page, answer = client.get(LABEL, headers=BROWSER), client.get(LABEL, headers=PROGRAM).json()

    assert "The library that is loaded now does not hold the rule." in page.text
    assert (answer["inUse"], answer["loadedVersion"]) == (False, None)


@pytest.mark.parametrize(
    ("status", "modules", "expected"),
    [
        ("active", {"red-flags", "causes"}, "This version is in use."),
        ("active", {"causes"}, "This version is loaded, but its module is switched off here."),
        ("retired", {"red-flags"}, "This rule is retired and not used any more."),
        ("draft", {"red-flags"}, "This is a draft. It is not used for any patient."),
    ],
)
def test_a_page_says_whether_the_loaded_rule_is_used(
    status: str, modules: set[str], expected: str, tmp_path: Path
) -> None:
    client = a_client(tmp_path / "data", write_library(tmp_path / "one", status=status), modules=modules)
    page = client.get("/rules/red-flags/cauda-equina-syndrome/3", headers=BROWSER)

    assert page.status_code == 200
    assert expected in page.text


def test_two_texts_under_one_version_are_both_there_and_the_page_says_so(tmp_path: Path) -> None:
    a_client(tmp_path / "data", write_library(tmp_path / "one"))
    client = a_client(tmp_path / "data", write_library(tmp_path / "two", limits="Another sentence on limits."))
    page, answer = client.get(LABEL, headers=BROWSER).text, client.get(LABEL, headers=PROGRAM).json()
    (other,) = answer["otherContents"]
    earlier = client.get(f"{LABEL}/{other['sha256']}", headers=BROWSER).text

    assert other == {"sha256": other["sha256"], "firstLoaded": "2026-11-21", "sameText": False}
    assert "The rule was changed without a new version number." in page
    assert "Another sentence on limits." in page
    assert "This is an earlier content of this version." in earlier
    assert "Another sentence on limits." not in earlier


def test_the_address_of_a_content_gives_the_bytes_that_have_its_hash(client: TestClient, pack: Pack) -> None:
    sha256 = client.get(LABEL, headers=PROGRAM).json()["sha256"]
    response = client.get(f"{LABEL}/{sha256}", headers=PROGRAM)

    assert hashlib.sha256(response.content).hexdigest() == sha256
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert [each.title for each in labels_of(pack.library, pack.terminology) if each.rule == response.json()["rule"]]


def test_labels_that_cannot_be_read_are_not_said_to_be_unknown(tmp_path: Path) -> None:
    client = a_client(tmp_path / "data", write_library(tmp_path / "one"))
    for path in (tmp_path / "data").glob(f"{DATABASE_FILE}*"):
        path.unlink()
    response = client.get(LABEL, headers=BROWSER)

    assert response.status_code == 503
    assert outcome_text(response).startswith("The stored labels cannot be read now.")
    assert str(tmp_path) not in response.text


# ── what a browser may keep ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", [LABEL, "/rules", "/rules/style.css"])
@pytest.mark.parametrize("accept", ["*/*", "text/html, application/json;q=0.5", "application/json"])
def test_what_is_kept_is_asked_for_again_and_not_sent_twice(client: TestClient, address: str, accept: str) -> None:
    first = client.get(address, headers={"Accept": accept})
    tag = first.headers["etag"]
    again = client.get(address, headers={"Accept": accept, "If-None-Match": tag})
    among = client.get(address, headers={"Accept": accept, "If-None-Match": f'"x", W/{tag}'})
    other = client.get(address, headers={"Accept": accept, "If-None-Match": '"x"'})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (among.status_code, other.status_code, other.content) == (304, 200, first.content)


def test_the_page_and_the_json_have_tags_of_their_own(client: TestClient) -> None:
    page, answer = client.get(LABEL, headers=BROWSER), client.get(LABEL, headers=PROGRAM)

    assert page.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize("address", [LABEL, "/rules", "/rules/style.css", f"{RULE}/9"])
def test_head_gives_the_headers_of_get_without_a_body(client: TestClient, address: str) -> None:
    got, head = client.get(address, headers=BROWSER), client.head(address, headers=BROWSER)

    assert (head.status_code, head.content) == (got.status_code, b"")
    assert dict(head.headers) == dict(got.headers)


def test_the_style_sheet_is_the_only_thing_that_a_page_may_load(client: TestClient) -> None:
    page = client.get(LABEL, headers=BROWSER)
    sheet = client.get("/rules/style.css")

    assert page.headers["content-security-policy"].split("; ")[0] == "default-src 'none'"
    assert "style-src 'self'" in page.headers["content-security-policy"].split("; ")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import|expression", sheet.text)


def contrast(one: str, other: str) -> float:
    """The contrast of two colors such as #1b2733, by WCAG 2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(client: TestClient, theme: str) -> None:
    sheet = client.get("/rules/style.css").text
    light, dark = (dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", part)) for part in sheet.split("@media", 2)[:2])
    colors = light if theme == "light" else dark

    assert {"text", "quiet", "link", "page", "panel"} <= set(colors)
    assert [
        (text, ground)
        for text in ("text", "quiet", "link")
        for ground in ("page", "panel")
        if contrast(colors[text], colors[ground]) < 4.5
    ] == []


# ── what is not there ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", ["2", "4", "0", "-3", "03", "3.0", "3 ", "٣", "latest", "9" * 500, "%00"])
def test_another_version_is_a_404(client: TestClient, version: str) -> None:
    response = client.get(f"{RULE}/{version}")

    assert response.status_code == 404
    assert outcome_text(response) == NOT_HELD


@pytest.mark.parametrize("sha256", ["0" * 64, "x", "%00", "' or 1=1 --", "A" * 5000])
def test_another_content_is_a_404(client: TestClient, sha256: str) -> None:
    response = client.get(f"{LABEL}/{sha256}")

    assert response.status_code == 404
    assert outcome_text(response) == NOT_HELD


HOSTILE = [
    "/rules/causes/unknown/3",
    "/rules/red-flags/restless-legs-syndrome/3",
    "/rules/..%5c..%5cetc/passwd/3",
    "/rules/causes/%3Cscript%3Ealert(1)%3C%2fscript%3E/3",
    "/rules/causes/restless-legs-syndrome%00/3",
    "/rules/causes/$%7Bjndi:ldap:x%7D/3",
    "/rules/causes/' or 1=1 --/3",
    "/rules/causes/%ED%A0%80/3",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_a_rule_that_is_not_there_is_a_404_without_an_echo(client: TestClient, address: str) -> None:
    response = client.get(address)

    assert response.status_code == 404
    assert "script" not in response.text
    assert outcome_text(response)


@pytest.mark.parametrize("address", HOSTILE[:1] + HOSTILE[3:])
def test_a_browser_gets_a_page_that_says_so_without_an_echo(client: TestClient, address: str) -> None:
    response: Response = client.get(address, headers=BROWSER)

    if response.headers["content-type"] == "application/fhir+json":  # no label has such an address
        assert outcome_text(response)
        return
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert NOT_HELD in response.text
    assert [word for word in ("alert", "jndi", "1=1") if word in response.text] == []
    assert is_inert(Page(response.text))


@pytest.mark.parametrize(
    "text",
    [
        'It misses <script>alert(1)</script> & "others".',
        "It misses {{ 7 * 7 }} and {% raw %}, which is no template.",
    ],
)
def test_a_text_of_the_library_cannot_become_markup(text: str, tmp_path: Path) -> None:
    client = a_client(tmp_path / "data", write_library(tmp_path / "library", limits=text))
    response = client.get(LABEL, headers=BROWSER)

    assert is_inert(Page(response.text))
    assert text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in response.text


def test_an_address_of_a_source_is_never_a_script(tmp_path: Path) -> None:
    library = write_library(tmp_path / "library")
    sources = library / "sources.yaml"
    text = sources.read_text(encoding="utf-8").replace('"year"', '"url": "https://a.example/\\"onclick=x()", "year"')
    sources.write_text(text, encoding="utf-8")
    page = Page(a_client(tmp_path / "data", library).get(LABEL, headers=BROWSER).text)

    assert 'https://a.example/"onclick=x()' in page.links
    assert is_inert(page)
