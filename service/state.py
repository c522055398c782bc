"""What a running process holds: built once in app.py, read by the routes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rules.pack import Pack
from service.auth.callers import Callers
from service.records.feedback_log import FeedbackLog
from service.records.labels import LabelBook
from service.records.log import DecisionLog
from service.settings import Settings

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """Settings, the pack in force, the logs of decisions and feedback, the rule labels, who may call, and the clock."""

    settings: Settings
    pack: Pack
    decisions: DecisionLog
    feedback: FeedbackLog
    labels: LabelBook
    callers: Callers
    now: Callable[[], datetime]
