"""What a running process holds: built once in app.py, read by the routes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rules.pack import Pack
from service.api.gate import Gate
from service.auth.callers import Callers
from service.fhir.fetch import FhirServers
from service.records.feedback_log import FeedbackLog
from service.records.labels import LabelBook
from service.records.log import DecisionLog
from service.settings import Settings

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """Settings, the pack in force, the logs, rule labels, who may call, FHIR servers, the gate, and the clock."""

    settings: Settings
    pack: Pack
    decisions: DecisionLog
    feedback: FeedbackLog
    labels: LabelBook
    callers: Callers
    fhir: FhirServers
    gate: Gate
    now: Callable[[], datetime]
