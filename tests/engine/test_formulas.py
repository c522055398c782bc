from decimal import Decimal

import pytest

from rules.engine.formulas import FORMULAS


@pytest.mark.parametrize(
    ("iron", "tibc", "percent"),
    [("60", "300", "20.00"), ("59", "300", "19.67"), ("0", "300", "0.00"), ("60", "0", None)],
)
def test_transferrin_saturation_is_iron_in_percent_of_binding_capacity(
    iron: str, tibc: str, percent: str | None
) -> None:
    found = FORMULAS["transferrin-saturation"](Decimal(iron), Decimal(tibc))

    assert found == (Decimal(percent) if percent else None)


@pytest.mark.parametrize(
    ("calcium", "albumin", "adjusted"),
    [
        ("2.10", "4.0", "2.10"),  # 40 g/L is the albumin it is adjusted to
        ("2.10", "3.0", "2.30"),  # + 0.02 x (40 - 30)
        ("2.10", "5.0", "1.90"),  # + 0.02 x (40 - 50)
    ],
)
def test_calcium_is_adjusted_to_an_albumin_of_forty_grams_per_liter(calcium: str, albumin: str, adjusted: str) -> None:
    found = FORMULAS["albumin-adjusted-calcium"](Decimal(calcium), Decimal(albumin))

    assert found == Decimal(adjusted)
