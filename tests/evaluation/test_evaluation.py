"""Evaluation: cases, statistics, runs that resume, pages and comparisons."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from ovsharp import evaluation
from ovsharp.errors import MediaError, UsageError
from ovsharp.evaluation.cases import find_cases, find_paired_cases
from ovsharp.evaluation.pictures import choose, most_changed
from ovsharp.evaluation.results import ALL, Row
from ovsharp.evaluation.rows import ROWS, read_rows
from ovsharp.evaluation.statistics import group_rows, summarise, wilcoxon
from ovsharp.media import category_of
from ovsharp.quality import ssim
from ovsharp.terminal import show
from tests.photos import crop
from tests.reports.reader import read_page

PHOTO = crop(0, 0, 400, 400)
NAMES = ("cats_1.png", "cats_2.png", "dogs_1.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("photos")
    for index, name in enumerate(NAMES):
        cv2.imwrite(str(made / name), PHOTO[index * 90 :][:100, 60 + index * 50 :][:, :120])
    (made / "dogs_2.png").write_bytes(b"no image")
    return made


def run(
    folder: Path, out: Path, *, resume: bool = False, **changes: object
) -> tuple[evaluation.Evaluation, list[evaluation.View]]:
    given = {"models": ("sharp-gla",), "data": folder, "degrade": ("gla",), "jobs": 2, **changes}
    options = evaluation.Options(**given)  # type: ignore[arg-type]
    out.mkdir(exist_ok=True)
    with evaluation.open_subjects(options) as subjects:
        result = evaluation.evaluate(
            options, subjects, out, resume=resume, progress=lambda done, total: None
        )
        views = [
            view
            for damage in result.degradations
            for view in evaluation.make_views(result, options, subjects, damage.name)
        ]
    return result, views


@pytest.fixture(scope="module")
def done(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[evaluation.Evaluation, list[evaluation.View], Path]:
    out = tmp_path_factory.mktemp("out")
    return *run(folder, out), out


def row(image: str, method: str, value: float, category: str = "a", damage: str = "d") -> Row:
    measures = {"ssim": value, "psnr": 20 * value}
    names = ("ms_ssim", "psnr_y", "edge_truth", "edge_input", "overshoot", "colour_shift")
    rest = dict.fromkeys((*names, "blockiness", "text_error"))
    return Row("", image, category, damage, method, 9, 9, {**measures, **rest})


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("nature_urban_7.jpg", "nature"),
        ("a/b/7.png", "a"),
        ("7_x.png", "images"),
        ("7.png", "images"),
    ],
)
def test_categories(name: str, category: str) -> None:
    assert category_of(Path(name)) == category


def test_the_seed_depends_on_the_name_alone(folder: Path) -> None:
    every, some = find_cases(folder), find_cases(folder, 2)
    assert len(every) == 4
    assert [case.name for case in some] == ["cats_1.png", "dogs_2.png"]
    assert some[0].seed == every[0].seed != every[1].seed


def test_the_interval_is_students() -> None:
    stat = summarise([1.0, 2.0, 4.0, 5.0])
    # t(0.975, 3) = 3.182446, from any printed table.
    half = 3.182446 * math.sqrt(10 / 3) / 2
    assert stat.std == pytest.approx(math.sqrt(10 / 3))
    assert stat.low == pytest.approx(3 - half, abs=1e-5)
    assert stat.high == pytest.approx(3 + half, abs=1e-5)
    assert summarise([1.0]).std is None


def test_wilcoxon_by_hand() -> None:
    # Of the 2^5 signs of five ranks, one is as extreme in each direction.
    assert wilcoxon([1, 2, 3, 4, 5]) == pytest.approx(2 / 32)
    assert wilcoxon([0.0, 0.0]) is None


def test_groups_count_what_they_say() -> None:
    rows = [row("x", "input", 0.8), row("y", "input", 0.91), row("z", "input", 0.5, "b")]
    rows += [row("x", "m", 0.92), row("y", "m", 0.90), row("z", "m", 0.6, "b")]
    groups = {(group.category, group.method): group for group in group_rows(rows)}
    whole = groups[ALL, "m"]
    assert (whole.n, whole.good, whole.better) == (3, 1, 2)
    assert whole.worst_change == pytest.approx(-0.01)
    assert whole.worst_image == "y"
    assert groups["b", "m"].measures["ssim"].mean == 0.6
    assert "ms_ssim" not in whole.measures


def test_a_run_scores_what_quality_scores(
    folder: Path, done: tuple[evaluation.Evaluation, list[evaluation.View], Path]
) -> None:
    result, _, _ = done
    assert {row.method for row in result.rows} == {"input", "bicubic", "sharp-gla"}
    assert [item.image for item in result.skipped] == ["dogs_2.png"]
    assert result.categories == ("cats", "dogs")
    from ovsharp.degrade import parse

    case = find_cases(folder)[0]
    frame, truth = case.load(parse("gla"), 0)
    row = next(row for row in result.rows if row.image == case.name and row.method == "input")
    assert row.ssim == pytest.approx(ssim(frame, truth))
    assert row.measures["ms_ssim"] is None
    group = result.group("gla", ALL, "sharp-gla")
    assert group is not None and group.n == 3
    assert group.better == 3
    assert result.models[0].milliseconds > 0


def test_json_comes_back(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
) -> None:
    text = done[0].to_json()
    assert evaluation.Evaluation.from_json(text).to_json() == text
    for wrong in ("", "{}", '{"schema": 1}', text.replace('"schema": 1', '"schema": 9')):
        with pytest.raises(UsageError):
            evaluation.Evaluation.from_json(wrong)


def test_csv(done: tuple[evaluation.Evaluation, list[evaluation.View], Path]) -> None:
    lines = list(csv.DictReader(io.StringIO(evaluation.image_csv(done[0]))))
    assert len(lines) == 9
    summary = list(csv.DictReader(io.StringIO(evaluation.summary_csv(done[0]))))
    (mean,) = (
        float(line["mean"])
        for line in summary
        if (line["category"], line["method"], line["measure"]) == ("all", "input", "ssim")
    )
    scores = [float(line["ssim"]) for line in lines if line["method"] == "input"]
    assert mean == pytest.approx(np.mean(scores))


def test_finished_rows_are_kept(
    folder: Path,
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
    tmp_path: Path,
) -> None:
    lines = (done[2] / "rows.jsonl").read_text().splitlines()
    assert len(lines) == 9
    marked = []
    for line in lines[:6]:
        values = json.loads(line)
        values["measures"]["ssim"] = 0.123
        marked.append(json.dumps(values))
    # As an interrupted run leaves it: the last line is cut off.
    (tmp_path / "rows.jsonl").write_text("\n".join(marked) + "\n" + lines[6][:40])
    result, _ = run(folder, tmp_path, resume=True)
    assert sum(row.ssim == 0.123 for row in result.rows) == 6
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 9
    fresh, _ = run(folder, tmp_path)
    assert sum(row.ssim == 0.123 for row in fresh.rows) == 0


def test_another_degradation_is_another_row(
    folder: Path,
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
    tmp_path: Path,
) -> None:
    (tmp_path / "rows.jsonl").write_bytes((done[2] / "rows.jsonl").read_bytes())
    result, _ = run(folder, tmp_path, resume=True, degrade=("jpeg(quality=15)",))
    assert not {row.key for row in result.rows} & {row.key for row in done[0].rows}


def test_a_degradation_has_the_name_that_it_is_given(folder: Path, tmp_path: Path) -> None:
    result, views = run(
        folder,
        tmp_path,
        degrade=("old=jpeg(quality=15)", "untouched=clean", "draw=[noise(sigma=3) | clean]"),
    )
    named = {damage.name: damage.recipe for damage in result.degradations}
    assert named == {
        "old": "jpeg(quality=15)",
        "untouched": "clean",
        "draw": "[noise(sigma=3) | clean]",
    }
    assert {row.degradation for row in result.rows} == set(named)
    assert "jpeg(quality=15)" in evaluation.to_page(result, views), "the legend"
    with pytest.raises(UsageError, match="two degradations are called 'a'"):
        run(folder, tmp_path, degrade=("a=gla", "a=edsr"))


def test_pairs_give_the_same_figures(
    folder: Path,
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
    tmp_path: Path,
) -> None:
    from ovsharp.degrade import parse

    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for case in find_cases(folder)[:3]:
        frame, _ = case.load(parse("gla"), 0)
        cv2.imwrite(str(damaged / case.name), frame)
    assert len(find_paired_cases(damaged, folder)) == 3
    paired, _ = run(folder, tmp_path / "a", data=None, pairs=(damaged, folder), degrade=())
    assert [row.measures for row in paired.rows] == [row.measures for row in done[0].rows]


def test_an_upscaler_is_beside_bicubic(folder: Path, tmp_path: Path) -> None:
    result, views = run(folder, tmp_path, models=("x2-fast",), degrade=())
    name = result.degradations[0].name
    scores = [result.group(name, ALL, method) for method in ("input", "bicubic", "x2-fast")]
    values = [group.measures["ssim"].mean for group in scores if group]
    assert len(values) == 3
    assert values[0] < values[1] < values[2]
    assert len(views[0].shown) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": None}, "either --data"),
        ({"degrade": ("x2",)}, "shrinks frames by 2"),
        ({"models": ("sharp-gla", "x2-fast")}, "enlarges frames by 2"),
        ({"models": ("sharp-gla", "sharp-gla")}, "name sharp-gla is taken"),
        ({"pairs": (Path("a"), Path("b")), "data": None}, "makes no sense with --pairs"),
    ],
)
def test_what_makes_no_sense(
    folder: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(folder, tmp_path, **changes)


def test_no_usable_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(MediaError, match="none of the 1 images"):
        run(tmp_path, tmp_path / "out")


def test_tables_fit_80_columns(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
) -> None:
    result = done[0]
    # As wide as they get: long names, and text that was read.
    names = {"sharp-gla": "call-half-quality", "cats": "a category of a long name"}
    text = result.to_json().replace('"text_error": null', '"text_error": 0.1234')
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    wide = evaluation.Evaluation.from_json(text)
    for table in (evaluation.result_table(wide, "gla"), evaluation.pair_table(wide)):
        console = Console(width=80, file=io.StringIO())
        show(console, table)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= 80
        assert "call-half-quality" in "".join(lines)


def test_the_page_is_whole_and_safe(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
) -> None:
    result, views, _ = done
    assert {view.category for view in views} == {"cats", "dogs"}
    assert {view.title for view in views} == {"worst", "best"}
    text = evaluation.to_page(result, views)
    reader = read_page(text)
    assert all(link.startswith("data:image/jpeg;base64,") for link in reader.links)
    assert len(text) < 2_000_000
    nasty = result.to_json().replace("cats_1.png", "<b>cats&")
    page = evaluation.to_page(evaluation.Evaluation.from_json(nasty), ())
    assert "<b>cats&" not in page
    assert "&lt;b&gt;cats&amp;" in page


def test_a_page_of_few_pictures_shows_them_large(tmp_path: Path) -> None:
    """As wide as the window: the slider has no size of its own."""
    large = crop(0, 0, 512, 512).repeat(3, axis=0).repeat(3, axis=1)
    cv2.imwrite(str(tmp_path / "large.png"), large[:900, :1500])
    result, (view,) = run(tmp_path, tmp_path / "out", crop=None, models=("sharp-fast",))
    text = evaluation.to_page(result, [view])
    (shown, *_) = (one.picture.partition(",")[2] for one in view.shown)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(shown), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (768, 1280, 3)
    assert re.search(r"\.slider img {[^}]*width: 100%", text)
    assert not re.search(r"\.slider(, [^{]*)? {[^}]*(width|height): *\d+px", text)


def test_worst_and_best_are_by_gain(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
) -> None:
    result = done[0]
    ssims = {(row.method, row.image): row.ssim for row in result.rows}
    chosen = [(title, row) for title, row in choose(result, "gla") if row.category == "cats"]
    gains = [ssims["sharp-gla", row.image] - ssims["input", row.image] for _, row in chosen]
    assert gains == sorted(gains)


def test_the_crop_is_where_the_error_changed() -> None:
    truth = np.zeros((300, 400, 3), np.uint8)
    before = truth.copy()
    before[210:230, 310:330] = 200
    top, left = most_changed(before, truth, truth)
    assert top <= 210 and top + 96 >= 230
    assert left <= 310 and left + 96 >= 330


def lowered(result: evaluation.Evaluation, drop: float) -> evaluation.Evaluation:
    values = json.loads(result.to_json())
    for each in values["rows"]:
        if each["method"] == "sharp-gla" and each["category"] == "dogs":
            each["measures"]["ssim"] -= drop
    return evaluation.Evaluation.from_json(json.dumps(values))


def test_a_drop_in_one_category_is_a_regression(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
) -> None:
    result = done[0]
    changes = evaluation.compare_evaluations(result, lowered(result, 0.003), 0.002)
    assert [(c.method, c.category) for c in changes.changes if c.worse] == [("sharp-gla", "dogs")]
    assert not evaluation.compare_evaluations(result, lowered(result, 0.003), 0.004).regressed
    assert not evaluation.compare_evaluations(result, lowered(result, -0.1), 0.0).regressed
    assert not evaluation.compare_evaluations(result, result, 0.0).regressed


def test_nothing_in_common(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path],
) -> None:
    text = done[0].to_json()
    for name in NAMES:
        text = text.replace(name, f"other-{name}")
    with pytest.raises(UsageError, match="in common"):
        evaluation.compare_evaluations(done[0], evaluation.Evaluation.from_json(text), 0.0)


def test_rows_that_were_spoilt_are_told_and_a_last_one_cut_off_is_not(
    done: tuple[evaluation.Evaluation, list[evaluation.View], Path], tmp_path: Path
) -> None:
    lines = (done[2] / ROWS).read_text().splitlines()
    spoilt = tmp_path / ROWS
    spoilt.write_text("\n".join([*lines[:-1], lines[-1][:20]]))
    assert len(read_rows(spoilt)) == len(lines) - 1
    spoilt.write_text("\n".join([lines[0][:20], *lines[1:]]))
    with pytest.raises(UsageError, match=r"line 1 of .* is no finished row"):
        read_rows(spoilt)
