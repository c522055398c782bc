from datetime import datetime

import pytest

from tests.service.records.builders import a_record


def test_a_decision_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        a_record(as_of=datetime(2026, 11, 21, 9, 30))  # noqa: DTZ001  the mistake under test
