"""The codes that the library reads, as its files list them, and the neighbors of a code."""

import csv
import json
from functools import cache
from typing import NamedTuple

from rules.loader import LIBRARY
from rules.terminology import ATC, LOINC, RXNORM, SNOMED

__all__ = ["Code", "has_loinc_digit", "has_snomed_digit", "neighbor", "symptom_codes", "value_set_codes"]


class Code(NamedTuple):
    """A code, or as a pattern the beginning of codes."""

    system: str
    code: str
    pattern: bool = False


@cache
def value_set_codes() -> dict[str, tuple[Code, ...]]:
    """Value set → its codes and patterns."""
    found = {}
    for path in sorted((LIBRARY / "value-sets").glob("*.json")):
        includes = json.loads(path.read_text(encoding="utf-8"))["compose"]["include"]
        codes = [Code(each["system"], one["code"]) for each in includes for one in each.get("concept", ())]
        codes += [
            Code(each["system"], one["value"].removesuffix(".*").replace("\\.", "."), pattern=True)
            for each in includes
            for one in each.get("filter", ())
        ]
        found[path.stem] = tuple(codes)
    return found


def symptom_codes() -> set[Code]:
    """The codes that imply an answer of the intake."""
    table = csv.DictReader((LIBRARY / "terminology" / "symptoms.csv").read_text(encoding="utf-8").splitlines())
    return {Code(row["system"], row["code"]) for row in table}


# ── neighbors ────────────────────────────────────────────────────────────────────────────────────────────────────────

_DIGITS = "0123456789"


def neighbor(code: Code) -> Code:
    """The next code that is written as its system writes codes, with a check digit that holds."""
    return code._replace(code=_next_code(code))


def _next_code(code: Code) -> str:
    text = code.code
    if code.system == SNOMED and not code.pattern:
        number = f"{int(text[:-3]) + 1}{text[-3:-1]}"
        return next(number + digit for digit in _DIGITS if has_snomed_digit(number + digit))
    if code.system == LOINC:
        number = str(int(text.split("-")[0]) + 1)
        return next(f"{number}-{digit}" for digit in _DIGITS if has_loinc_digit(f"{number}-{digit}"))
    if code.system == RXNORM:
        return str(int(text) + 1)
    if code.system == ATC and len(text) == len("B01AF01"):
        return f"{text[:-2]}{(int(text[-2:]) + 1) % 100:02}"
    last = text[-1]
    return text[:-1] + (chr(ord(last) + 1) if last not in "9Z" else chr(ord(last) - 1))


_D5 = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
_TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def has_snomed_digit(code: str) -> bool:
    """The check digit of SNOMED CT (Verhoeff 1969): the product of the permuted digits in the dihedral group is 0."""
    check = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(place % 8):
            value = _TURN[value]
        check = _D5[check][value]
    return check == 0


def has_loinc_digit(code: str) -> bool:
    """The check digit of LOINC: every second digit from the right counts twice, digit by digit."""
    number, check = code.split("-")
    doubled = "".join(str(int(digit) * (2 - place % 2)) for place, digit in enumerate(reversed(number)))
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(check)
