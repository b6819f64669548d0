import pytest

from gridd import Gridd


@pytest.fixture(scope="module")
def server():
    """One server for the tests of a file that do not restart it."""
    with Gridd("--limit", "linger_ms=50") as running:
        yield running
