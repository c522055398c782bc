"""Referrals and tests that are under way: ServiceRequests that are neither drafts nor withdrawn."""

from rules.engine.vocabulary import RequestFact
from service.fhir.chart import Chart, why_none
from service.fhir.concepts import named
from service.fhir.moments import read_moment
from service.fhir.resources import ServiceRequest

__all__ = ["read_request"]

_UNDER_WAY = frozenset(("active", "completed"))
_NOT_UNDER_WAY = frozenset(("draft", "on-hold", "revoked", "entered-in-error", "unknown"))
_ONLY_MEANT = frozenset(("proposal", "plan", "option"))


def read_request(chart: Chart, request: ServiceRequest, source: str) -> str | None:
    """
    Offer one request to the facts that ask whether it was made.

    Returns:
        Why it does not count, in words of ours; None where it does, or where no fact is read from it.
    """
    if request.status not in _UNDER_WAY:
        return request.status if request.status in _NOT_UNDER_WAY else "not under way"
    if request.do_not_perform or request.intent in _ONLY_MEANT:
        return "only planned"
    moment = read_moment(request.authored_on)
    if chart.in_future(moment):
        return "dated in the future"
    facts = chart.pack.library.facts
    matches = named(request.code, RequestFact, chart.pack.terminology).matches
    asked = [(match.fact, fact) for match in matches if isinstance(fact := facts[match.fact], RequestFact)]
    return why_none([chart.offer_problem(name, fact.look_back, moment, source) for name, fact in asked])
