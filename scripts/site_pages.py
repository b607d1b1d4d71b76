"""Hooks of mkdocs: pages that are no file of docs/, and links that lead out of it.

The README is the first page; the cards of models, the examples and the texts beside the README are
pages, too. All of them keep the links that work where the repository is read; here they are
rewritten to where the target stands on the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click import Context
from mkdocs.structure.files import File

from ovsharp.cli.main import VERBS, main

ROOT = Path(__file__).parents[1]
SHIPPED = "ovsharp/models/shipped"
ROOMS = (
    "ovsharp",
    *(
        f"ovsharp.{room}"
        for room in (
            "runtime", "engine", "media", "apps", "serve", "cluster", "vs", "convert",
            "calibration", "models", "degrade", "quality", "training", "evaluation", "opinions",
            "benchmarks", "measuring", "reports", "spec", "errors",
        )
    ),
)  # fmt: skip
"""What the reference of Python shows."""


def pages() -> Iterator[tuple[str, str, str]]:
    """All pages that are no file of docs/: address on the site, path in the repository, text."""
    yield "index.md", "README.md", _read("README.md")
    for name in ("CHANGELOG", "CONTRIBUTING", "CODE_OF_CONDUCT", "SECURITY"):
        yield f"{name}.md", f"{name}.md", _read(f"{name}.md")
    yield "LICENSE.md", "LICENSE", f"# Licence\n\n```text\n{_read('LICENSE')}```\n"
    for card in sorted((ROOT / SHIPPED).glob("*/README.md")):
        path = card.relative_to(ROOT).as_posix()
        yield f"cards/{card.parent.name}.md", path, card.read_text(encoding="utf-8")
    parts = ["# Examples"]
    for example in sorted((ROOT / "examples").glob("*.py")):
        code = example.read_text(encoding="utf-8")
        parts.append(f"## {example.name}\n\n```python\n{code}```")
    yield "examples.md", "examples", "\n\n".join(parts) + "\n"
    yield "reference/commands.md", "", _commands()
    rooms = "\n\n".join(
        f"## `{room}`\n\n::: {room}\n    options:\n      heading_level: 3" for room in ROOMS
    )
    yield "reference/python.md", "", f"# Python\n\nEverything that a room hands out.\n\n{rooms}\n"


def on_config(config: Any) -> Any:
    """Name the cards in the navigation, where it says `cards`."""
    cards = [{Path(card).stem: card} for card, *_ in pages() if card.startswith("cards/")]
    for section in config.nav:
        for entries in section.values():
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, dict) and entry.get("Cards"):
                    entry["Cards"] = cards
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    for address, _, text in pages():
        files.append(File.generated(config, address, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to where their target stands on the site; what is not on it becomes text."""
    sites = {path: address for address, path, _ in pages() if path}
    paths = {address: path for path, address in sites.items()}
    address = page.file.src_uri
    path = paths.get(address, f"docs/{address}")

    def moved(found: re.Match[str]) -> str:
        text, link = found[1], found[2]
        if re.match(r"[a-z]+:|#", link):
            return found[0]
        name, _, anchor = link.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if (ROOT / target).is_dir() and (ROOT / target / "README.md").is_file():
            target += "/README.md"
        if target in sites:
            site = sites[target]
        elif target.startswith("docs/"):
            site = target.removeprefix("docs/")
        else:
            return text
        moved = posixpath.relpath(site, posixpath.dirname(address) or ".")
        return f"[{text}]({moved}{'#' + anchor if anchor else ''})"

    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", moved, markdown)


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _commands() -> str:
    context = Context(main, info_name="ovsharp", terminal_width=100, max_content_width=100)
    parts = ["# Commands", "What `ovsharp --help` and `ovsharp VERB --help` print."]
    parts.append(f"```text\n{main.get_help(context)}\n```")
    for verb in VERBS:
        command = main.get_command(context, verb)
        if command is not None:
            inner = Context(
                command, context, info_name=verb, terminal_width=100, max_content_width=100
            )
            parts.append(f"## ovsharp {verb}\n\n```text\n{command.get_help(inner)}\n```")
    return "\n\n".join(parts) + "\n"
