"""What a page of the benchmark says already, for what is not measured again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmark_aims import Reached, key

AIMED = "What was aimed at"
"""The title of the section of aims."""


@dataclass(frozen=True)
class Page:
    """Sections of a page of Markdown, by title."""

    sections: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Page:
        r"""Take a page apart.

        Example:
            >>> Page.read("# Page\n\n## One\n\n- a: 1\n\n## Two\n\nb").line("One", "a")
            'a: 1'
        """
        parts = (part.partition("\n") for part in text.split("\n## ")[1:])
        return cls({title: body.strip("\n") for title, _, body in parts})

    def section(self, title: str) -> list[str]:
        """Give title and text of a section; nothing if there is none."""
        return [f"## {title}", self.sections[title]] if title in self.sections else []

    def line(self, title: str, start: str) -> str | None:
        """Give the point of a section's list that begins so."""
        points = (line.removeprefix("- ") for line in self.sections.get(title, "").splitlines())
        return next((point for point in points if point.startswith(f"{start}: ")), None)

    def rows(self, title: str, part: str) -> dict[str, list[str]]:
        r"""Give the cells of the table in a part of a section, by the first of them.

        Example:
            >>> table = "| x | y |\n|---|---|\n| **b** | 1 |\n"
            >>> page = Page.read(f"# Page\n\n## One\n\n### a\n\n{table}")
            >>> page.rows("One", "a")
            {'b': ['**b**', '1']}
        """
        parts = f"\n{self.sections.get(title, '')}".split("\n### ")[1:]
        text = next((text for text in parts if text.partition("\n")[0] == part), "")
        table = [_cells(line) for line in text.splitlines() if line.startswith("|")]
        return {cells[0].strip("*"): cells for cells in table[2:]}

    def reached(self) -> dict[tuple[str, ...], Reached]:
        """Give the rows of the aims, by what tells one from the others."""
        rows = {}
        lines = self.sections.get(AIMED, "").splitlines()
        for line in [line for line in lines if line.startswith("|")][2:]:
            damage, method, measure, wanted, found, missed = _cells(line)
            row = Reached(damage.strip("*"), method, measure, wanted, found, not missed)
            rows[key(row)] = row
        return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]
