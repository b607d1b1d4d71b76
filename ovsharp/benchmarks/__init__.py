"""What a model costs and what it is worth: SSIM and throughput of every form, side by side."""

from ovsharp.benchmarks.calls import calls_lines, calls_table, forecast_table, measure_calls
from ovsharp.benchmarks.page import to_html
from ovsharp.benchmarks.profile import Profile, profile
from ovsharp.benchmarks.report import (
    NOTES,
    header_lines,
    kind_table,
    node_table,
    quality_table,
    ratio_table,
    regression_table,
    speed_table,
    to_csv,
)
from ovsharp.benchmarks.run import Options, parse_modes, run_benchmark
from ovsharp.benchmarks.speed import Speed, compare_speed
from ovsharp.benchmarks.variants import find_variant
from ovsharp.benchmarks.verdict import Comparison, compare

__all__ = [
    "NOTES",
    "Comparison",
    "Options",
    "Profile",
    "Speed",
    "calls_lines",
    "calls_table",
    "compare",
    "compare_speed",
    "find_variant",
    "forecast_table",
    "header_lines",
    "kind_table",
    "measure_calls",
    "node_table",
    "parse_modes",
    "profile",
    "quality_table",
    "ratio_table",
    "regression_table",
    "run_benchmark",
    "speed_table",
    "to_csv",
    "to_html",
]
