"""
The side of the EHR in CDS Hooks: discovery, prefetch, signed calls, cards, feedback. Every answer is read strictly.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, RSAKey

from tests.ehr.manners import Manner
from tests.ehr.strict import problems_of

__all__ = ["Answer", "Ehr", "InvalidAnswerError", "RefusedError"]

_TOKEN = re.compile(r"\{\{\s*context\.(\w+)\s*\}\}")
Resource = dict[str, Any]


class RefusedError(Exception):
    """The service answered with an error; the text is that of its OperationOutcome."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status, self.text = status, text


class InvalidAnswerError(Exception):
    """The service answered with something that a strict client does not take."""


@dataclass(frozen=True)
class Answer:
    """The cards of one call, the id of the service that gave them, and the call as it was sent."""

    service: str
    cards: list[Resource]
    sent: Resource


class Ehr:
    """
    One EHR.

    Args:
        service: HTTP client of the CDS service, with its base address. fhir: the same of the FHIR server.
        now: the clock, with time zone.
    """

    def __init__(
        self, manner: Manner, service: httpx2.Client, fhir: httpx2.Client, now: Callable[[], datetime]
    ) -> None:
        self.manner, self.now = manner, now
        self._service, self._fhir = service, fhir
        self._key = _key(manner)
        self._calls = 0
        self._services: dict[str, Resource] = {}

    @property
    def jwks(self) -> Resource:
        """The public keys, as they are served to whoever checks our tokens."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def token(self, audience: str) -> str:
        """A JWT for one call of this address."""
        issued = int(self.now().timestamp())
        self._calls += 1
        header = {"alg": self.manner.algorithm, "typ": "JWT", "kid": self.manner.kid, "jku": self.manner.jwks}
        claims = {
            "iss": self.manner.issuer,
            "aud": audience,
            "iat": issued,
            "exp": issued + self.manner.lifetime,
            "jti": f"{self.manner.name}-{issued}-{self._calls}",
        }
        return jwt.encode(header, claims | self.manner.claims(issued), self._key, [self.manner.algorithm])

    def discover(self) -> dict[str, Resource]:
        """Hook → service."""
        if not self._services:
            services = self._send("GET", "/cds-services").json()["services"]
            self._services = {each["hook"]: each for each in services}
        return self._services

    def call(self, workflow: str, **context: Any) -> Answer:
        """
        Call the service of this step of the workflow.

        Args:
            context: patientId, encounterId, draftOrders, …; orders as `orders`, a list of resources.

        Raises:
            RefusedError: it answered with an error. InvalidAnswerError: its answer breaks CDS Hooks.
        """
        hook = self.manner.hook(workflow)
        service = self.discover()[hook]
        if (orders := context.pop("orders", None)) is not None:
            context["draftOrders"] = self.manner.drafts(orders)
        context = self.manner.context({"userId": self.manner.user} | context)
        sent = {
            "hook": hook,
            "hookInstance": self.manner.instance(self._calls),
            "context": context,
            "prefetch": self._prefetch(service, context),
        } | self.manner.envelope(workflow)
        answer = self._send("POST", f"/cds-services/{service['id']}", sent).json()
        if problems := problems_of(answer, _references(context.get("draftOrders", {}))):
            raise InvalidAnswerError("; ".join(problems))
        return Answer(service["id"], answer["cards"], sent)

    def accept(self, service_id: str, card: str, suggestion: str) -> None:
        """Tell that a suggestion was taken."""
        accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}]}
        self._feedback(service_id, {"card": card} | accepted)

    def dismiss(self, service_id: str, card: str, reason: Resource | None = None, comment: str | None = None) -> None:
        """Tell that a card was set aside, and why."""
        why = self.manner.override(reason, comment)
        self._feedback(service_id, {"card": card, "outcome": "overridden"} | why)

    def _feedback(self, service_id: str, entry: Resource) -> None:
        moment = self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        body = {"feedback": [entry | {"outcomeTimestamp": moment}]}
        self._send("POST", f"/cds-services/{service_id}/feedback", body)

    def _prefetch(self, service: Resource, context: Resource) -> Resource:
        """Every template whose tokens the context holds."""
        filled: Resource = {}
        for key, template in self.manner.templates(service).items():
            if all(isinstance(context.get(name), str) for name in _TOKEN.findall(template)):
                url = _TOKEN.sub(lambda token: str(context[token[1]]), template)
                found = self.manner.found(url, self.manner.fetch(self._fhir, url))
                if found is not ...:
                    filled[key] = found
        return filled

    def _send(self, method: str, path: str, body: Resource | None = None) -> httpx2.Response:
        address = str(self._service.base_url).rstrip("/") + path
        headers = {"Authorization": f"Bearer {self.token(address)}"}
        answer = self._service.request(method, path, json=body, headers=headers)
        if answer.status_code != 200:
            raise RefusedError(answer.status_code, _outcome_text(answer))
        return answer


def _key(manner: Manner) -> Key:
    named: KeyParameters = {"kid": manner.kid, "use": "sig", "alg": manner.algorithm}
    if manner.algorithm == "RS384":
        return RSAKey.generate_key(2048, named)
    return ECKey.generate_key("P-384", named)


def _references(bundle: Resource) -> frozenset[str]:
    return frozenset(_named(entry["resource"] for entry in bundle.get("entry", ())))


def _named(resources: Iterable[Resource]) -> Iterable[str]:
    return (f"{each['resourceType']}/{each['id']}" for each in resources if "id" in each)


def _outcome_text(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["issue"][0]["details"]["text"])
    except (ValueError, LookupError, TypeError):
        return "no explanation"
