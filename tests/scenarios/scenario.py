"""
A scenario: one patient's story as a hook call, with the answer and the decision that it gives.

    story.yaml     the record it starts from, the moment, the service, the answers of the intake, the draft orders
    request.json   the call as an EHR would send it: prefetch filled from the record by the discovery templates
    response.json  the answer, byte for byte but for line breaks
    decision.json  what the record keeps, without patient data
    response-<profile>.json  the answer to other kinds of clients, where the story names profiles

`python -m tests.scenarios` writes all but the story anew; review the difference before you commit it.
"""

import gzip
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import yaml

from cds_hooks.discovery import discovery_document, modules_of, queries_of
from cds_hooks.profiles import GENERIC, Profile
from cds_hooks.request import HookRequest, read_request
from cds_hooks.response import encode
from rules.pack import Pack, load_pack
from service.decide import Decision, decide
from service.demo.ehr import hook_call, intake_response, record_of_bundle
from service.fhir.gather import from_call
from service.records.keep import record_of

__all__ = ["FOLDER", "Scenario", "scenarios"]

FOLDER = Path(__file__).parent
_BASE_URL = "https://cds.example.org"
_INSTANCE = "0c5b3f6e-6f0a-4a44-9c57-5f2a7d3e1b90"


@dataclass(frozen=True)
class Scenario:
    """One folder of this package."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def story(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.folder / "story.yaml").read_text(encoding="utf-8"))
        return content

    @property
    def as_of(self) -> datetime:
        return datetime.fromisoformat(self.story["as-of"])

    @property
    def expect(self) -> dict[str, Any]:
        """What the story promises, whatever the wording: first cause, flags, number of cards."""
        promised: dict[str, Any] = self.story["expect"]
        return promised

    def make_request(self) -> dict[str, Any]:
        """The call, from the record and the discovery document of the day."""
        pack = load_pack()
        packed = (FOLDER / "records" / f"{self.story['record']}.json.gz").read_bytes()
        record = record_of_bundle(json.loads(gzip.decompress(packed)))
        patient = next(each for each in record if each["resourceType"] == "Patient")
        if self.story.get("answers"):
            record.append(intake_response(self.story["answers"], patient["id"], self.as_of, pack.library.intake_url))
        record += [{**each, "subject": {"reference": f"Patient/{patient['id']}"}} for each in self.story.get("add", ())]
        document = discovery_document(pack, self.as_of.date())
        service = next(each for each in document["services"] if each["id"] == self.story["service"])
        call = hook_call(record, service, _INSTANCE, self.story.get("encounter"))
        return call | {"context": call["context"] | self._orders(patient["id"])}

    def _orders(self, patient: str) -> dict[str, Any]:
        """The draft orders of the story, as its context holds them."""
        subject = {"reference": f"Patient/{patient}"}
        entries = [{"resource": each | {"subject": subject}} for each in self.story.get("orders", ())]
        return {"draftOrders": {"resourceType": "Bundle", "entry": entries}} if entries else {}

    @property
    def body(self) -> bytes:
        return (self.folder / "request.json").read_bytes()

    @property
    def profiles(self) -> list[Profile]:
        """The kinds of clients whose answers are kept too."""
        named: list[Profile] = self.story.get("profiles", [])
        return named

    def decide(self, profile: Profile = GENERIC) -> tuple[HookRequest, Decision, Pack]:
        pack = load_pack()
        request = read_request(self.story["service"], self.body, _BASE_URL, profile)
        resources = from_call(request, queries_of(pack, modules_of(request.hook)))
        return request, decide(request, resources, pack, self.as_of), pack

    def answer(self, profile: Profile = GENERIC) -> str:
        return pretty(encode(self.decide(profile)[1].response))

    def decision(self) -> str:
        request, decision, pack = self.decide()
        return pretty(record_of(request, decision, pack, {}, "default", "test").summary)

    def golden(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def write(self) -> None:
        text = json.dumps(self.make_request(), indent=1, ensure_ascii=False) + "\n"
        (self.folder / "request.json").write_text(text, encoding="utf-8")
        (self.folder / "response.json").write_text(self.answer(), encoding="utf-8")
        (self.folder / "decision.json").write_text(self.decision(), encoding="utf-8")
        for profile in self.profiles:
            (self.folder / f"response-{profile}.json").write_text(self.answer(profile), encoding="utf-8")


def pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode() + "\n"


def scenarios() -> list[Scenario]:
    return [Scenario(path.parent) for path in sorted(FOLDER.glob("*/story.yaml"))]
