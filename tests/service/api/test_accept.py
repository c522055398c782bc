"""Content negotiation: the most specific range gives the weight, and what cannot be read is left out."""

import pytest

from service.api.accept import preferred

HTML, JSON = "text/html", "application/json"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", HTML),
        ("*/*", HTML),
        (CHROME, HTML),
        ("application/json", JSON),
        ("application/*", JSON),
        ("text/*", HTML),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/json;q=0.5, text/html;q=0.4", JSON),
        ("application/json;q=0.4, text/html;q=0.5", HTML),
        ("application/json, text/html", HTML),
        ("application/json, */*;q=0.1", JSON),
        ("text/html;q=0, */*", JSON),
        ("text/*;q=0, text/html;q=0.1, application/json;q=0", HTML),
        ("application/json;q=0.001, text/html;q=0", JSON),
        ("image/png", None),
        ("application/json;q=0, text/html;q=0.000", None),
        ("*/*;q=0", None),
        ("application/fhir+json", None),
        # not readable, so left out
        ("json", HTML),
        ("text/html;q=2, application/json;q=0.5", JSON),
        ("text/html;q=-1, application/json;q=0.1", JSON),
        ("application/json;q=nan", HTML),
        ("application/json;q=1e0", HTML),
        ("application/json;q=٠", HTML),
        (",,;;,/", HTML),
        ("*/json", HTML),
        ("\x00\xff, application/json", JSON),
    ],
)
def test_the_type_that_the_caller_likes_best(accept: str, expected: str | None) -> None:
    assert preferred(accept, (HTML, JSON)) == expected


def test_of_equal_weights_the_one_offered_first_wins() -> None:
    assert preferred("*/*", (JSON, HTML)) == JSON
    assert preferred("text/html, application/json", (JSON, HTML)) == JSON
