"""Catch what the program logs, and leave the logging of pytest as it was."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO

import structlog

from service.log import set_up_logs

__all__ = ["caught_logs"]


@contextmanager
def caught_logs() -> Iterator[StringIO]:
    """Logs set up as `recumbent serve` does it, into a text."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    with redirect_stderr(StringIO()) as text:
        set_up_logs()
        try:
            yield text
        finally:
            structlog.reset_defaults()
            root.handlers = handlers
            root.setLevel(level)
