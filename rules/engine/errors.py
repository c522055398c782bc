"""
What can be wrong with our own files. Trouble in patient data is never an error: it is an Unknown with a reason.

    RecumbentError
    └── LibraryError      one or more Problems in rules/library; the pack is not built
"""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LibraryError", "Problem", "RecumbentError"]


class RecumbentError(Exception):
    """Any error that this program raises on purpose; its text is for a person and holds no patient data."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """
    One mistake in one file of the library.

    Args:
        file: path below rules/library, such as "causes/sciatica/rule.yaml".
        key: where in the file, such as "evidence.warm.when.all.2" (places in a list are counted from 1); empty for the
            whole file.
        what: what is wrong.
        mend: what to do about it.
    """

    file: str
    key: str
    what: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.what} {self.mend}"


class LibraryError(RecumbentError):
    """The library cannot be used. Holds every problem of every file, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the rule library:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))
