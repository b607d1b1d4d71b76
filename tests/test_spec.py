"""`ModelSpec` in JSON: what was written comes back, and nothing else is believed."""

from __future__ import annotations

import json
import math

import pytest

from ovsharp.errors import UnsupportedModelError
from ovsharp.spec import ModelSpec
from tests.networks import QUANTIZATION

FULL = ModelSpec(
    name="demo",
    architecture="student",
    scale=2,
    multiple=4,
    minimum=8,
    margin=None,
    size=(270, 480),
    colour="bgr",
    value_range=(-1.0, 1.0),
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.2, 0.3),
    base=True,
    storage="int8",
    degradation="gla",
    parameters=12345,
    source="demo.pth",
    source_sha256="ab" * 32,
    versions={"torch": "2.13"},
    parity={"onnx-torch": 1e-6},
    quantization=QUANTIZATION,
)
BARE = ModelSpec(name="demo", architecture="student", scale=1)


@pytest.mark.parametrize("spec", [FULL, BARE])
def test_round_trip(spec: ModelSpec) -> None:
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert "\n" not in spec.to_json()


def test_fields_that_a_spec_does_not_have_keep_their_defaults() -> None:
    text = '{"schema": 1, "name": "demo", "architecture": "student", "scale": 1}'
    assert ModelSpec.from_json(text) == BARE


def test_whole_numbers_are_floats_where_floats_are_expected() -> None:
    values = json.loads(BARE.to_json()) | {"value_range": [0, 255]}
    assert ModelSpec.from_json(json.dumps(values)).value_range == (0.0, 255.0)


def test_the_file_is_named_after_the_model_and_its_storage() -> None:
    assert FULL.file_stem == "demo-int8"
    assert BARE.replace(storage="fp16").file_stem == "demo-fp16"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"text"', "{}", "[" * 100_000])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UnsupportedModelError, match="malformed"):
        ModelSpec.from_json(text)


@pytest.mark.parametrize("schema", [0, 2, "1", None, [1]])
def test_other_schemas_are_refused(schema: object) -> None:
    values = json.loads(BARE.to_json()) | {"schema": schema}
    with pytest.raises(UnsupportedModelError, match="this ovsharp reads 1"):
        ModelSpec.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 5),
        ("name", None),
        ("scale", True),
        ("scale", 2.0),
        ("scale", "2"),
        ("margin", "36"),
        ("size", [4]),
        ("size", [4, 4, 4]),
        ("size", 4),
        ("size", [4.5, 4]),
        ("colour", "cmyk"),
        ("colour", None),
        ("storage", "int4"),
        ("value_range", [0]),
        ("value_range", [0, 10**400]),
        ("value_range", [0, None]),
        ("mean", ["0.5"]),
        ("base", 1),
        ("versions", {"torch": 2}),
        ("versions", []),
        ("parity", {"onnx": "small"}),
        ("parity", {"onnx": [[]]}),
        ("quantization", {}),
        ("quantization", [1]),
        ("quantization", {"__class__": "x"}),
        ("unheard_of", 1),
    ],
)
def test_wrong_types_are_refused(key: str, value: object) -> None:
    values = json.loads(FULL.to_json()) | {key: value}
    with pytest.raises(UnsupportedModelError, match="malformed"):
        ModelSpec.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", "../../evil"),
        ("name", "a\\b"),
        ("name", ".hidden"),
        ("scale", 0),
        ("scale", 17),
        ("multiple", 0),
        ("multiple", 10**30),
        ("minimum", -1),
        ("margin", -1),
        ("margin", 10**9),
        ("size", [0, 10]),
        ("size", [10, 10**6]),
        ("value_range", [1, 1]),
        ("value_range", [0, math.nan]),
        ("value_range", [0, math.inf]),
        ("mean", [0.5, 0.5]),
        ("mean", [math.nan]),
        ("std", [0]),
        ("std", [-1, 1, 1]),
        ("parity", {"onnx": math.inf}),
    ],
)
def test_values_out_of_their_range_are_refused(key: str, value: object) -> None:
    values = json.loads(FULL.to_json()) | {key: value}
    with pytest.raises(UnsupportedModelError, match="out of their range"):
        ModelSpec.from_json(json.dumps(values))


def test_a_cost_that_was_not_measured_is_refused() -> None:
    values = json.loads(FULL.to_json())
    values["quantization"]["ssim_drop"] = math.nan
    with pytest.raises(UnsupportedModelError, match="out of their range"):
        ModelSpec.from_json(json.dumps(values))


def test_nothing_is_written_that_could_not_be_read() -> None:
    with pytest.raises(UnsupportedModelError, match=r"'demo' has values .*\(scale\)"):
        BARE.replace(scale=0).to_json()
