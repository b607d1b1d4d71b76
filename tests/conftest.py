"""The garbage collector leaves alone what stays: all packages and thousands of tests are loaded.

A walk over that takes half a second, and a training asks for one at each of its stages.
"""

import gc
from collections.abc import Iterator

import pytest

gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()


@pytest.fixture(autouse=True)
def kept_from_the_collector() -> Iterator[None]:
    """Freeze it again behind a test whose code has thawed everything."""
    before = gc.get_freeze_count()
    yield
    if gc.get_freeze_count() < before // 2:
        gc.freeze()
