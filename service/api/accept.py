"""Which of the media types that an address offers the caller likes best. Source: RFC 9110, 12.5.1."""

import re
from collections.abc import Sequence

__all__ = ["preferred"]

_RANGE = re.compile(r"\*/\*|[\w!#$&^.+-]+/([\w!#$&^.+-]+|\*)", re.ASCII)
_WEIGHT = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.ASCII | re.IGNORECASE)


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """
    The media type to answer with.

    The most specific range that fits a type gives it its weight; of equal weights the type that is offered first wins.
    What cannot be read is left out, and a header without anything readable means that all is welcome.

    Args:
        accept: the header, "" if there is none. offered: media types in lower case, the usual one first.

    Returns:
        One of those offered, or None where the caller takes none of them.
    """
    ranges = dict(filter(None, (_read(part) for part in accept.lower().split(","))))
    if not ranges:
        return offered[0]
    weights = {media_type: _weight(media_type, ranges) for media_type in offered}
    best = max(offered, key=lambda media_type: weights[media_type])
    return best if weights[best] > 0 else None


def _read(part: str) -> tuple[str, float] | None:
    """A range such as text/* and its weight; other parameters are not looked at."""
    name, *parameters = (each.strip() for each in part.split(";"))
    weights = [each for each in parameters if each.startswith("q=")]
    if not _RANGE.fullmatch(name) or not all(_WEIGHT.fullmatch(each) for each in weights):
        return None
    return name, float(weights[0][2:]) if weights else 1.0


def _weight(media_type: str, ranges: dict[str, float]) -> float:
    general = f"{media_type.split('/')[0]}/*"
    return next((ranges[each] for each in (media_type, general, "*/*") if each in ranges), 0.0)
