from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from scipy import optimize, stats

from ovsharp.errors import UsageError
from ovsharp.opinions import (
    Choice,
    Rating,
    analyse_choices,
    analyse_ratings,
    bradley_terry,
    people,
    screen,
    summary_csv,
    tables,
    to_page,
)
from ovsharp.opinions.choices import wilson

CLOSE = {"input": 2.4, "sharp": 3.0, "truth": 3.6}
QUALITY = {"input": 2.0, "sharp": 3.4, "truth": 4.6}


def votes(
    raters: int = 14, contents: int = 12, *, bad: bool = False, spread: float = 0.5, seed: int = 3
) -> list[Rating]:
    """Sensible raters and, at the end, one who votes at random."""
    rng = np.random.default_rng(seed)
    found = []
    for rater in range(raters):
        for content in range(contents):
            for condition, quality in (CLOSE if bad else QUALITY).items():
                score = int(np.clip(np.rint(quality + rng.normal(0, spread)), 1, 5))
                if bad and rater == raters - 1:
                    score = int(rng.choice([1, 5]))
                found.append(Rating(f"r{rater:02d}", condition, f"p{content}", score))
    return found


def plain_bt500(table: np.ndarray) -> list[tuple[int, int, bool]]:
    """The steps of BT.500, one rater and one stimulus at a time, moments by SciPy."""
    found = []
    for row in table:
        high = low = 0
        for own, column in zip(row, table.T, strict=True):
            kurtosis = stats.kurtosis(column, fisher=False, bias=True)
            reach = 2 if 2 <= kurtosis <= 4 else 20**0.5
            high += own >= column.mean() + reach * column.std(ddof=1)
            low += own <= column.mean() - reach * column.std(ddof=1)
        share = (high + low) / table.shape[1]
        found.append((high, low, share > 0.05 and abs(high - low) / (high + low) < 0.3))
    return found


def test_screening_does_what_bt500_says() -> None:
    # Not whole numbers: nothing lies exactly on a limit.
    table = np.random.default_rng(5).normal(3, 0.8, (18, 40))
    table[-1] = np.random.default_rng(6).normal(3, 3, 40)
    found = [(rater.high, rater.low, rater.rejected) for rater in screen(table)]
    assert found == plain_bt500(table)
    assert found[-1][2]
    assert sum(rejected for *_, rejected in found) == 1


def test_a_rater_who_guesses_is_rejected_and_left_out() -> None:
    found = analyse_ratings(votes(raters=24, bad=True, spread=0.6, seed=0))
    assert [rater.name for rater in found.raters if rater.rejected] == ["r23"]
    assert found.used == 23
    assert {score.stat.n for score in found.scores} == {23}
    (guesser,) = (rater for rater in found.raters if rater.rejected)
    assert guesser.correlation is not None
    others = [rater.correlation or 0 for rater in found.raters if not rater.rejected]
    assert guesser.correlation < 0 < 0.4 < min(others)


def test_a_severe_rater_and_unanimous_votes_are_kept() -> None:
    table = np.full((12, 20), 4)
    assert not any(rater.rejected or rater.high or rater.low for rater in screen(table))
    table[0] = 2
    severe = screen(table)[0]
    assert not severe.rejected


@pytest.mark.parametrize("table", [[], [[]], [1, 2], [[1, float("nan")]]])
def test_screening_takes_full_tables_only(table: list[object]) -> None:
    with pytest.raises(UsageError, match="full table"):
        screen(table)


def test_scores_have_the_interval_of_student_over_raters() -> None:
    given = votes()
    found = analyse_ratings(given, study="mine", unfinished=["late"])
    assert [score.condition for score in found.scores] == ["truth", "sharp", "input"]
    means = np.array(
        [
            np.mean([v.score for v in given if (v.rater, v.condition) == (f"r{r:02d}", "sharp")])
            for r in range(14)
        ]
    )
    score = found.scores[1]
    low, high = stats.t.interval(0.95, 13, means.mean(), stats.sem(means))
    assert score.stat.mean == pytest.approx(means.mean())
    assert (score.stat.low, score.stat.high) == pytest.approx((low, high))
    assert sum(score.votes) == 14 * 12
    one = next(i for i in found.stimuli if (i.content, i.condition) == ("p3", "input"))
    own = [v.score for v in given if (v.content, v.condition) == ("p3", "input")]
    assert one.stat.mean == pytest.approx(np.mean(own))
    assert one.stat.high == pytest.approx(
        stats.t.interval(0.95, 13, np.mean(own), stats.sem(own))[1]
    )


def test_differences_are_paired_by_rater() -> None:
    found = analyse_ratings(votes())
    by_name = {score.condition: np.array(score.means) for score in found.scores}
    difference = found.differences[0]
    expected = stats.ttest_rel(by_name["truth"], by_name["sharp"])
    assert (difference.first, difference.second) == ("truth", "sharp")
    assert difference.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (difference.stat.low, difference.stat.high) == pytest.approx(tuple(interval))


