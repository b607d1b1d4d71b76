"""Opinions as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from ovsharp.opinions.choices import Choices
from ovsharp.opinions.ratings import BEST, WORST, Ratings
from ovsharp.opinions.tables import headlines, people
from ovsharp.reports import (
    WIDTH,
    axis_ticks,
    bullets,
    cards,
    colour,
    draw_line,
    draw_svg,
    draw_text,
    html_page,
    interval_text,
    p_text,
)

_LABELS = ("bad", "poor", "fair", "good", "excellent")
_LANE, _TOP, _RIGHT = 46, 14, 26

_STYLE = """
.charts + .card { margin-top: 1rem; }
svg .whisker { stroke: var(--ink); stroke-width: 2; }
svg .dot { fill: var(--soft); opacity: .55; }
svg .v0 { fill: #b3372f; } svg .v1 { fill: #d9845b; } svg .v2 { fill: #b9b39b; }
svg .v3 { fill: #5a9fb8; } svg .v4 { fill: #1f6f9f; } svg .inside { fill: #fff; }
"""

_RATING_NOTES = (
    "Absolute category rating of ITU-T P.910: 5 excellent, 4 good, 3 fair, 2 poor, 1 bad; every "
    "rater saw every stimulus once, in an order of their own. Practice is not counted.",
    "MOS: mean over raters of each rater's mean. Interval: 95 %, Student's t over raters. Of a "
    "single stimulus: over its votes.",
    "Differences: paired by rater, 95 % interval and two-sided test of Student's t, not corrected "
    "for the number of tests.",
    "Screening: ITU-R BT.500, kurtosis-based, one pass. far high, far low: votes 2 standard "
    "deviations from the mean (or the square root of 20 where votes are not spread normally). "
    "correlation: Pearson's, with the mean of the other raters.",
)
_CHOICE_NOTES = (
    "Pair comparison of ITU-T P.910, one of two had to be chosen; every rater saw every pair once, "
    "in an order and with sides of their own. Practice is not counted.",
    "Interval of a share: Wilson, 95 %. p: exact binomial test against one half, two-sided, not "
    "corrected for the number of tests. Every choice counts as one trial.",
    "Bradley-Terry: 1 more in log-odds is chosen 73 times in 100. It is missing where some "
    "conditions never lost against the rest.",
    "agreement: share of pairs on which a rater chose as most of the others did; about half means "
    "guessing, or pictures that look alike.",
)


def to_page(found: Ratings | Choices) -> str:
    """Make the page."""
    title = f"ovsharp study: {found.study}"
    body = _rating_parts(found) if isinstance(found, Ratings) else _choice_parts(found)
    notes = _RATING_NOTES if isinstance(found, Ratings) else _CHOICE_NOTES
    parts = [
        f"<h1>{escape(found.study)}</h1>",
        f'<p class="soft">{escape(people(found))}</p>',
        *(f'<div class="card advice">{escape(line)}</div>' for line in headlines(found)),
        *body,
        "<h2>How it was measured</h2>",
        f'<div class="card small">{bullets(notes)}</div>',
    ]
    return html_page(title, parts, style=_STYLE)


def _rating_parts(found: Ratings) -> list[str]:
    contents = list(dict.fromkeys(item.content for item in found.stimuli))
    conditions = [score.condition for score in found.scores]
    cells = {(item.content, item.condition): item.stat for item in found.stimuli}
    return [
        "<h2>Mean opinion score</h2>" + cards([_score_plot(found), _vote_bars(found)]),
        _card(
            ("condition",),
            ("raters", "MOS", "std", "95 % interval"),
            [
                (
                    score.condition,
                    str(score.stat.n),
                    f"{score.stat.mean:.2f}",
                    "-" if score.stat.std is None else f"{score.stat.std:.2f}",
                    interval_text(score.stat, 2),
                )
                for score in found.scores
            ],
        ),
        "<h2>Differences</h2>",
        _card(
            ("condition", "against"),
            ("difference", "95 % interval", "p"),
            [
                (
                    item.first,
                    item.second,
                    f"{item.stat.mean:+.2f}",
                    interval_text(item.stat, 2),
                    p_text(item.p),
                )
                for item in found.differences
            ],
        ),
        "<h2>Every picture</h2>",
        _card(
            ("picture",),
            conditions,
            [
                (
                    content,
                    *(
                        f"{stat.mean:.2f}"
                        + ("" if stat.high is None else f" ± {stat.high - stat.mean:.2f}")
                        for stat in (cells[content, condition] for condition in conditions)
                    ),
                )
                for content in contents
            ],
        ),
        "<h2>Raters</h2>",
        _card(
            ("rater",),
            ("mean vote", "correlation", "far high", "far low", "verdict"),
            [
                (
                    rater.name,
                    f"{rater.mean:.2f}",
                    "-" if rater.correlation is None else f"{rater.correlation:.2f}",
                    str(rater.high),
                    str(rater.low),
                    "rejected" if rater.rejected else "kept",
                )
                for rater in found.raters
            ],
        ),
    ]


def _choice_parts(found: Choices) -> list[str]:
    plots = [_duel_plot(found)]
    if found.strengths is not None:
        plots.append(_strength_plot(found))
    return [
        "<h2>Preference</h2>" + cards(plots),
        _card(
            ("preferred", "to"),
            ("wins", "of", "share", "95 % interval", "p"),
            [
                (
                    duel.first,
                    duel.second,
                    str(duel.wins),
                    str(duel.n),
                    f"{duel.share:.0%}",
                    f"{duel.low:.0%}..{duel.high:.0%}",
                    p_text(duel.p),
                )
                for duel in found.duels
            ],
        ),
        "<h2>Raters</h2>",
        _card(
            ("rater",),
            ("agreement",),
            [
                (rater.name, "-" if rater.agreement is None else f"{rater.agreement:.0%}")
                for rater in found.raters
            ],
        ),
    ]


def _card(names: Sequence[str], figures: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = '<div class="card"><table><thead><tr>'
    text += "".join(f'<th class="text">{escape(name)}</th>' for name in names)
    text += "".join(f"<th>{escape(figure)}</th>" for figure in figures) + "</tr></thead><tbody>"
    for row in rows:
        text += "<tr>" + "".join(
            f"<td{' class=text' if index < len(names) else ''}>{_verdict(cell)}</td>"
            for index, cell in enumerate(row)
        )
        text += "</tr>"
    return text + "</tbody></table></div>"


def _verdict(cell: str) -> str:
    return '<span class="no">rejected</span>' if cell == "rejected" else escape(cell)


def _score_plot(found: Ratings) -> str:
    lanes = [
        (
            score.condition,
            score.stat.mean,
            score.stat.low if score.stat.low is not None else score.stat.mean,
            score.stat.high if score.stat.high is not None else score.stat.mean,
            score.means,
        )
        for score in found.scores
    ]
    ticks = [(float(value), f"{value} {_LABELS[value - 1]}") for value in range(WORST, BEST + 1)]
    note = "mean and 95 % interval; a grey dot is the mean of one rater"
    return "<h3>Score</h3>" + _lanes(lanes, (0.9, 5.1), ticks, note)


def _duel_plot(found: Choices) -> str:
    lanes = [
        (f"{duel.first} over {duel.second}", duel.share, duel.low, duel.high, ())
        for duel in found.duels
    ]
    ticks = [(value / 100, f"{value} %") for value in (0, 25, 50, 75, 100)]
    note = "share of comparisons won, 95 % interval"
    return "<h3>Share won</h3>" + _lanes(lanes, (0.0, 1.0), ticks, note, mark=0.5)


def _strength_plot(found: Choices) -> str:
    lanes = [
        (item.condition, item.value, item.low, item.high, ()) for item in found.strengths or ()
    ]
    low, high = min(lane[2] for lane in lanes), max(lane[3] for lane in lanes)
    low, high = min(low, 0.0) - 0.1, max(high, 0.0) + 0.1
    ticks = [(tick, f"{tick:+.1f}") for tick in axis_ticks(low, high)]
    note = "strength in log-odds, 95 % interval"
    return "<h3>Bradley-Terry</h3>" + _lanes(lanes, (low, high), ticks, note, mark=0.0)


def _lanes(
    lanes: Sequence[tuple[str, float, float, float, Sequence[float]]],
    ends: tuple[float, float],
    ticks: Sequence[tuple[float, str]],
    note: str,
    mark: float | None = None,
) -> str:
    """Draw a lane each: name, mean, ends of its interval, dots."""
    left, floor = _left([lane[0] for lane in lanes]), _TOP + _LANE * len(lanes)
    x = _scale(ends, left)
    parts = [draw_line(left, floor, WIDTH - _RIGHT, floor)]
    for tick, text in ticks:
        parts.append(draw_line(x(tick), _TOP, x(tick), floor))
        parts.append(draw_text(x(tick), floor + 16, text))
    if mark is not None:
        parts.append(draw_line(x(mark), _TOP - 6, x(mark), floor, "mark"))
    parts.append(draw_text((left + WIDTH) / 2, floor + 38, note))
    for index, (name, mean, low, high, dots) in enumerate(lanes):
        middle = _TOP + _LANE * (index + 0.5)
        parts.append(draw_text(left - 10, middle + 4, name, anchor="end", kind="name"))
        for number, value in enumerate(dots):
            shifted = middle + (number * 7 % 19) - 9  # spread, the same every time
            parts.append(f'<circle cx="{x(value):.1f}" cy="{shifted:.1f}" r="2.6" class="dot"/>')
        low, high = max(low, ends[0]), min(high, ends[1])
        parts.append(draw_line(x(low), middle, x(high), middle, "whisker"))
        for end in (low, high):
            parts.append(draw_line(x(end), middle - 6, x(end), middle + 6, "whisker"))
        tip = f"<title>{escape(f'{name}: {mean:.3f}, {low:.3f}..{high:.3f}')}</title>"
        parts.append(
            f'<g><circle cx="{x(mean):.1f}" cy="{middle:.1f}" r="6.5" class="{colour(index)}"/>'
            f"{tip}</g>"
        )
    return draw_svg(floor + 46, parts)


def _vote_bars(found: Ratings) -> str:
    left = _left([score.condition for score in found.scores])
    x = _scale((0.0, 1.0), left)
    parts = []
    for index, score in enumerate(found.scores):
        top, done, total = _TOP + _LANE * index + 9, 0.0, max(1, sum(score.votes))
        name = score.condition
        parts.append(draw_text(left - 10, top + 18, name, anchor="end", kind="name"))
        for value, count in enumerate(score.votes):
            share = count / total
            begin, end = x(done), x(done + share)
            done += share
            tip = escape(f"{_LABELS[value]}: {count} of {total}")
            parts.append(
                f'<g><rect x="{begin:.1f}" y="{top}" width="{max(0.0, end - begin - 1):.1f}" '
                f'height="28" class="v{value}"/><title>{tip}</title></g>'
            )
            if share > 0.07:
                parts.append(draw_text((begin + end) / 2, top + 18, f"{share:.0%}", kind="inside"))
    floor = _TOP + _LANE * len(found.scores) + 18
    step = (WIDTH - left - _RIGHT) / 5
    for value, label in enumerate(_LABELS):
        across = left + step * value
        parts.append(
            f'<rect x="{across:.1f}" y="{floor - 9}" width="11" height="11" class="v{value}"/>'
        )
        parts.append(draw_text(across + 16, floor + 1, label, anchor="start"))
    return "<h3>Votes</h3>" + draw_svg(floor + 14, parts)


def _left(names: Sequence[str]) -> float:
    return min(WIDTH * 0.5, 24 + 6.8 * max(map(len, names)))


def _scale(ends: tuple[float, float], left: float) -> Callable[[float], float]:
    span = ends[1] - ends[0]
    return lambda value: left + (value - ends[0]) / span * (WIDTH - left - _RIGHT)
