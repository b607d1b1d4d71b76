"""Tables fit the terminal: what is too wide comes in parts."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table

from ovsharp import benchmarks
from ovsharp.cli.main import main
from ovsharp.terminal.console import show
from tests.benchmarks import reports


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


def test_bench_and_recipes_fit_80_columns() -> None:
    names = ("call-balanced", "x4-quality")
    report = reports.report(*(reports.row("int8", "int8+bf16", model=name) for name in names))
    for table in (benchmarks.quality_table(report), benchmarks.speed_table(report, "720p")):
        assert max(map(len, shown(table, 80))) <= 80
    result = CliRunner().invoke(main, ["recipes"])
    assert max(map(len, result.output.splitlines())) <= 80
