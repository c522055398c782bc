"""One rule that breaks must not take the others down with it."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["Attempts"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Attempts:
    """
    Runs rules one at a time and remembers those that raised.

    Whatever a file of the library says, a rule that was compiled does not raise; this is for a mistake in our own code.
    Its rule is then named as not evaluated, and the other rules are heard.
    """

    def __init__(self) -> None:
        self.failed: dict[str, None] = {}

    def __call__(self, rule: str, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """What the work returns, or None where it raised; the rule then stands in `failed`."""
        try:
            return work(*args, **kwargs)
        except Exception:  # noqa: BLE001 - whatever it was, the other rules are to be heard
            self.failed[rule] = None
            return None
