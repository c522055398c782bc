"""
What is kept of one answered call: enough to replay it, split by who may read it.

The summary is readable by anyone who may open the database, so it holds no patient data. The facts are patient data and
leave this process only encrypted (vault.py).
"""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["DecisionRecord"]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """
    One answered call.

    Args:
        id: computed from tenant and request, so that the same call sent twice is one record.
        as_of: moment of the call, with time zone; comes back from the database in UTC.
        tenant: the site whose call it was.
        client: the EHR that called, as its token names it.
        service: id of the CDS service.
        hook: "patient-view" and the like.
        hook_instance: the EHR's id of this firing of the hook.
        pack_id: the pack that decided.
        engine_version: the engine that decided.
        summary: JSON without patient data: outcomes of the rules, card uuids and hashes, counts of resources left out,
            degraded flags, timings.
        facts: JSON with the patient's facts; stored only encrypted.

    Raises:
        ValueError: as_of has no time zone.
    """

    id: str
    as_of: datetime
    tenant: str
    client: str
    service: str
    hook: str
    hook_instance: str
    pack_id: str
    engine_version: str
    summary: bytes
    facts: bytes

    def __post_init__(self) -> None:
        if self.as_of.utcoffset() is None:
            raise ValueError("DecisionRecord.as_of has no time zone. Pass an aware datetime, such as in UTC.")
