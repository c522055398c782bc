"""How many calls are answered at once: a call beyond that is refused at once, before its body is read."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import OverloadedError

__all__ = ["Gate"]


class Gate:
    """
    Counts the calls in hand. For one event loop.

    Args:
        limit: calls. Each holds a body and what is read from it, so that this bounds the memory too.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit

    @contextmanager
    def entry(self) -> Iterator[None]:
        """
        A place for one call.

        Raises:
            OverloadedError: all are taken.
        """
        if self._free <= 0:
            raise OverloadedError("The service is busy. Nothing was evaluated. Call again after Retry-After.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
