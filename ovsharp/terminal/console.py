"""Where the command line writes: results to stdout, progress to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ovsharp.terminal.options import QUIET

if TYPE_CHECKING:
    from ovsharp.spec import ModelSpec


def quiet() -> bool:
    """Tell whether the verb that runs was asked to say nothing."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def output(*, stderr: bool = False) -> Console:
    """Give the console for results; as wide as needed when piped, so that tables stay whole.

    It prints nothing where the verb is to be quiet.

    Args:
        stderr: results go there, where stdout holds an image.
    """
    silent = quiet()
    console = Console(highlight=False, stderr=stderr, quiet=silent)
    if console.is_terminal:
        return console
    return Console(highlight=False, width=200, stderr=stderr, quiet=silent)


def executed(spec: ModelSpec, label: str) -> str:
    """Name the execution that a model ran with, and say so where its spec asked for it."""
    asked = spec.precision == label
    return f"execution {label}" + (", as the model asks: 16 bits harm its picture" if asked else "")


def show(console: Console, table: Table) -> None:
    """Print a table; one that is wider than the console in parts that fit.

    Every part begins with the columns that name the rows: those at the left edge up to the first
    that is set to the right.
    """
    for part in _parts(console, table):
        console.print(part)


def _parts(console: Console, table: Table) -> Iterator[Table]:
    if _width(console, table) <= console.width:
        yield table
        return
    numbers = (at for at, column in enumerate(table.columns) if column.justify == "right")
    names = list(range(next(numbers, 1)))
    part: list[int] = []
    for at in range(len(names), len(table.columns)):
        fits = _width(console, _cut(table, [*names, *part, at])) <= console.width
        if part and not fits:
            yield _cut(table, [*names, *part])
            part = []
        part.append(at)
    yield _cut(table, [*names, *part])


def _cut(table: Table, columns: list[int]) -> Table:
    """Give some columns of a table as one of its own."""
    cut = Table(
        title=table.title,
        title_justify=table.title_justify,
        box=table.box,
        padding=table.padding,
    )
    chosen = [table.columns[at] for at in columns]
    for column in chosen:
        cut.add_column(
            column.header,
            justify=column.justify,
            overflow=column.overflow,
            max_width=column.max_width,
        )
    for row, cells in zip(
        table.rows, zip(*(one.cells for one in chosen), strict=True), strict=True
    ):
        cut.add_row(*cells, style=row.style, end_section=row.end_section)
    return cut


def _width(console: Console, table: Table) -> int:
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def progress() -> Progress:
    """Give a progress bar on stderr with count, elapsed time and ETA; silent when piped."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal or quiet(),
    )


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar for every stage that is reported."""
    with progress() as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report
