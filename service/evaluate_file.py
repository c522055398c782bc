"""`recumbent evaluate FILE`: the pipe without a server, on a FHIR Bundle of one patient or the body of a hook call."""

import gzip
import uuid
import zlib
from datetime import datetime
from pathlib import Path

import msgspec

from cds_hooks.discovery import SERVICES, modules_of, queries_of
from cds_hooks.request import HookRequest, read_request, too_deep
from rules.engine.errors import RecumbentError
from rules.pack import Pack
from service.decide import Decision, decide
from service.fhir.gather import PatientResources, from_bundle, from_call
from service.fhir.resources import UNREADABLE, decode_bundle, decode_header

__all__ = ["FileError", "evaluate_file", "of_bundle"]

_BASE_URL = "http://127.0.0.1:8080"
_HOOKS = {service.hook: service.id for service in SERVICES.values()}


class FileError(RecumbentError):
    """The file cannot be evaluated; the text says why and holds nothing of it."""


class _Hook(msgspec.Struct):
    hook: str | None = None


def evaluate_file(path: Path, pack: Pack, as_of: datetime) -> Decision:
    """
    The decision on one file.

    Raises:
        FileError: it cannot be read, or is neither a Bundle of one patient nor a hook call.
        BadRequestError, DataNeededError: as in a call.
    """
    body = _read(path)
    if decode_header(body).resource_type == "Bundle":
        request, resources = of_bundle(body, pack)
    else:
        request = read_request(_service(body), body, _BASE_URL)
        resources = from_call(request, queries_of(pack, modules_of(request.hook)))
    return decide(request, resources, pack, as_of)


def _read(path: Path) -> bytes:
    try:
        body = path.read_bytes()
        body = gzip.decompress(body) if path.suffix == ".gz" else body
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or "not a whole gzip file"
        raise FileError(f"{path}: it cannot be read ({why}). Check the path.") from None
    if too_deep(body):
        raise FileError(f"{path}: it nests too deep, or its brackets do not match. It should hold FHIR JSON.")
    return body


def _service(body: bytes) -> str:
    """The id of the service that answers the hook of this call."""
    try:
        hook = msgspec.json.decode(body, type=_Hook).hook or ""
    except msgspec.ValidationError:
        hook = ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FileError("The file is not JSON. It should hold a FHIR R4 Bundle or the body of a hook call.") from None
    if hook not in _HOOKS:
        known = ", ".join(sorted(_HOOKS))
        raise FileError(f"The file is neither a FHIR R4 Bundle nor a call of one of these hooks: {known}.")
    return _HOOKS[hook]


def of_bundle(body: bytes, pack: Pack) -> tuple[HookRequest, PatientResources]:
    """
    A FHIR Bundle of one patient as a call of patient-view.

    Raises:
        FileError: it cannot be read, or does not hold exactly one patient.
    """
    try:
        bundle = decode_bundle(body)
    except UNREADABLE:
        raise FileError("The Bundle cannot be read. Its entries should be a list of resources.") from None
    patients = {
        header.id
        for entry in bundle.entry or ()
        if (header := decode_header(entry.resource)).resource_type == "Patient"
    }
    if len(patients) != 1 or None in patients:
        raise FileError(
            f"The Bundle holds {len(patients)} patients with an id. It should hold the record of exactly one."
        )
    patient_id = str(patients.pop())
    request = HookRequest(
        service="recumbent-patient-view",
        hook="patient-view",
        hook_instance=str(uuid.uuid5(uuid.NAMESPACE_OID, patient_id)),
        patient_id=patient_id,
        user="Practitioner",
        encounter_id=None,
        prefetch={},
        base_url=_BASE_URL,
    )
    return request, from_bundle(patient_id, bundle, queries_of(pack))
