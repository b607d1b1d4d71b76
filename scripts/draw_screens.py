"""Draws pictures of screens to train on: what people share in calls.

    python scripts/draw_screens.py screens/ --photos photos/ [--count 80]

Source code, terminals, documents, tables, slides, mail and charts, in light and dark, in several
fonts and sizes, 1280 pixels wide, by Chromium. The words are those of Python's standard library.
The same machine draws the same pictures again.
"""

from __future__ import annotations

import argparse
import html
import inspect
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.styles import get_all_styles

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ovsharp.media import find_images  # noqa: E402
from tests.chromium import CHROMIUM  # noqa: E402

WIDTH, HEIGHT = 1280, 1600
SANS = ("DejaVu Sans", "Liberation Sans", "Noto Sans", "Liberation Sans Narrow")
SERIF = ("DejaVu Serif", "Liberation Serif", "Noto Serif")
MONO = ("DejaVu Sans Mono", "Liberation Mono", "Noto Mono")
LIGHT = (("#ffffff", "#1f2328"), ("#fafafa", "#333333"), ("#fdf6e3", "#586e75"))
DARK = (("#1e1e1e", "#d4d4d4"), ("#0d1117", "#e6edf3"), ("#282a36", "#f8f8f2"))
HEAD = """<meta charset="utf-8"><style>
body { margin: 16px }
svg { overflow: visible; margin: 24px; font-size: 12px }
.sheet { border-collapse: collapse; width: 100%; text-align: right }
.sheet td { padding: 2px 8px }
.sheet tr:nth-child(even) { background: #8882 }
.sheet tr:first-child { font-weight: bold }
h1 { font-size: 56px; margin: 20px 0 }
.editor { display: flex; gap: 16px }
.files { width: 180px; overflow: hidden; opacity: .8 }
.slide { height: 720px; overflow: hidden; margin-bottom: 40px; border-top: 12px solid }
.beside { display: flex; gap: 40px }
.beside ul { flex: 1 }
.message { display: flex; gap: 10px; padding: 8px; border-bottom: 1px solid #8884 }
.messages { width: 420px }
.opened { flex: 1; padding: 20px }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 16px }
.chart { border: 1px solid #8886; border-radius: 8px; padding: 12px }
.chart span { font-size: 28px; float: right }
</style>"""
ACCENTS = ("#0969da", "#c2410c", "#15803d", "#7c3aed", "#be123c", "#0e7490", "#ca8a04")


class Hand:
    """Draws lots, and writes with what was drawn."""

    def __init__(self, seed: int, sources: list[str], photos: list[Path]) -> None:
        self.lots = random.Random(seed)  # noqa: S311
        self.source = self.lots.choice(sources)
        docs = re.findall(r'"""(.+?)"""', self.source, re.DOTALL)
        self.words = html.escape(" ".join(docs)).split() or ["text"]
        self.photos = photos

    def text(self, least: int, most: int) -> str:
        """Give consecutive words."""
        count = self.lots.randint(least, most)
        start = self.lots.randrange(max(1, len(self.words) - count))
        return " ".join(self.words[start : start + count])

    def font(self, least: int, most: int, families: tuple[str, ...], line: float) -> str:
        """Give a font as CSS has it."""
        return f"font:{self.lots.randint(least, most)}px/{line} '{self.lots.choice(families)}'"

    def photo(self, style: str) -> str:
        """Give a photo, or where there are none a coloured area."""
        if not self.photos:
            return f'<div style="background:{self.lots.choice(ACCENTS)};{style}"></div>'
        path = self.lots.choice(self.photos).resolve().as_uri()
        return f'<img src="{path}" style="object-fit:cover;{style}">'

    def number(self) -> str:
        """Give a number as a table has it."""
        value = self.lots.lognormvariate(4, 2.5)
        return self.lots.choice((f"{value:,.2f}", f"{value:,.0f}", f"{value % 100:.1f} %"))

    def chart(self, width: int, height: int) -> str:
        """Give lines or bars on axes."""
        lots, parts = self.lots, []
        for level in range(6):
            y = height * level / 5
            parts.append(f'<path d="M0 {y} H{width}" stroke="#8886"/>')
            parts.append(f'<text x="2" y="{y - 3}" fill="currentColor">{100 - 20 * level}</text>')
        for colour in lots.sample(ACCENTS, lots.randint(1, 4)):
            value, count = lots.random(), lots.choice((8, 12, 40))
            places = []
            for index in range(count):
                value = min(0.97, max(0.03, value + lots.gauss(0, 0.12)))
                places.append((width * index / count, height * (1 - value)))
            if count > 12:
                line = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
                parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
            else:
                shift = lots.random() * width / count / 2
                wide = width / count / 3
                parts += [
                    f'<rect x="{x + shift:.1f}" y="{y:.1f}" width="{wide:.1f}" '
                    f'height="{height - y:.1f}" fill="{colour}"/>'
                    for x, y in places
                ]
        return f'<svg width="{width}" height="{height}">{"".join(parts)}</svg>'


def code(hand: Hand) -> str:
    """An editor: numbered lines in colours, files at the side."""
    style = hand.lots.choice(sorted(get_all_styles()))
    numbers = hand.lots.choice(("table", False))
    formatter = HtmlFormatter(style=style, noclasses=True, linenos=numbers)
    lines = hand.source.splitlines()
    start = hand.lots.randrange(max(1, len(lines) - 120))
    body = highlight("\n".join(lines[start : start + 120]), PythonLexer(), formatter)
    names = "".join(f"<div>{hand.text(1, 1)}.py</div>" for _ in range(60))
    font = hand.font(12, 16, MONO, 1.4)
    return f'<div class=editor style="{font}"><div class=files>{names}</div><div>{body}</div></div>'