def test_one_rater_has_no_interval() -> None:
    found = analyse_ratings(votes(raters=1))
    assert found.scores[0].stat.low is None
    assert found.differences[0].p is None
    assert "<svg" in to_page(found)


def test_ratings_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="no votes"):
        analyse_ratings([])
    with pytest.raises(UsageError, match="1 to 5"):
        analyse_ratings([Rating("a", "input", "p", 6)])
    with pytest.raises(UsageError, match="not rated every"):
        analyse_ratings(votes()[:-1])


def choices(strength: dict[str, float], n: int = 300) -> list[Choice]:
    rng = np.random.default_rng(1)
    names, found = list(strength), []
    for index in range(n):
        first, second = rng.choice(names, 2, replace=False)
        wins = rng.random() < 1 / (1 + np.exp(strength[second] - strength[first]))
        pair = (first, second) if wins else (second, first)
        found.append(Choice(f"r{index % 10}", f"p{index % 7}", str(pair[0]), str(pair[1])))
    return found


def test_wins_have_wilsons_interval_and_the_exact_test() -> None:
    found = analyse_choices([Choice("a", "p", "s", "i")] * 15 + [Choice("b", "p", "i", "s")] * 5)
    (duel,) = found.duels
    oracle = stats.binomtest(15, 20)
    assert (duel.first, duel.wins, duel.n, duel.p) == ("s", 15, 20, pytest.approx(oracle.pvalue))
    interval = oracle.proportion_ci(0.95, method="wilson")
    assert (duel.low, duel.high) == pytest.approx((interval.low, interval.high))
    assert wilson(0, 9)[0] == pytest.approx(0)
    assert wilson(9, 9)[1] == pytest.approx(1)


def test_bradley_terry_is_at_the_maximum_of_its_likelihood() -> None:
    wins = np.array([[0, 8, 9], [4, 0, 7], [1, 3, 0]])

    def loss(free: np.ndarray) -> float:
        s = np.append(free, -free.sum())
        return float((wins * np.log1p(np.exp(s[None, :] - s[:, None]))).sum())

    best = optimize.minimize(loss, np.zeros(2), tol=1e-12).x
    fit = bradley_terry(wins)
    assert fit is not None
    assert fit[0] == pytest.approx([*best, -best.sum()], abs=1e-4)
    # Two conditions: the error of a log-odds is known in closed form.
    two = bradley_terry([[0, 30], [10, 0]])
    assert two is not None
    assert two[1][0] == pytest.approx(np.sqrt(1 / 30 + 1 / 10) / 2)


def test_conditions_that_nothing_ties_together_have_no_scale() -> None:
    assert bradley_terry([[0, 5], [0, 0]]) is None
    found = analyse_choices([Choice("a", "p", "s", "i")] * 5)
    assert found.strengths is None
    assert "Bradley-Terry</h3>" not in to_page(found)


def test_the_strong_come_first_and_guessing_shows() -> None:
    given = choices({"bad": -1.5, "fair": 0.0, "good": 1.5})
    found = analyse_choices(given)
    assert found.strengths is not None
    assert [item.condition for item in found.strengths] == ["good", "fair", "bad"]
    assert all(item.low < item.value < item.high for item in found.strengths)
    liar = [Choice("liar", c.content, c.loser, c.winner) for c in given if c.rater == "r0"]
    agreement = {rater.name: rater.agreement for rater in analyse_choices(given + liar).raters}
    assert (agreement["liar"] or 0) < 0.4 < 0.7 < (agreement["r1"] or 0)
    with pytest.raises(UsageError, match="no choices"):
        analyse_choices([])
    with pytest.raises(UsageError, match="itself"):
        analyse_choices([Choice("a", "p", "s", "s")])


def test_reports_hold_the_figures_and_escape_names() -> None:
    ratings = [Rating(v.rater, v.condition + "<b>", v.content, v.score) for v in votes()]
    chosen = choices({"a<b>": 0.0, "c": 1.0})
    for found in (analyse_ratings(ratings, study="x<y"), analyse_choices(chosen, study="x<y")):
        page = to_page(found)
        assert page.count("<svg") >= 2
        assert "<b>" not in page
        assert "x&lt;y" in page
        assert "http" not in page
        assert tables(found)
        assert json.loads(found.to_json())["study"] == "x<y"
    rows = list(csv.DictReader(io.StringIO(summary_csv(analyse_ratings(votes())))))
    assert len(rows) == 3 + 3 * 12
    assert float(rows[0]["mean"]) == pytest.approx(analyse_ratings(votes()).scores[0].stat.mean)


def test_a_rater_whom_bt500_misses_is_pointed_out() -> None:
    given = [v for v in votes() if v.rater != "r13"]
    odd = [Rating("odd", v.condition, v.content, 6 - v.score) for v in given if v.rater == "r00"]
    found = analyse_ratings(given + odd)
    assert found.used == 14
    assert "kept but unlike the others (correlation: odd -0." in people(found)
    assert "unlike" not in people(analyse_ratings(given))
