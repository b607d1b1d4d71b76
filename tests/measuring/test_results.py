from __future__ import annotations

import csv
import io
import json

import pytest

from ovsharp.benchmarks.report import CSV_COLUMNS, to_csv
from ovsharp.errors import UsageError
from ovsharp.measuring.results import Report
from tests.benchmarks.reports import report, row


def test_json_brings_the_report_back() -> None:
    before = report(row("fp32", "f32"), row("int8", "int8+bf16", ms=7.0))
    assert Report.from_json(before.to_json()) == before


def test_json_is_standard_and_has_a_schema_version() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(report().to_json(), parse_constant=refuse)["schema"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"schema": 2}',
        '{"schema": 99}',
        report().to_json().replace('"fps"', '"speed"'),
        report().to_json().replace('"ssim": 0.85', '"ssim": "good"'),
        report().to_json().replace('"rows": [', '"rows": [3, '),
    ],
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="report"):
        Report.from_json(text)


def test_csv_can_be_read_back() -> None:
    made = report(row("fp32", "f32"), row("int8", "int8+bf16", ms=10.0))
    lines = list(csv.DictReader(io.StringIO(to_csv(made))))
    assert tuple(lines[0]) == CSV_COLUMNS
    assert [line["execution"] for line in lines] == ["f32", "int8+bf16"]
    assert float(lines[1]["frame_p50_ms"]) == 10.0
    assert float(lines[1]["ssim"]) == 0.85
    assert lines[1]["reaches_60_fps"] == "yes"
    assert lines[1]["speedup_pytorch"] == ""


@pytest.mark.parametrize(("ms", "thirty"), [(30.0, "yes"), (38.0, "stream"), (60.0, "no")])
def test_thirty_fps_is_judged_end_to_end(ms: float, thirty: str) -> None:
    assert row("fp32", "f32", ms=ms).speeds[0].reaches(30) == thirty
