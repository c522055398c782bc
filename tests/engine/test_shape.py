from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from rules.engine.rule import FactIs
from rules.engine.shape import Days, Threshold


@pytest.mark.parametrize(
    ("text", "days"),
    [("36 h", "1.5"), ("0 d", "0"), ("14 d", "14"), ("6 wk", "42"), ("12 mo", "360"), ("2 a", "730")],
)
def test_a_duration_in_days_with_months_of_thirty_and_years_of_365(text: str, days: str) -> None:
    assert TypeAdapter(Days).validate_python(text) == Decimal(days)


@pytest.mark.parametrize("text", ["", "d", "14", "14d", "-1 d", "1.5 d", "2 weeks", "14 d ", 14, None])
def test_what_is_not_a_duration(text: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Days).validate_python(text)


def test_a_shape_cannot_be_changed() -> None:
    threshold = Threshold.model_validate({"value": 3, "unit": "d", "cites": ["a-source"]})

    with pytest.raises(ValidationError, match="frozen"):
        threshold.value = Decimal(4)


@pytest.mark.parametrize(("given", "words"), [("left", ("left",)), (["left", "both"], ("left", "both"))])
def test_one_answer_and_several_answers_are_both_a_list_of_answers(given: object, words: tuple[str, ...]) -> None:
    assert FactIs.model_validate({"fact": "side", "is": given}).is_ == words
