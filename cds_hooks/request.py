"""
The hook request: what the EHR sends. Strict on what we need, lenient on everything else.

Errors are fixed texts that name the field, never its content.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from cds_hooks.discovery import SERVICES
from cds_hooks.profiles import GENERIC, Profile, recognize
from rules.engine.errors import RecumbentError

__all__ = ["NOT_JSON", "BadRequestError", "HookRequest", "UnknownServiceError", "read_request", "require_sound"]

MAX_DEPTH = 64
"""How deep JSON may nest. FHIR resources stay below 20."""

_ID = re.compile(r"[A-Za-z0-9\-._:]{1,128}")
_PATIENT_ID = re.compile(r"[A-Za-z0-9\-._]{1,256}")  # longer than FHIR's 64, and with the _ that some servers use
_USER = re.compile(r"(?:\S*/)?(Practitioner|PractitionerRole|Patient|RelatedPerson)/[^/\s]+")
_NOISE = bytes(set(range(256)) - set(b'"[]{}'))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_ENCOUNTER_REQUIRED = frozenset(("encounter-start", "encounter-discharge"))
_BUNDLES = {
    "order-select": ("draftOrders",),
    "order-sign": ("draftOrders",),
    "problem-list-item-create": ("conditions",),
}
"""Hook → the Bundles that its context must hold."""


class UnknownServiceError(RecumbentError):
    """No CDS service has this id."""


class BadRequestError(RecumbentError):
    """The request cannot be used. The text names the field and how to mend it, and echoes nothing."""


@dataclass(frozen=True, slots=True)
class HookRequest:
    """
    One call of one CDS service.

    Args:
        service, hook, hook_instance: which service was called, for which hook, under which unique id.
        patient_id: the one patient; every resource that names another is left out.
        user: the type of context.userId.
        prefetch: key → JSON as sent, null included.
        base_url: our own public address, without a slash at the end; the links on cards begin with it.
        draft_orders: Bundle of the orders that are not signed yet. selections: "Type/id" of those just selected; None
            where the hook knows no selection, and all are asked about.
        conditions: Bundle of the problems that were just put on the list.
        profile: the kind of client that gets the answer.
    """

    service: str
    hook: str
    hook_instance: str
    patient_id: str
    user: Literal["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"]
    encounter_id: str | None
    prefetch: Mapping[str, msgspec.Raw]
    base_url: str
    draft_orders: msgspec.Raw | None = None
    selections: frozenset[str] | None = None
    conditions: msgspec.Raw | None = None
    profile: Profile = GENERIC

    @property
    def by_clinician(self) -> bool:
        """False where a patient or relative is the user; the cards are for health professionals."""
        return self.user in ("Practitioner", "PractitionerRole")


class _Envelope(msgspec.Struct, rename="camel"):
    hook: str
    hook_instance: str
    context: msgspec.Raw
    prefetch: dict[str, msgspec.Raw] | None = None
    extension: msgspec.Raw = msgspec.Raw()


class _Context(msgspec.Struct, rename="camel"):
    user_id: str
    patient_id: str
    encounter_id: str | None = None
    draft_orders: msgspec.Raw = msgspec.Raw()
    selections: list[str] | None = None
    conditions: msgspec.Raw = msgspec.Raw()


class _BundleShape(msgspec.Struct, rename="camel"):
    resource_type: str
    entry: list[dict[str, msgspec.Raw] | None] | None = None


NOT_JSON = "The body is not valid JSON in UTF-8. Send one JSON object."
_T = TypeVar("_T")
_envelope = msgspec.json.Decoder(_Envelope)
_context = msgspec.json.Decoder(_Context)
_bundle_shape = msgspec.json.Decoder(_BundleShape)
_MISSING = re.compile(r"missing required field `(\w+)`")
_WRONG = re.compile(r"^Expected `([\w ]+)(?: \| null)?`, got `(\w+)`(?: - at `\$\.?([\w.]*))?")


def read_request(service_id: str, body: bytes, base_url: str, profile: Profile | None = None) -> HookRequest:
    """
    Read the body of POST /cds-services/{id}.

    Args:
        profile: the kind of client that calls; None to recognize it by what it sends.

    Raises:
        UnknownServiceError: no such id.
        BadRequestError: malformed or too deep JSON, or a field that is missing or of the wrong type.
    """
    service = SERVICES.get(service_id)
    if service is None:
        raise UnknownServiceError("There is no CDS service of this id. GET /cds-services lists them.")
    require_sound(body)
    envelope = _decode(_envelope, body, "")
    if envelope.hook != service.hook:
        raise BadRequestError(f"hook: this service answers {service.hook}. Call the service of the hook you send.")
    if not _ID.fullmatch(envelope.hook_instance):
        raise BadRequestError("hookInstance: it is not an identifier. Send a UUID.")
    context = _decode(_context, bytes(envelope.context), "context.")
    patient_id = context.patient_id.removeprefix("Patient/")
    if not _PATIENT_ID.fullmatch(patient_id):
        raise BadRequestError("context.patientId: it is not a FHIR id. Send the id of the Patient.")
    user = _USER.fullmatch(context.user_id)
    if user is None:
        raise BadRequestError("context.userId: it is not a reference such as Practitioner/123. Send type and id.")
    if service.hook in _ENCOUNTER_REQUIRED and not context.encounter_id:
        raise BadRequestError("context.encounterId is missing. This hook requires it.")
    if service.hook == "order-select" and context.selections is None:
        raise BadRequestError("context.selections is missing. This hook requires it.")
    return HookRequest(
        service=service.id,
        hook=service.hook,
        hook_instance=envelope.hook_instance.lower(),
        patient_id=patient_id,
        user=user[1],  # type: ignore[arg-type]  # one of the four words of the pattern
        encounter_id=context.encounter_id,
        prefetch=envelope.prefetch or {},
        base_url=base_url,
        draft_orders=_bundle(service.hook, "draftOrders", context.draft_orders),
        selections=frozenset(context.selections or ()) if service.hook == "order-select" else None,
        conditions=_bundle(service.hook, "conditions", context.conditions),
        profile=profile or recognize(envelope.extension),
    )


def _bundle(hook: str, field: str, raw: msgspec.Raw) -> msgspec.Raw | None:
    """A Bundle of the context, whose entries are still undecoded; None where the hook has none."""
    if field not in _BUNDLES.get(hook, ""):
        return None
    if not bytes(raw) or bytes(raw) == b"null":
        raise BadRequestError(f"context.{field} is missing. This hook requires it.")
    bundle = _decode(_bundle_shape, bytes(raw), f"context.{field}.")
    if bundle.resource_type != "Bundle":
        raise BadRequestError(f"context.{field} should be a FHIR Bundle. Send one with its entries.")
    return raw


def too_deep(body: bytes) -> bool:
    """
    Whether brackets nest deeper than MAX_DEPTH or do not pair up; without parsing, so that no parser meets such a body.

    Escaped quotes go first, then everything but brackets and quotes, then empty strings; what is left inside quotes is
    text. Each pass then removes the innermost pairs. Which kind of bracket closes which is left to the parser.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    left = body.translate(_ONE_KIND, _NOISE).replace(b'""', b"")
    if b'"' in left:
        left = b"".join(left.split(b'"')[::2])
    for _ in range(MAX_DEPTH):
        outer = left.replace(b"[]", b"")
        if len(outer) == len(left):
            break
        left = outer
    return bool(left)


