"""Columns of a table: words to the left, numbers to the right."""

from __future__ import annotations

from rich.table import Table


def add_words(table: Table, *titles: str) -> None:
    """Add a column for each title."""
    for title in titles:
        table.add_column(title)


def add_numbers(table: Table, *titles: str) -> None:
    """Add a column for each title, set to the right."""
    for title in titles:
        table.add_column(title, justify="right")
