"""
Logs: one JSON object a line, and only listed keys. What is not on the list never reaches a line, whatever is passed.
"""

import logging
import sys
from typing import Any

import structlog

__all__ = ["ALLOWED", "log", "set_up_logs"]

ALLOWED = frozenset(
    (
        "event",
        "level",
        "timestamp",
        "decision",
        "service",
        "cards",
        "milliseconds",
        "reason",
        "status",
        "at",
        "library",
        "pack",
        "rules",
        "entries",
        "unknown",
        "refused",
        "issuer",
        "kid",
        "token",
    )
)


def _only_allowed(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: value for key, value in event.items() if key in ALLOWED}


class _Foreign(logging.Handler):
    """Warnings of libraries: which one and where, never its text, which may hold a request or a traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        where = f"{record.filename}:{record.lineno}"
        log.warning(
            "library-warning", library=record.name, at=where, reason=error.__name__ if error else record.levelname
        )


def set_up_logs(level: int = logging.INFO) -> None:
    """Lines go to standard error. Exceptions are logged by their type only; no traceback, no message."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked for at each line: whoever runs the program may have put another stream in its place, and closed the old.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Foreign()]
    root.setLevel(logging.WARNING)


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