def require_sound(body: bytes) -> None:
    """
    Refuse a body that is too deep or not UTF-8; the whole of it, since msgspec does not look into the fields it skips.

    Raises:
        BadRequestError: see its text.
    """
    if too_deep(body):
        raise BadRequestError(
            f"The body nests deeper than {MAX_DEPTH} levels, or its brackets do not match. Send FHIR JSON."
        )
    try:
        str(body, "utf-8")
    except UnicodeDecodeError:
        raise BadRequestError(NOT_JSON) from None


def _decode(decoder: msgspec.json.Decoder[_T], body: bytes, place: str) -> _T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadRequestError(_words(str(error), place)) from None
    except msgspec.DecodeError:
        raise BadRequestError(NOT_JSON) from None


def _words(message: str, place: str) -> str:
    """A fixed text from the type and field that msgspec names; its messages hold no values of these types."""
    if missing := _MISSING.search(message):
        return f"{place}{missing[1]} is missing. CDS Hooks requires it."
    wrong = _WRONG.match(message)
    field = f"{place}{(wrong[3] or '')}".rstrip(".") if wrong else place.rstrip(".")
    kind = {"str": "a string", "object": "an object", "dict": "an object", "array": "an array"}.get(
        wrong[1] if wrong else "", "of another type"
    )
    return f"{field or 'The body'} should be {kind}. CDS Hooks 2.0.1 says which type each field has."
