"""Tests and referrals that are under way answer a red flag; what is only meant, withdrawn or too old does not."""

from typing import Any

import pytest

from rules.engine.facts import Known
from rules.pack import Pack
from tests.builders import coded, day
from tests.service.fhir.order_library import a_draft, read_orders

SCAN = coded("700000001")


def requested(pack: Pack, **fields: Any) -> tuple[bool, list[str]]:
    """Whether the scan counts as requested, and why not."""
    made = a_draft("ServiceRequest", **{"status": "active", "code": SCAN, "authoredOn": day(1)} | fields)
    reading = read_orders(pack, requests={"resourceType": "Bundle", "entry": [{"resource": made}]})
    return isinstance(reading.facts["scan-requested"], Known), list(reading.left_out)


@pytest.mark.parametrize("fields", [{}, {"status": "completed"}, {"intent": None}, {"authoredOn": day(7)}], ids=str)
def test_a_request_under_way_counts(order_pack: Pack, fields: dict[str, Any]) -> None:
    assert requested(order_pack, **fields) == (True, [])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "draft"}, "draft"),
        ({"status": "revoked"}, "revoked"),
        ({"status": "entered-in-error"}, "entered-in-error"),
        ({"status": "Patient Jane asked"}, "not under way"),
        ({"status": None}, "not under way"),
        ({"intent": "proposal"}, "only planned"),
        ({"doNotPerform": True}, "only planned"),
        ({"authoredOn": day(8)}, "only an older value on record"),
        ({"authoredOn": None}, "recorded without a date"),
        ({"authoredOn": day(-3)}, "dated in the future"),
        ({"subject": {"reference": "Patient/another"}}, "another patient"),
    ],
    ids=str,
)
def test_any_other_request_is_left_out_with_its_reason(order_pack: Pack, fields: dict[str, Any], why: str) -> None:
    assert requested(order_pack, **fields) == (False, [f"ServiceRequest: {why}"])


def test_a_request_for_something_else_is_no_answer(order_pack: Pack) -> None:
    assert requested(order_pack, code=coded("111")) == (False, [])
