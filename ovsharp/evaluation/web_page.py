"""An evaluation as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ovsharp.evaluation.pictures import View
from ovsharp.evaluation.plots import distribution, scatter
from ovsharp.evaluation.results import (
    ALL,
    BICUBIC,
    INPUT,
    MEASURES,
    Evaluation,
    Group,
)
from ovsharp.reports import bullets, cards, html_page, interval_text, p_text

_STYLE = """
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
.views { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); align-items: start; }
.views .card { margin: 0; } .views h3 { overflow-wrap: anywhere; }
.tag { font-size: .75rem; padding: .1rem .5rem; border-radius: 99px; border: 1px solid;
  margin-right: .5rem; } .worst { color: var(--bad); } .best { color: var(--good); }
.median { color: var(--soft); }
.loss { border-left-color: var(--bad); }
.slider { position: relative; overflow: hidden; border-radius: 6px; touch-action: pan-y;
  cursor: ew-resize; }
.slider img { width: 100%; display: block; }
.slider img + img { position: absolute; inset: 0; height: 100%; }
.slider .handle { position: absolute; top: 0; bottom: 0; width: 2px; background: #fff;
  box-shadow: 0 0 3px #000; pointer-events: none; }
.slider .label { position: absolute; top: .4rem; padding: .05rem .45rem; border-radius: 4px;
  background: #000a; color: #fff; font-size: .78rem; pointer-events: none; }
.slider .label.l { left: .4rem; } .slider .label.r { right: .4rem; }
.choice { display: flex; gap: .75rem; margin: .5rem 0; font-size: .85rem; flex-wrap: wrap; }
.choice { justify-content: space-between; }
.choice input { flex: 1 0 100%; order: -1; margin: 0; } select { font: inherit; max-width: 48%; }
.views .crops { grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); }
.views.clips { grid-template-columns: repeat(auto-fit, minmax(min(42rem, 100%), 1fr)); }
.clips .crops { grid-template-columns: repeat(auto-fill, 192px); } /* 200 % */
.figures { font-size: .8rem; }
.figures th { white-space: normal; vertical-align: bottom; line-height: 1.25; }
"""

_SCRIPT = """
for (const view of document.querySelectorAll('.view')) {
  const slider = view.querySelector('.slider'), images = slider.querySelectorAll('img');
  const handle = slider.querySelector('.handle'), range = view.querySelector('input');
  const labels = slider.querySelectorAll('.label'), picks = view.querySelectorAll('select');
  const sources = [...view.querySelectorAll('.store img')].map(image => image.src);
  const draw = () => {
    const at = range.value;
    picks.forEach((pick, side) => {
      const image = images[1 - side];
      if (image.src !== sources[pick.value]) image.src = sources[pick.value];
      labels[side].textContent = pick.selectedOptions[0].textContent;
    });
    images[1].style.clipPath = `inset(0 ${100 - at}% 0 0)`;
    handle.style.left = `calc(${at}% - 1px)`;
  };
  const drag = event => {
    const box = slider.getBoundingClientRect();
    range.value = 100 * (event.clientX - box.left) / box.width;
    draw();
  };
  slider.addEventListener('pointerdown', event => {
    slider.setPointerCapture(event.pointerId); drag(event);
  });
  slider.addEventListener('pointermove', event => { if (event.buttons) drag(event); });
  range.addEventListener('input', draw);
  picks.forEach(pick => pick.addEventListener('change', draw));
  draw();
}
"""

_NOTES = (
    "input: the damaged image as it is; where models enlarge, its pixels repeated. bicubic: "
    "enlarged by OpenCV's bicubic, the same as the input at scale 1.",
    "SSIM after Wang et al. 2004, MS-SSIM after Wang et al. 2003, both per colour channel; PSNR of "
    "RGB, PSNR-Y of BT.601 luma in studio range.",
    "edges: mean Sobel gradient over that of the truth (1 is right, more is over-sharpened) or of "
    "the input. overshoot: levels of 255 by which pixels near the truth's edges leave its local "
    "range. colour shift: mean of the absolute mean errors of the channels, in levels. "
    "blockiness: steps at 8x8 borders over other steps (1 is none).",
    "± 95 %: interval of the mean by Student's t over images. std: of the sample (n - 1). "
    "Differences between methods: Wilcoxon's signed-rank test, two-sided, not corrected for the "
    "number of tests.",
    "flicker: change from frame to frame where the input stands still, over the input's own (1 "
    "adds none). shift B, G, R: mean of each channel minus the truth's, in levels. VMAF-NEG gives "
    "no credit for contrast that the truth has not. harmed: of the frames, those that lost more "
    "than 0.1 dB or .002 SSIM.",
    "Every image is damaged with a seed of its own that depends on its name alone.",
    "Worst, median and best: by the first model's gain in SSIM over the input. Crops show where "
    "its error changed most. Pictures are JPEG, and shrunk where they are large.",
)


def to_page(evaluation: Evaluation, views: Sequence[View]) -> str:
    """Make the page.

    Args:
        evaluation: what was found.
        views: pictures to look at; may be empty.
    """
    title = f"ovsharp eval: {', '.join(method.name for method in evaluation.models)}"
    names = [damage.name for damage in evaluation.degradations]
    n = len({row.image for row in evaluation.rows})
    parts = [
        f"<h1>{escape(', '.join(method.name for method in evaluation.models))}</h1>",
        f'<p class="soft">{n} {evaluation.kind} of {escape(evaluation.data)}, '
        f"{len(names)} degradation(s), {escape(evaluation.date)}</p>",
        *(
            f'<div class="card advice{" loss" if "(-" in line else ""}">{escape(line)}</div>'
            for line in headlines(evaluation)
        ),
        *(
            (
                "<h2>Quality against time</h2>",
                cards([scatter(evaluation, name) for name in names]),
            )
            if evaluation.kind == "images"
            else ()
        ),
        "<h2>How the gain is spread</h2>",
        cards([distribution(evaluation, name) for name in names]),
        *(
            f'<h2>{escape(name)}: figures</h2><div class="card">{_table(evaluation, name)}</div>'
            for name in names
        ),
        *(
            f'<h2>{escape(name)}: every clip</h2><div class="card">{_clips(evaluation, name)}</div>'
            for name in names
            if evaluation.kind == "clips"
        ),
        "<h2>Is the difference more than chance?</h2>",
        f'<div class="card">{_pairs(evaluation)}</div>',
        *(
            f"<h2>{escape(name)}: worst, median and best, with SSIM</h2>"
            + f'<div class="views {evaluation.kind}">'
            + "".join(_view(view) for view in views if view.degradation == name)
            + "</div>"
            for name in names
            if any(view.degradation == name for view in views)
        ),
        "<h2>How it was measured</h2>",
        f'<div class="card small">{bullets(_notes(evaluation))}</div>',
    ]
    return html_page(title, parts, style=_STYLE, script=_SCRIPT)


def headlines(evaluation: Evaluation) -> list[str]:
    """Say in a line per model and degradation what it is worth."""
    lines = []
    for damage in evaluation.degradations:
        before = evaluation.group(damage.name, ALL, INPUT)
        for method in evaluation.models:
            group = evaluation.group(damage.name, ALL, method.name)
            if not group or not before:
                continue
            then, now = before.measures["ssim"].mean, group.measures["ssim"].mean
            line = (
                f"{damage.name}: {method.name} takes SSIM from {then:.4f} to {now:.4f} "
                f"({now - then:+.4f}); {group.better} of {group.n} {evaluation.kind} are better "
                f"than the input, the worst change is {group.worst_change:+.4f}"
            )
            if evaluation.kind == "images":
                line += f"; {method.milliseconds:.1f} ms per {evaluation.latency_size} frame"
            lines.append(line)
    return lines


def _table(evaluation: Evaluation, degradation: str) -> str:
    present = {
        name
        for group in evaluation.groups
        if group.degradation == degradation
        for name in group.measures
    }
    measures = [measure for measure in MEASURES if measure.name in present]
    heads = ("n", "SSIM", "std", "± 95 %", "> 0.90", "better", "worst change")
    titles = [*heads, *(measure.title for measure in measures[1:])]
    text = '<table class="figures"><thead><tr><th class="text">category</th>'
    text += '<th class="text">method</th>'
    text += "".join(f"<th>{escape(title)}</th>" for title in titles) + "</tr></thead><tbody>"
    previous = ""
    groups = [group for group in evaluation.groups if group.degradation == degradation]
    for group in sorted(groups, key=lambda group: (group.category != ALL, group.category)):
        fresh = group.category != previous
        text += '<tr class="next">' if fresh and previous else "<tr>"
        previous = group.category
        label = group.category if fresh else ""
        text += f'<td class="text">{escape(label)}</td><td class="text">{escape(group.method)}</td>'
        text += _cells(group)
        for measure in measures[1:]:
            stat = group.measures.get(measure.name)
            tip = f' title="{interval_text(stat, measure.digits)}"' if stat else ""
            text += f"<td{tip}>{f'{stat.mean:.{measure.digits}f}' if stat else '-'}</td>"
        text += "</tr>"
    return text + "</tbody></table>"


def _clips(evaluation: Evaluation, degradation: str) -> str:
    rows = [row for row in evaluation.rows if row.degradation == degradation]
    present = {name for row in rows for name in row.measures}
    measures = [measure for measure in MEASURES if measure.name in present]
    text = '<table class="figures"><thead><tr><th class="text">clip</th>'
    text += '<th class="text">method</th>'
    text += "".join(f"<th>{escape(measure.title)}</th>" for measure in measures)
    text += '<th class="text">frames by model</th></tr></thead><tbody>'
    previous = ""
    for row in rows:
        fresh, previous = row.image != previous, row.image
        text += '<tr class="next">' if fresh else "<tr>"
        text += f'<td class="text">{escape(row.image) if fresh else ""}</td>'
        text += f'<td class="text">{escape(row.method)}</td>'
        for measure in measures:
            value = row.measures.get(measure.name)
            text += f"<td>{'-' if value is None else f'{value:.{measure.digits}f}'}</td>"
        made = ", ".join(f"{name} {count}" for name, count in row.made.items())
        text += f'<td class="text">{escape(made)}</td></tr>'
    return text + "</tbody></table>"


def _cells(group: Group) -> str:
    ssim = group.measures["ssim"]
    half = "-" if ssim.high is None else f"{ssim.high - ssim.mean:.4f}"
    is_base = group.method in (INPUT, BICUBIC)
    cells = [
        str(group.n),
        f"{ssim.mean:.4f}",
        "-" if ssim.std is None else f"{ssim.std:.4f}",
        half,
        str(group.good),
        "-" if group.method == INPUT else str(group.better),
    ]
    kind = "" if is_base else ' class="no"' if group.worst_change < 0 else ' class="yes"'
    worst = "-" if group.method == INPUT else f"{group.worst_change:+.4f}"
    return (
        "".join(f"<td>{cell}</td>" for cell in cells)
        + f'<td{kind} title="{escape(group.worst_image)}">{worst}</td>'
    )


def _pairs(evaluation: Evaluation) -> str:
    text = "<table><thead><tr>"
    text += "".join(f'<th class="text">{h}</th>' for h in ("degradation", "method", "against"))
    text += "".join(f"<th>{h}</th>" for h in ("n", "SSIM difference", "wins", "Wilcoxon p"))
    text += "</tr></thead><tbody>"
    for pair in evaluation.pairs:
        names = (pair.degradation, pair.first, pair.second)
        figures = (str(pair.n), f"{pair.difference:+.4f}", str(pair.wins), p_text(pair.p))
        text += "<tr>" + "".join(f'<td class="text">{escape(name)}</td>' for name in names)
        text += "".join(f"<td>{escape(figure)}</td>" for figure in figures) + "</tr>"
    return text + "</tbody></table>"


def _view(view: View) -> str:
    names = [one.name for one in view.shown]

    def options(chosen: int) -> str:
        return "".join(
            f'<option value="{index}"{" selected" if index == chosen else ""}>{escape(name)}'
            "</option>"
            for index, name in enumerate(names)
        )

    lead = next(index for index, name in enumerate(names) if name not in (INPUT, BICUBIC))
    named = view.image.startswith(view.category) or view.category == "images"
    heading = view.image if named else f"{view.category}: {view.image}"
    crops = "".join(
        f'<figure><img alt="{escape(one.caption)}" src="{one.crop}"><figcaption>'
        f"{escape(one.caption)}</figcaption></figure>"
        for one in view.shown
    )
    store = "".join(f'<img alt="" src="{one.picture}">' for one in view.shown)
    return (
        f'<div class="card view"><h3><span class="tag {view.title}">{view.title}</span>'
        f"{escape(heading)}</h3>"
        f'<div class="slider"><img alt="{escape(names[lead])}" '
        f'src="{view.shown[lead].picture}"><img alt="input" src="{view.shown[0].picture}">'
        '<div class="handle"></div><span class="label l"></span><span class="label r"></span></div>'
        f'<div class="choice"><select aria-label="left">{options(0)}</select>'
        '<input type="range" min="0" max="100" value="50" step="0.1" aria-label="divider"/>'
        f'<select aria-label="right">{options(lead)}</select></div>'
        f'<div class="store" hidden>{store}</div><div class="crops">{crops}</div></div>'
    )


def _notes(evaluation: Evaluation) -> list[str]:
    return [
        f"ovsharp {evaluation.version} on {evaluation.device_name}; {evaluation.kind} "
        + (f"cropped to {evaluation.crop} pixels." if evaluation.crop else "whole."),
        *evaluation.notes,
        *(f"{damage.name}: {damage.recipe}" for damage in evaluation.degradations),
        *(
            f"{method.name}: x{method.scale}, storage {method.storage.upper()}, execution "
            f"{method.execution}, {method.parameters:,} parameters"
            + (f", {method.milliseconds:.2f} ms" if method.milliseconds else "")
            for method in evaluation.models
        ),
        f"{len(evaluation.skipped)} of the {evaluation.kind} skipped."
        + "".join(f" {item.image}: {item.reason}" for item in evaluation.skipped[:20]),
        *_NOTES,
    ]
