"""Tables fit the terminal: what is too wide comes in parts."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table

from ovsharp import benchmarks
from ovsharp.benchmarks import Profile
from ovsharp.benchmarks.profile import Node
from ovsharp.cli.main import main
from ovsharp.terminal.console import show
from tests.benchmarks import reports
from tests.command import ovsharp


def shown(table: Table, width: int) -> list[str]:
    out = io.StringIO()
    show(Console(file=out, width=width), table)
    return out.getvalue().splitlines()


def wide() -> Table:
    table = Table(title="Wide")
    table.add_column("model")
    table.add_column("storage")
    for index in range(12):
        table.add_column(f"figure {index}", justify="right")
    for name in ("call", "x4"):
        table.add_row(name, "INT8", *(f"{index}.{name}" for index in range(12)))
    return table


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_wide_table_comes_in_parts(width: int) -> None:
    lines = shown(wide(), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for index in range(12):
        assert text.count(f"figure {index} ") == 1
        for name in ("call", "x4"):
            assert text.count(f" {index}.{name} ") == 1
    heads = [line for line in lines if "figure" in line]
    assert len(heads) > 1
    assert all("model" in line and "storage" in line for line in heads)


def test_a_table_that_fits_stays_whole() -> None:
    assert len([line for line in shown(wide(), 200) if "figure" in line]) == 1


@pytest.mark.parametrize(
    "call",
    [
        ("devices",),
        ("info", "call-fast"),
        ("info", "call"),
        ("recipes",),
        ("profile", "call-fast", "--size", "64x64", "--seconds", "0.02"),
    ],
    ids=" ".join,
)
def test_what_a_terminal_of_80_columns_shows_is_whole(
    call: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COLUMNS", "80"), ("TTY_COMPATIBLE", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    done = ovsharp(*call)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    tables = [line for line in lines if "  " in line.strip() or "\u2502" in line]
    assert tables
    assert max(map(len, tables)) <= 80
    assert "\u2026" not in done.stdout  # nothing is cut off


def test_the_slowest_nodes_come_in_few_parts() -> None:
    nodes = tuple(
        Node(
            *(f"model/body/convolution{n}/WithoutBiases", "Convolution", "convolution"),
            *("brgconv_avx512_I8", "acdb", "i8", "1x64x270x480", 1.0, 0.1, 0.5),
        )
        for n in range(3)
    )
    made = Profile("m", "cpu", "int8", "int8+f32", 8, 8, 5, 9.0, 10.0, 200.0, nodes)
    lines = shown(benchmarks.node_table(made, 3), 80)
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("  node ") for line in lines) <= 3


def test_bench_and_recipes_fit_80_columns() -> None:
    names = ("call-balanced", "x4-quality")
    report = reports.report(*(reports.row("int8", "int8+bf16", model=name) for name in names))
    for table in (benchmarks.quality_table(report), benchmarks.speed_table(report, "720p")):
        assert max(map(len, shown(table, 80))) <= 80
    result = CliRunner().invoke(main, ["recipes"])
    assert max(map(len, result.output.splitlines())) <= 80
