"""The README: what it tells a stranger to type works as it stands there."""

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECUMBENT = [str(Path(sys.executable).parent / "recumbent")]


def curl_call() -> tuple[str, dict[str, Any]]:
    """Path and body of the README's call, the shell's date put in as the shell would."""
    found = re.search(r"curl -s http://127\.0\.0\.1:8080(/cds-services/\S+) .*? -d '(\{.*?\n\})'\n", README, re.DOTALL)
    assert found is not None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return found[1], json.loads(found[2].replace("""'"$(date -u +%FT%TZ)"'""", now))


def commands() -> list[str]:
    """The lines that call the program, without their comments."""
    return [line.split("#")[0].strip() for line in README.split("\n") if line.startswith(".venv/bin/recumbent ")]


def test_the_call_with_curl_gives_an_emergency_card(tmp_path: Path) -> None:
    path, body = curl_call()

    with TestClient(create_app(Settings(data=tmp_path))) as client:
        cards = client.post(path, json=body).json()["cards"]

    assert cards[0]["indicator"] == "critical"
    assert "acute limb ischemia" in cards[0]["summary"]


def test_the_label_that_the_card_links_to_is_there(tmp_path: Path) -> None:
    path, body = curl_call()

    with TestClient(create_app(Settings(data=tmp_path))) as client:
        url = client.post(path, json=body).json()["cards"][0]["source"]["url"]
        label = client.get(url.removeprefix("http://127.0.0.1:8080"))

    assert label.status_code == 200
    assert "Acute limb ischemia" in label.text


@pytest.mark.parametrize("command", commands())
def test_every_command_runs(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)[1:]
    if words[0] in ("decision", "feedback"):
        with TestClient(create_app(Settings(data=tmp_path))):
            words += ["--data", str(tmp_path)]

    done = subprocess.run([*RECUMBENT, *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_file_it_links_to_is_there(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))))
def test_every_make_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_example_of_settings_names_every_setting() -> None:
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")

    named = set(re.findall(r"^#?RECUMBENT_([A-Z_]+)=", example, re.MULTILINE))

    assert named == {name.upper() for name in Settings.model_fields}
