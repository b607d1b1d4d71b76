"""What a model costs and what it is worth: SSIM and throughput of every form, side by side."""

from ovsharp.benchmarks.page import to_html
from ovsharp.benchmarks.report import (
    NOTES,
    header_lines,
    quality_table,
    regression_table,
    speed_table,
    to_csv,
)
from ovsharp.benchmarks.results import Report
from ovsharp.benchmarks.run import Options, parse_modes, run_benchmark
from ovsharp.benchmarks.speed import Speed, compare_speed
from ovsharp.benchmarks.variants import Size
from ovsharp.benchmarks.verdict import Comparison, compare

__all__ = [
    "NOTES",
    "Comparison",
    "Options",
    "Report",
    "Size",
    "Speed",
    "compare",
    "compare_speed",
    "header_lines",
    "parse_modes",
    "quality_table",
    "regression_table",
    "run_benchmark",
    "speed_table",
    "to_csv",
    "to_html",
]
