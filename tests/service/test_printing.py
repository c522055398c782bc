"""Cards on a terminal."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cds_hooks.response import EVALUATION, Card, CdsResponse, Coding, Source
from service.printing import print_cards


def a_card(**fields: Any) -> Card:
    usual: dict[str, Any] = {
        "uuid": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "summary": "A finding: consider something.",
        "detail": "**Why now.** A reason.\n\n- One\n- Two",
        "indicator": "warning",
        "source": Source("A guideline (2024)", "https://example.org", Coding("legpain", "urn:x")),
        "override_reasons": (),
        "links": (),
        "extension": {"org.recumbent.urgency": "urgent"},
    }
    return Card(**usual | fields)


def printed(*cards: Card, **evaluation: Any) -> str:
    console = Console(file=StringIO(), width=100, color_system=None)
    print_cards(CdsResponse(cards, {EVALUATION: {"packId": f"sha256:{'a' * 64}"} | evaluation}), console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_card_is_printed_with_its_urgency_its_text_and_its_source() -> None:
    text = printed(a_card(), evaluated=["causes/a", "causes/b"], notEvaluated=[{"rule": "causes/c", "reason": "x"}])

    for words in ("WARNING · urgent", "A finding: consider something.", "Why now. A reason.", "A guideline (2024)"):
        assert words in text
    assert text.endswith("2 rules evaluated, 1 not; pack sha256:aaaaaaaaaaaa…\n")


def test_without_cards_it_says_that_it_looked_and_why_rules_were_not_evaluated() -> None:
    lacking = [{"rule": f"causes/{n}", "reason": reason} for n, reason in enumerate(("under-18", "no", "no"))]

    assert printed(notEvaluated=lacking).splitlines() == [
        "No cards: looked, and there is nothing to say.",
        "Not evaluated because: no; under-18.",
        "0 rules evaluated, 3 not; pack sha256:aaaaaaaaaaaa…",
    ]


@pytest.mark.parametrize("text", ["[red]", "[/]", "[bold", "[link=https://x]y[/link]"])
def test_brackets_in_a_text_are_printed_and_not_obeyed(text: str) -> None:
    assert text in printed(a_card(source=Source(text, "https://example.org", Coding("legpain", "urn:x"))))
    assert text in printed(notEvaluated=[{"rule": "causes/a", "reason": text}])
