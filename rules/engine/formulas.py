"""
Clinical formulas by name, for facts of kind `derived`. Arguments and results are in the units of facts.yaml.

Each takes Decimals in the order of the fact's `of` and returns a Decimal, or None where it is not defined.
"""

from collections.abc import Callable
from decimal import Decimal

__all__ = ["FORMULAS"]

_CENT = Decimal("0.01")


def transferrin_saturation(iron: Decimal, tibc: Decimal) -> Decimal | None:
    """
    Percent of transferrin binding sites that hold iron: 100 × iron / TIBC, both in ug/dL.

    Source: WHO, Assessing the iron status of populations, 2nd ed., 2007.
    """
    return (100 * iron / tibc).quantize(_CENT) if tibc > 0 else None


def albumin_adjusted_calcium(calcium: Decimal, albumin: Decimal) -> Decimal | None:
    """
    Total calcium in mmol/L adjusted to an albumin of 40 g/L: calcium + 0.02 × (40 - albumin), albumin in g/dL.

    Source: Payne et al., BMJ 1973;4:643, as used by the Society for Endocrinology 2016.
    """
    return (calcium + Decimal("0.02") * (40 - 10 * albumin)).quantize(_CENT)


FORMULAS: dict[str, Callable[..., Decimal | None]] = {
    "transferrin-saturation": transferrin_saturation,
    "albumin-adjusted-calcium": albumin_adjusted_calcium,
}
