"""Keeps the processes of the tests quick: much is loaded in each, and made again and again."""

import gc
import os
import sys
from collections.abc import Iterator
from functools import cache

import pytest

# Nothing that is loaded for the tests goes again. A walk over it takes half a second, and a
# training asks for one at each of its stages.
gc.disable()


def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()
    # All of ovsharp is loaded by now, and its bytecode written if that is wanted. Where a test
    # fills the disk, half a file of it would stay, and Python choke on it from then on:
    # https://github.com/python/cpython/issues/126606
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


@pytest.fixture(autouse=True)
def kept_from_the_collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Freeze it again behind a test whose code has thawed everything, as a training does."""
    thaw, thawed = gc.unfreeze, []

    def noted() -> None:
        thaw()
        thawed.append(True)

    # To count what is frozen would take longer: it is a list of half a million.
    monkeypatch.setattr(gc, "unfreeze", noted)
    yield
    if thawed:
        gc.freeze()


@pytest.fixture(autouse=True)
def one_registry() -> None:
    """Keep the table of operators that torch makes anew for each export: a third of its time."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    if module and not hasattr(module.ONNXRegistry.from_torchlib, "cache_info"):
        module.ONNXRegistry.from_torchlib = staticmethod(cache(module.ONNXRegistry.from_torchlib))


@pytest.fixture
def fitted_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantize quickly: for tests to which the best ranges and weights are no question."""
    monkeypatch.setattr("ovsharp.calibration.ranges.FACTORS", (1.0,))
    monkeypatch.setattr("ovsharp.calibration.rounding.PLACES", 50)
