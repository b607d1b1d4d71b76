"""One HTML page that needs nothing else: no font, no request."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

import cv2

from ovsharp.engine import Frame
from ovsharp.errors import MediaError

_STYLE = """
:root { color-scheme: light dark;
  --page: #fbfbfa; --card: #fff; --ink: #1c1e21; --soft: #62676f; --line: #e2e3e6;
  --accent: #0b6bcb; --good: #1a7f45; --bad: #b3372f;
  --f32: #5b6ee1; --bf16: #0f9a8c; --f16: #8a5cc2; --int8: #d9730d; --eager: #8b9099; }
@media (prefers-color-scheme: dark) { :root {
  --page: #141618; --card: #1d2023; --ink: #e6e7e9; --soft: #9aa0a8; --line: #33373c;
  --accent: #6cb2ff; --good: #58c986; --bad: #ff8379;
  --f32: #8f9dff; --bf16: #3ccabb; --f16: #b894ea; --int8: #ff9d45; --eager: #9aa0a8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: .95rem; margin: 0 0 .5rem; }
.soft { color: var(--soft); } .small { font-size: .85rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1rem 1.25rem; margin: 0 0 1rem; overflow-x: auto; }
.advice { border-left: 4px solid var(--accent); font-size: 1.02rem; }
.charts { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(30rem, 100%), 1fr)); }
.charts .card { margin: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .87rem; white-space: nowrap; }
th { font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); }
th, td { padding: .28rem .4rem; text-align: right; }
th.text, td.text { text-align: left; }
tr.next td { border-top: 1px solid var(--line); }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--bad); }
.stream { color: var(--int8); }
figure { margin: 0; } figcaption { font-size: .82rem; color: var(--soft); padding-top: .25rem; }
.crops { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
.crops img { width: 100%; image-rendering: pixelated; border-radius: 6px; display: block; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg .name { fill: var(--ink); }
svg .axis { stroke: var(--line); } svg .mark { stroke: var(--soft); stroke-dasharray: 4 4; }
svg .f32 { fill: var(--f32); } svg .bf16 { fill: var(--bf16); } svg .f16 { fill: var(--f16); }
svg .int8 { fill: var(--int8); } svg .eager { fill: var(--eager); } svg .pale { opacity: .3; }
ul { margin: 0; padding-left: 1.1rem; }
"""


def html_page(title: str, parts: Iterable[str], *, style: str = "", script: str = "") -> str:
    """Put parts into a page.

    Args:
        title: plain text, also of the browser's tab.
        parts: HTML, one below the other; empty ones are left out.
        style: rules beyond those that all pages share.
        script: run at the end of the page.
    """
    body = [part for part in parts if part]
    if script:
        body.append(f"<script>{script}</script>")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def bullets(lines: Iterable[str]) -> str:
    """Write plain texts as a list.

    Example:
        >>> bullets(["a < b"])
        '<ul><li>a &lt; b</li></ul>'
    """
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def cards(parts: Iterable[str]) -> str:
    """Lay charts side by side, a card each; empty ones are left out."""
    laid = "".join(f'<div class="card">{part}</div>' for part in parts if part)
    return f'<div class="charts">{laid}</div>'


def picture_url(picture: Frame, ending: str = ".png", settings: Sequence[int] = ()) -> str:
    """Write a picture as an address that holds all of it.

    Args:
        picture: H x W x 3 uint8 BGR.
        ending: `.png`, `.jpg` or `.webp`.
        settings: OpenCV's, pairs of a name and a value.

    Raises:
        MediaError: OpenCV could not encode it.
    """
    return f"data:image/{_TYPES[ending]};base64," + base64.b64encode(
        encoded(picture, ending, settings)
    ).decode("ascii")


_TYPES = {".png": "png", ".jpg": "jpeg", ".webp": "webp"}
LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)
"""For `.webp`: every pixel as it is, in two thirds of the bytes of a PNG."""


def encoded(picture: Frame, ending: str, settings: Sequence[int] = ()) -> bytes:
    """Write a picture as the bytes of a file; see `picture_url`."""
    done, data = cv2.imencode(ending, picture, settings)
    if not done:
        raise MediaError(f"OpenCV could not encode a picture of {picture.shape} as {ending}")
    return data.tobytes()
