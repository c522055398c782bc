"""
How clients differ on the wire: the letter of CDS Hooks 2.0.1, the public sandbox, and Epic.

Sources: cds-hooks.hl7.org/2.0; github.com/cds-hooks/sandbox; Epic's tutorial (fhir.epic.com, CDS Hooks).
"""

from typing import Any, ClassVar
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

import httpx2

__all__ = ["Epic", "Manner", "Sandbox"]

Resource = dict[str, Any]


class Manner:
    """CDS Hooks 2.0.1 to the letter: null where nothing was found, what failed is left out, ES384."""

    name: ClassVar[str] = "plain"
    user: ClassVar[str] = "Practitioner/lin"
    issuer: ClassVar[str] = "https://ehr.example.org"
    algorithm: ClassVar[str] = "ES384"
    kid: ClassVar[str] = "plain-1"
    jwks: ClassVar[str] = "https://ehr.example.org/jwks.json"
    lifetime: ClassVar[int] = 300
    """Seconds that a token is valid."""
    empty_with_outcome: ClassVar[bool] = False

    def hook(self, workflow: str) -> str:
        """The hook that is sent for a step of the workflow that CDS Hooks has a hook for."""
        return workflow

    def instance(self, number: int) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self.issuer}/{number}"))

    def claims(self, issued: int) -> Resource:
        """Claims beyond those of the specification."""
        return {}

    def envelope(self, workflow: str) -> Resource:
        """What stands in a call beside hook, hookInstance, context and prefetch."""
        return {}

    def context(self, context: Resource) -> Resource:
        return context

    def templates(self, service: Resource) -> dict[str, str]:
        templates: dict[str, str] = service.get("prefetch", {})
        return templates

    def fetch(self, fhir: httpx2.Client, url: str) -> httpx2.Response:
        return fhir.get(url)

    def found(self, url: str, answer: httpx2.Response) -> Any:
        """What stands in the prefetch for this answer; Ellipsis: nothing, since it failed."""
        if answer.status_code == 200:
            bundle = answer.json()
            return None if bundle.get("total") == 0 else bundle
        return None if answer.status_code == 404 and "?" not in url else ...

    def drafts(self, orders: list[Resource]) -> Resource:
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in orders]}

    def override(self, reason: Resource | None, comment: str | None) -> Resource:
        """The part of a feedback entry that says why."""
        said = {"reason": reason, "userComment": comment}
        given = {key: value for key, value in said.items() if value}
        return {"overrideReason": given} if given else {}


class Sandbox(Manner):
    """The public sandbox: POST _search first, no encounter, no null, a Bundle without type, reasons without display."""

    name = "sandbox"
    user = "Practitioner/COREPRACTITIONER1"
    issuer = "https://sandbox.cds-hooks.org"
    kid = "sandbox-1"
    jwks = "https://sandbox.cds-hooks.org/.well-known/jwks.json"

    def envelope(self, workflow: str) -> Resource:
        return {"fhirServer": "https://launch.example.org/v/r4/fhir"}

    def context(self, context: Resource) -> Resource:
        return {key: value for key, value in context.items() if key != "encounterId"}

    def fetch(self, fhir: httpx2.Client, url: str) -> httpx2.Response:
        kind, searched, query = url.partition("?")
        if searched:
            answer = fhir.post(f"{kind}/_search", data=dict(parse_qsl(query)))
            if answer.status_code == 200:
                return answer
        return fhir.get(url)

    def found(self, url: str, answer: httpx2.Response) -> Any:
        return answer.json() if answer.status_code == 200 else ...

    def drafts(self, orders: list[Resource]) -> Resource:
        return {"resourceType": "Bundle", "entry": [{"resource": each} for each in orders]}

    def override(self, reason: Resource | None, comment: str | None) -> Resource:
        return super().override({"code": reason["code"]} if reason else None, comment)


class Epic(Manner):
    """
    Epic: three hooks, with the step in an extension; no discovery, so keys typed by the customer; long ids; RS384.

    Medications stand beside the orders. What finds nothing is a Bundle with an OperationOutcome.
    """

    name = "epic"
    user = "PractitionerRole/role-1"
    issuer = "https://epic.example.org/api/FHIR/R4"
    algorithm = "RS384"
    kid = "qN0/aB+cd0Xk9w=="
    jwks = "https://epic.example.org/jwks"
    lifetime = 900
    empty_with_outcome = True

    _TRIGGERS: ClassVar[dict[str, str]] = {
        "patient-view": "60",
        "order-select": "18",
        "order-sign": "23",
        "problem-list-item-create": "6",
        "encounter-start": "26",
        "encounter-discharge": "27",
    }

    def hook(self, workflow: str) -> str:
        return workflow if workflow.startswith("order-") else "patient-view"

    def instance(self, number: int) -> str:
        return f"{number:08X}-E3A1-11EE-B962-0242AC120002"  # a UUID of version 1, in capitals

    def claims(self, issued: int) -> Resource:
        return {"sub": "client-of-the-customer", "nbf": issued - 300}

    def envelope(self, workflow: str) -> Resource:
        mark = "com.epic.cdshooks.request"
        return {
            "fhirServer": self.issuer,
            "fhirAuthorization": {
                "access_token": "AccessTokenThatNobodyMayLog",
                "token_type": "Bearer",
                "expires_in": 300,
                "scope": "PATIENT.READ (R4) OBSERVATION.SEARCH (LABS) (R4)",
                "subject": "client-of-the-customer",
            },
            "extension": {
                f"{mark}.bpa-trigger-action": self._TRIGGERS[workflow],
                f"{mark}.cds-hooks-specification-version": "1.1",
                f"{mark}.fhir-version": "R4",
                "internal.epic.cdshooks.request.epic-emp-id": "9",
            },
        }

    def templates(self, service: Resource) -> dict[str, str]:
        """Ours as the customer typed them in, and one of its own."""
        return {"-user": self.user} | super().templates(service)

    def found(self, url: str, answer: httpx2.Response) -> Any:
        return answer.json() if answer.status_code == 200 else ...

    def drafts(self, orders: list[Resource]) -> Resource:
        """Each order under an id of 194 characters, and its medicine as a Medication beside it."""
        entries: list[Resource] = []
        for order in orders:
            medicine = order.get("medicationCodeableConcept")
            if medicine is not None:
                beside = {"resourceType": "Medication", "id": f"m-{order['id']}", "code": medicine}
                named = {"medicationReference": {"reference": f"Medication/{beside['id']}"}}
                order = {key: each for key, each in order.items() if key != "medicationCodeableConcept"} | named
                entries.append(beside)
            entries.append(order)
        return super().drafts(entries)

    def override(self, reason: Resource | None, comment: str | None) -> Resource:
        given = super().override(reason, comment)
        return {"overrideReasons": given["overrideReason"]} if given else {}
