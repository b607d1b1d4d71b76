from __future__ import annotations

from pathlib import Path

import pytest

from ovsharp.engine import get_core, read_ir
from ovsharp.errors import ModelLoadError, UsageError
from ovsharp.runtime import DEFAULT_MODEL, find_model, shipped, shipped_models

MODELS = {
    DEFAULT_MODEL: {"fp16": Path("a-fp16.xml"), "int8": Path("a-int8.xml")},
    "float-only": {"fp32": Path("b-fp32.xml")},
    "all": {storage: Path(f"c-{storage}.xml") for storage in ("fp32", "fp16", "int8")},
}


@pytest.fixture
def two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "shipped_models", lambda: MODELS)


def test_shipped_files_are_complete() -> None:
    for storages in shipped_models().values():
        for path in storages.values():
            assert path.is_file()
            assert path.with_suffix(".bin").is_file()


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_are_in_the_form_that_cpus_run_fastest(name: str) -> None:
    model, _ = read_ir(find_model(name), get_core())
    kinds = {node.get_type_name() for node in model.get_ops()}
    assert not kinds & {"DepthToSpace", "SpaceToDepth", "Divide"}


@pytest.mark.usefixtures("two_models")
@pytest.mark.parametrize(
    ("model", "precision", "file"),
    [
        (None, None, "a-int8.xml"),
        (None, "int8+f32", "a-int8.xml"),
        (DEFAULT_MODEL, "bf16", "a-fp16.xml"),
        ("float-only", None, "b-fp32.xml"),
        ("float-only", "f32", "b-fp32.xml"),
        (DEFAULT_MODEL, "f32", "a-fp16.xml"),
        ("all", "f32", "c-fp32.xml"),
        ("all", "bf16", "c-fp16.xml"),
    ],
)
def test_the_file_fits_the_precision(model: str | None, precision: str | None, file: str) -> None:
    assert find_model(model, precision) == Path(file)


@pytest.mark.usefixtures("two_models")
def test_no_file_for_a_precision() -> None:
    with pytest.raises(UsageError, match="float-only has no file for precision int8"):
        find_model("float-only", "int8")


@pytest.mark.usefixtures("two_models")
def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text("")
    assert find_model(path) == find_model(str(path)) == path


@pytest.mark.usefixtures("two_models")
def test_unknown_models_list_the_known() -> None:
    with pytest.raises(ModelLoadError, match=f"no model file sharp-x; .*{DEFAULT_MODEL}"):
        find_model("sharp-x")


def test_a_router_is_no_model() -> None:
    with pytest.raises(UsageError, match="'call' chooses among several models and is none itself"):
        find_model("call")
