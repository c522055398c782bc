"""The base of every shape that a library file may have: kebab-case keys, unknown keys refused, frozen."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

__all__ = ["Cite", "Day", "Days", "Id", "Shape", "Threshold", "kebab"]

_DURATION = re.compile(r"^(\d+) (h|d|wk|mo|a)$")
_HOURS = {"h": 1, "d": 24, "wk": 7 * 24, "mo": 30 * 24, "a": 365 * 24}


def kebab(name: str) -> str:
    """The key in a file for a Python name: `look_back` is `look-back`, `is_` is `is`."""
    return name.strip("_").replace("_", "-")


class Shape(BaseModel):
    """A frozen piece of a library file. A validator raises ValueError(what is wrong, how to mend it)."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=kebab, validate_by_name=False)


def _days(text: object) -> object:
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"{text} is not a duration.", "Write a whole number and a UCUM unit: 36 h, 14 d, 6 wk, 12 mo or 2 a."
        )
    return Decimal(int(match[1]) * _HOURS[match[2]]) / 24


Days = Annotated[Decimal, BeforeValidator(_days, json_schema_input_type=str)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Cite = Annotated[
    str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*( .+)?$", description="a source id of sources.yaml, then where in it")
]


def _is_date(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(f"{text} is not a date.", "Write year, month and day, such as 2026-11-21.")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}.", "Correct the date.") from None
    return text


Day = Annotated[str, AfterValidator(_is_date), WithJsonSchema({"type": "string", "format": "date"})]


class Threshold(Shape):
    """A number that stands once, with its unit (UCUM) and where it comes from."""

    value: Decimal
    unit: str
    cites: tuple[Cite, ...] = Field(min_length=1)