def terminal(hand: Hand) -> str:
    """A terminal: commands and what they print."""
    lines: list[str] = []
    while len(lines) < 110:
        lines.append(f'<b style="color:#3fb950">user@host:~$</b> {hand.text(2, 6)}')
        colour = hand.lots.choice(("inherit", "inherit", *ACCENTS))
        for _ in range(hand.lots.randint(1, 14)):
            lines.append(f'<span style="color:{colour}">{hand.text(3, 14)[:120]}</span>')
    return f'<pre style="{hand.font(12, 17, MONO, 1.25)}">{"<br>".join(lines)}</pre>'


def document(hand: Hand) -> str:
    """Headings, paragraphs, lists, a picture between them."""
    family = hand.lots.choice(SANS + SERIF)
    accent, parts = hand.lots.choice(ACCENTS), []
    for _ in range(9):
        parts.append(
            f'<h2 style="color:{accent}">{hand.text(2, 6)}</h2><p>{hand.text(40, 110)}</p>'
        )
        if hand.lots.random() < 0.4:
            items = "".join(f"<li>{hand.text(4, 14)}</li>" for _ in range(5))
            parts.append(f"<ul>{items}</ul>")
        if hand.lots.random() < 0.3:
            parts.append(hand.photo("width:100%;height:260px"))
    font = hand.font(13, 19, (family,), 1.5)
    width = hand.lots.randint(640, 1000)
    return f'<div style="{font};max-width:{width}px;margin:auto">{"".join(parts)}</div>'


def table(hand: Hand) -> str:
    """A sheet of numbers and short texts, with lines between the cells."""
    columns = hand.lots.randint(6, 12)
    textual = [hand.lots.random() < 0.3 for _ in range(columns)]
    border = hand.lots.choice(("1px solid #8888", "1px solid #ccc", "1px solid #0000"))
    rows = []
    for _ in range(75):
        cells = [hand.text(1, 3) if words else hand.number() for words in textual]
        inner = "".join(f'<td style="border:{border}">{cell}</td>' for cell in cells)
        rows.append(f"<tr>{inner}</tr>")
    return f'<table class=sheet style="{hand.font(11, 15, SANS, 1.2)}">{"".join(rows)}</table>'


def slides(hand: Hand) -> str:
    """Two slides: a large title, points, a picture or a chart."""
    family, parts = hand.lots.choice(SANS + SERIF), []
    for _ in range(2):
        accent = hand.lots.choice(ACCENTS)
        points = "".join(f"<li>{hand.text(3, 9)}</li>" for _ in range(hand.lots.randint(3, 6)))
        beside = hand.lots.choice((hand.photo("width:480px;height:380px"), hand.chart(440, 340)))
        head = f'<h1 style="color:{accent}">{hand.text(2, 5)}</h1>'
        content = f"{head}<div class=beside><ul>{points}</ul>{beside}</div>"
        parts.append(f'<div class=slide style="border-color:{accent}">{content}</div>')
    return f'<div style="{hand.font(26, 34, (family,), 1.4)}">{"".join(parts)}</div>'


def mail(hand: Hand) -> str:
    """A list of messages with faces, and one that is open."""
    rows = "".join(
        f"<div class=message>{hand.photo('width:40px;height:40px;border-radius:50%')}"
        f"<div><b>{hand.text(2, 3)}</b><br>{hand.text(5, 9)}</div></div>"
        for _ in range(26)
    )
    opened = "".join(f"<p>{hand.text(20, 70)}</p>" for _ in range(8))
    picture = hand.photo("width:90%;height:320px")
    message = f"<div class=opened><h2>{hand.text(4, 8)}</h2>{opened}{picture}</div>"
    font = hand.font(12, 16, SANS, 1.35)
    return f'<div style="display:flex;{font}"><div class=messages>{rows}</div>{message}</div>'


def charts(hand: Hand) -> str:
    """A page of charts with headings and figures."""
    cells = []
    for _ in range(10):
        colour = hand.lots.choice(ACCENTS)
        head = f'<b>{hand.text(2, 4)}</b><span style="color:{colour}">{hand.number()}</span>'
        cells.append(f"<div class=chart>{head}<br>{hand.chart(500, 220)}</div>")
    return f'<div class=charts style="{hand.font(12, 16, SANS, 1.2)}">{"".join(cells)}</div>'


KINDS: tuple[Callable[[Hand], str], ...] = (code, document, table, slides, terminal, mail, charts)


def library() -> list[str]:
    """Give those sources of Python's standard library that have many words."""
    paths = sorted(Path(inspect.__file__).parent.glob("*.py"))
    return [text for path in paths if len(text := path.read_text("utf-8", "replace")) > 20_000]


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--count", type=int, default=80)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photos = find_images([options.photos]) if options.photos else []
    sources = library()
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        source = options.out / "page.html"
        for index in range(options.count):
            hand = Hand(index, sources, photos)
            kind = KINDS[index % len(KINDS)]
            ground, ink = hand.lots.choice(DARK if hand.lots.random() < 0.4 else LIGHT)
            body = kind(hand)
            colours = f"background:{ground};color:{ink}"
            source.write_text(f'{HEAD}<body style="{colours}">{body}', "utf-8")
            page.goto(source.resolve().as_uri())
            page.screenshot(path=options.out / f"{index:02}-{kind.__name__}.png")
        source.unlink()
        browser.close()


if __name__ == "__main__":
    main()
