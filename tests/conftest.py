"""What every test may use: the moment of the call, the shipped pack, and property tests that are the same each time."""

from datetime import datetime

import pytest
from hypothesis import HealthCheck, settings

from rules.pack import Pack, load_pack
from tests.builders import AS_OF

settings.register_profile(
    "same-each-time",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same-each-time")


@pytest.fixture(scope="session")
def shipped_pack() -> Pack:
    """The whole library as it is shipped."""
    return load_pack()


@pytest.fixture
def as_of() -> datetime:
    """The moment of the call, 2026-11-21 12:00 UTC."""
    return AS_OF
