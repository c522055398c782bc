"""Logs hold listed keys only, whatever is passed and whoever logs."""

import json
import logging
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import pytest

from service.log import ALLOWED, log
from tests.service.logs import caught_logs

MARKER = "Marker8c1f6e0b7a"


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_key_that_is_not_on_the_list_never_reaches_a_line() -> None:
    with caught_logs() as text:
        log.info("answered", cards=3, patient=MARKER, exc_info=ValueError(MARKER), stack_info=True)
    (line,) = lines(text.getvalue())

    assert set(line) == {"event", "level", "timestamp", "cards"}
    assert MARKER not in text.getvalue()


def test_every_line_is_one_json_object_whatever_a_value_holds() -> None:
    with caught_logs() as text:
        log.warning("refused", reason='a"b\r\n\x1b[31m${jndi:ldap://x}\u2028{')
    (line,) = lines(text.getvalue())

    assert line["reason"] == 'a"b\r\n\x1b[31m${jndi:ldap://x}\u2028{'
    assert text.getvalue().count("\n") == 1


@pytest.mark.parametrize("name", ["uvicorn.error", "asyncio", "sqlalchemy.engine", "any.library"])
def test_a_library_is_heard_but_not_quoted(name: str) -> None:
    with caught_logs() as text:
        try:
            raise ValueError(MARKER)
        except ValueError:
            logging.getLogger(name).exception("failed on %s", MARKER, extra={"patient": MARKER})
    (line,) = lines(text.getvalue())

    assert (line["event"], line["library"], line["reason"]) == ("library-warning", name, "ValueError")
    assert line["at"].startswith("test_log.py:")
    assert MARKER not in text.getvalue()


def test_what_a_library_says_in_passing_is_not_heard() -> None:
    with caught_logs() as text:
        logging.getLogger("uvicorn.error").info("GET /%s", MARKER)

    assert text.getvalue() == ""


def test_the_list_holds_no_key_that_could_name_a_person() -> None:
    assert not ALLOWED & {"patient", "user", "hookInstance", "hook_instance", "url", "path", "query", "body", "error"}


def test_a_line_goes_to_the_standard_error_of_its_moment() -> None:
    with caught_logs() as before:
        before.close()
        with redirect_stderr(StringIO()) as now:
            log.info("started")

    assert "started" in now.getvalue()
