import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The program runs on asyncio only, so its async tests do too."""
    return "asyncio"
