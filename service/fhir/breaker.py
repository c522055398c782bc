"""A circuit breaker: a server that has not answered several times in a row is left alone for a while."""

__all__ = ["Breaker"]

_FAILURES = 5
_REST = 30.0


class Breaker:
    """
    Whether a server is asked at all. The clock is an argument.

    Open after several calls in a row that it did not answer. After the rest one call may try, and the others go on
    without; an answer closes it, and without one the rest begins anew.

    Args:
        failures: calls in a row. rest: seconds.
    """

    def __init__(self, failures: int = _FAILURES, rest: float = _REST) -> None:
        self._limit = failures
        self._rest = rest
        self._failed = 0
        self._rests_until = 0.0

    def lets_pass(self, now: float) -> bool:
        """Whether a call may ask the server at this moment, in seconds of a clock that never goes back."""
        if self._failed < self._limit:
            return True
        if now < self._rests_until:
            return False
        self._rests_until = now + self._rest  # this one tries; a try that is never told about does no harm
        return True

    def tell(self, now: float, *, answered: bool) -> None:
        """What came of a call."""
        self._failed = 0 if answered else self._failed + 1
        if self._failed >= self._limit:
            self._rests_until = now + self._rest
