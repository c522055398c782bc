"""Cards on a terminal, as a person would want to read them."""

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel

from cds_hooks.response import EVALUATION, CdsResponse

__all__ = ["print_cards"]

_COLOR = {"critical": "red", "warning": "yellow", "info": "blue"}


def print_cards(response: CdsResponse, console: Console) -> None:
    """Each card in a frame; without cards, why there are none."""
    evaluation = response.extension[EVALUATION]
    evaluated, lacking = evaluation.get("evaluated", ()), evaluation.get("notEvaluated", ())
    for card in response.cards:
        urgency = card.extension["org.recumbent.urgency"]
        title = f"{card.indicator.upper()} · {urgency}"
        console.print(
            Panel(
                Markdown(f"**{card.summary}**\n\n{card.detail}"),
                title=escape(title),
                title_align="left",
                subtitle=escape(card.source.label),
                subtitle_align="left",
                border_style=_COLOR[card.indicator],
            )
        )
    if not response.cards:
        reasons = sorted({each["reason"] for each in lacking})
        console.print("No cards: looked, and there is nothing to say.")
        if reasons:
            console.print(f"Not evaluated because: {'; '.join(reasons)}.", markup=False)
    console.print(
        f"{len(evaluated)} rules evaluated, {len(lacking)} not; pack {evaluation['packId'][:19]}…", markup=False
    )
