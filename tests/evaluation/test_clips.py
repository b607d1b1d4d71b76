"""Clips in an evaluation: sent, received, sharpened as `ovsharp video` does it, and measured."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from ovsharp import evaluation, quality
from ovsharp.apps import play
from ovsharp.errors import MediaError, UsageError
from ovsharp.evaluation import everyday
from ovsharp.evaluation.clips import Received, find_clips, send
from ovsharp.evaluation.results import INPUT
from ovsharp.evaluation.statistics import group_rows
from ovsharp.evaluation.tally import Tally
from ovsharp.media import Frame, Shot, read_video, write_video
from ovsharp.runtime import VIDEO_LOOK_EVERY, Sharpener
from tests.photos import crop

pytest.importorskip("av")

PHOTO = crop()
FRAMES = 7


def draw(path: Path, *, size: tuple[int, int] = (162, 98), frames: int = FRAMES) -> Path:
    """Write a pan over a photo."""
    with write_video(path, crf=4, rate=10) as sink:
        for index in range(frames):
            cut = PHOTO[40 + index : 40 + index + size[1], 100 + 2 * index :][:, : size[0]]
            sink.write(Shot(np.ascontiguousarray(cut), index, Fraction(1, 10)))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clips")
    (made / "calls").mkdir()
    draw(made / "a.mp4")
    draw(made / "calls" / "b.mkv", size=(128, 128))
    (made / "broken.mp4").write_bytes(b"no video")
    (made / "notes.txt").write_text("no video either")
    return made


def run(
    folder: Path, out: Path, *, resume: bool = False, **changes: object
) -> evaluation.Evaluation:
    given = {
        "models": ("sharp-fast",),
        "clips": (folder,),
        "sent": ("x264(crf=36)", "half=vp8(kbps=300, scale=2)"),
        **changes,
    }
    options = evaluation.Options(**given)  # type: ignore[arg-type]
    out.mkdir(exist_ok=True)
    with evaluation.open_subjects(options) as subjects:
        return evaluation.evaluate(
            options, subjects, out, resume=resume, progress=lambda done, total: None, play=play
        )


@pytest.fixture(scope="module")
def done(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[evaluation.Evaluation, Path]:
    out = tmp_path_factory.mktemp("out")
    return run(folder, out), out


def test_every_clip_has_a_row_by_each_sending_and_method(
    done: tuple[evaluation.Evaluation, Path],
) -> None:
    result, _ = done
    rows = {(row.degradation, row.image, row.method): row for row in result.rows}
    assert {key[0] for key in rows} == {"x264(crf=36)", "half"}
    assert {key[1] for key in rows} == {"a.mp4", "calls/b.mkv"}
    assert {key[2] for key in rows} == {INPUT, "sharp-fast"}
    assert len(rows) == 8
    assert {(row.category, row.frames) for row in rows.values()} == {
        ("clips", FRAMES),
        ("calls", FRAMES),
    }
    assert all(row.made == {"sharp-fast": FRAMES} for row in rows.values() if row.method != INPUT)
    # Sent at half its size, the truth is a multiple of 4.
    sizes = {(row.image, row.degradation): (row.width, row.height) for row in rows.values()}
    assert sizes["a.mp4", "x264(crf=36)"] == (162, 98)
    assert sizes["a.mp4", "half"] == (160, 96)
    assert {item.image for item in result.skipped} == {"broken.mp4"}


def test_what_is_sent_at_high_quality_is_nearly_its_truth(folder: Path, tmp_path: Path) -> None:
    result = run(folder / "a.mp4", tmp_path, sent=("x264(crf=2)",))
    before = next(row for row in result.rows if row.method == INPUT)
    assert before.ssim > 0.98
    assert before.measures["flicker"] == 1
    assert abs(before.measures["edge_truth"] - 1) < 0.05
    assert max(abs(before.measures[f"shift_{c}"]) for c in "bgr") < 0.3


def test_the_input_is_what_the_product_reads(folder: Path, tmp_path: Path) -> None:
    """The rows' figures again, of the frames that read_video gives."""
    result = run(folder / "a.mp4", tmp_path, sent=("x264(crf=30)",), measure_every=2)
    from ovsharp.degrade import parse_sending, send_clip

    sent, clip = tmp_path / "again.mkv", find_clips([folder / "a.mp4"])[0]
    truths = [*clip.truth(evaluation.Taken(), 2)]
    send_clip(truths, sent, parse_sending("x264(crf=30)"), clip.rate())
    with read_video(sent) as reader:
        inputs = [shot.frame for shot in reader]
    with Sharpener("sharp-fast", look_every=VIDEO_LOOK_EVERY) as sharpener:
        call = sharpener.session(steady=True)
        outputs = [call(frame) for frame in inputs]
    for method, frames in ((INPUT, inputs), ("sharp-fast", outputs)):
        row = next(row for row in result.rows if row.method == method)
        pairs = [*zip(frames, truths, strict=True)][::2]
        assert row.ssim == pytest.approx(np.mean([quality.ssim(*pair) for pair in pairs]))
        assert row.measures["psnr"] == pytest.approx(np.mean([quality.psnr(*p) for p in pairs]))
        flicker = quality.Flicker()
        for before, after in zip(inputs, frames, strict=True):
            flicker.add(before, after)
        assert row.measures["flicker"] == pytest.approx(flicker.ratio)


def test_vmaf_is_scored_where_it_is_installed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(**changes: object) -> tuple[dict[str, float | None], str]:
        result = run(folder / "a.mp4", tmp_path, sent=("x264(crf=36)",), **changes)
        return result.rows[0].measures, " ".join(result.notes)

    measures, notes = shown(vmaf_every=0)
    assert "vmaf" not in measures
    assert "VMAF" not in notes
    monkeypatch.setattr("ovsharp.evaluation.plan.has_vmaf", lambda: False)
    monkeypatch.setattr("ovsharp.evaluation.score_clip.has_vmaf", lambda: False)
    measures, notes = shown(vmaf_every=3)
    assert "vmaf" not in measures
    assert "VMAF is left out: pip install vmaf-torch" in notes
    monkeypatch.undo()
    pytest.importorskip("vmaf_torch")
    measures, notes = shown(vmaf_every=3)
    assert 0 < measures["vmaf_neg"] <= measures["vmaf"] <= 100
    assert "one out of 3" in notes


def test_vmaf_sees_the_frames_around(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        asked: list[tuple[int, ...]] = []  # noqa: RUF012

        def score(self, *frames: Frame | None) -> dict[str, float | None]:
            self.asked.append(tuple(-1 if one is None else int(one[0, 0, 0]) for one in frames))
            return {"vmaf": 50.0}

    tally = Tally(1, Fake(), 2)  # type: ignore[arg-type]
    for index in range(4):
        truth = np.full((16, 16, 3), index, np.uint8)
        tally.add(truth, truth + 100, truth)
    assert tally.measures()["vmaf"] == 50
    assert Fake.asked == [(101, 1, 0, 2), (103, 3, 2, -1)]


def test_what_people_use_today(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(
        folder / "a.mp4",
        tmp_path,
        rivals=True,
        vmaf_every=0,
        sent=("x264(crf=20)", "x264(crf=10, scale=2)"),
    )
    rows = {(row.degradation, row.method): row for row in result.rows}
    plain = {method for damage, method in rows if damage == "x264(crf=20)"}
    small = {method for damage, method in rows if damage != "x264(crf=20)"}
    assert {"unsharp 0.15", "unsharp 1", "ffmpeg deblock", "ffmpeg cas"} < plain
    assert small - plain == {"lanczos"}
    # They count in no test between models, and lead no page.
    assert {pair.first for pair in result.pairs} == {"sharp-fast"}
    edges = [rows["x264(crf=20)", f"unsharp {a}"].measures["edge_truth"] for a in (0.15, 0.5, 1)]
    assert rows["x264(crf=20)", INPUT].measures["edge_truth"] < edges[0] < edges[1] < edges[2]
    before, lanczos = (rows["x264(crf=10, scale=2)", name] for name in (INPUT, "lanczos"))
    assert lanczos.measures["edge_truth"] > before.measures["edge_truth"]
    monkeypatch.setattr(everyday, "_GRAPHS", ("deblock", "nosuchfilter"))
    assert "has none: nosuchfilter" in " ".join(everyday.notes())


def test_ffmpegs_filters_see_true_colours_frame_by_frame() -> None:
    photo = np.ascontiguousarray(PHOTO[:100, :161])
    shown = blocky(photo)
    methods = everyday.everyday(enlarge=False)
    for _ in range(3):
        blocks = methods["ffmpeg deblock"](shown, shown)
        assert blocks.shape == shown.shape
        assert np.abs((blocks.astype(float) - shown).mean(axis=(0, 1))).max() < 0.3
        assert quality.psnr(blocks, shown) > 30
    edges = quality.edge_ratio(methods["ffmpeg unsharp"](shown, shown), shown)
    assert edges is not None
    assert edges > 1.1


def blocky(photo: Frame) -> Frame:
    """Make it blocky, as a codec does."""
    coded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def test_the_router_says_what_ran(folder: Path, tmp_path: Path) -> None:
    result = run(folder / "a.mp4", tmp_path, models=("call",), sent=("x264(crf=2)",))
    row = next(row for row in result.rows if row.method == "call")
    assert sum(row.made.values()) == FRAMES
    assert set(row.made) <= {*shipped(), "untouched"}


def shipped() -> tuple[str, ...]:
    with Sharpener("call", threads=1) as sharpener:
        return sharpener.variants


def test_an_upscaler_gets_what_was_sent(folder: Path, tmp_path: Path) -> None:
    result = run(
        folder / "a.mp4",
        tmp_path,
        models=("x2-fast",),
        sent=("x264(crf=20)", "x264(crf=20, scale=2)"),
    )
    methods = [(row.degradation, row.method, row.width) for row in result.rows]
    assert methods == [
        ("x264(crf=20)", INPUT, 162),
        ("x264(crf=20, scale=2)", INPUT, 160),
        ("x264(crf=20, scale=2)", "x2-fast", 160),
    ]
    with pytest.raises(UsageError, match="nothing is sent that much smaller"):
        run(folder / "a.mp4", tmp_path, models=("x2-fast",), sent=("x264(crf=20)",))


def test_a_tint_is_seen_with_its_sign() -> None:
    tally = Tally(1)
    truth = np.ascontiguousarray(PHOTO[:64, :64] // 2 + 20)
    tinted = truth + np.array([0, 2, 0], np.uint8) - np.array([1, 0, 0], np.uint8)
    for _ in range(2):
        tally.add(truth, tinted, truth)
    measures = tally.measures()
    assert [measures[f"shift_{c}"] for c in "bgr"] == [-1, 2, 0]
    assert measures["colour_shift"] == 1


def test_frames_that_were_made_worse_are_counted() -> None:
    tally = Tally(2)
    truth = np.ascontiguousarray(PHOTO[:64, :64] // 2 + 20)
    tinted = truth + np.array([0, 2, 0], np.uint8)
    for after in (tinted, tinted, truth, truth, truth, truth, truth, truth):
        tally.add(truth, after, truth)
    assert tally.measures()["harmed"] == 25
    better = Tally(1)
    better.add(tinted, truth, truth)
    assert better.measures()["harmed"] == 0
    inputs: dict[int, tuple[float, float]] = {}
    for after in (truth, tinted):  # the first tally's figures of the input serve the second
        shared = Tally(1, inputs=inputs)
        shared.add(truth, after, truth)
        assert shared.measures()["harmed"] == 100 * (after is tinted)
    assert list(inputs) == [0]


def test_a_run_goes_on_where_it_stopped(
    folder: Path, done: tuple[evaluation.Evaluation, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(
        "ovsharp.evaluation.score_clip.send",
        lambda clip, *_: sent.append(clip.name) or send(clip, *_),
    )
    again = run(folder, done[1], resume=True)
    assert again.rows == done[0].rows
    assert set(sent) == {"broken.mp4"}


def test_results_can_be_read_and_compared(done: tuple[evaluation.Evaluation, Path]) -> None:
    result, _ = done
    again = evaluation.Evaluation.from_json(result.to_json())
    assert again == result
    changes = evaluation.compare_evaluations(again, result, 0.001)
    assert not changes.regressed
    page = evaluation.to_page(result, [])
    assert "2 clips" in page
    assert "half: every clip" in page
    assert "sharp-fast 7" in page
    assert "Quality against time" not in page  # a router's time depends on what it sees


def test_the_page_shows_the_middle_frame(folder: Path, tmp_path: Path) -> None:
    options = evaluation.Options(("sharp-fast",), clips=(folder / "a.mp4",), sent=("x264(crf=30)",))
    with evaluation.open_subjects(options) as subjects:
        result = evaluation.evaluate(
            options, subjects, tmp_path, resume=False, progress=lambda done, total: None, play=play
        )
        (view,) = evaluation.make_views(result, options, subjects, "x264(crf=30)", play)
    assert [one.name for one in view.shown] == [INPUT, "sharp-fast", "truth"]
    panel = cv2.imdecode(np.frombuffer(view.panel, np.uint8), cv2.IMREAD_COLOR)
    assert panel is not None
    truth = [*find_clips([folder / "a.mp4"])[0].truth(evaluation.Taken(), 2)][FRAMES // 2]
    assert np.array_equal(panel[24:, -2 * 162 :: 2][::2], truth)
    assert "views clips" in evaluation.to_page(result, [view])


def test_the_truth_can_be_smaller(folder: Path) -> None:
    clip = find_clips([folder / "a.mp4"])[0]

    def size(**options: object) -> tuple[int, ...]:
        return next(clip.truth(evaluation.Taken(**options), 2)).shape  # type: ignore[arg-type]

    assert size() == (98, 162, 3)
    assert size(downscale=1.5) == (64, 108, 3)
    assert size(side=64) == (64, 106, 3)
    assert size(side=400, downscale=1.5) == (64, 108, 3)
    assert len([*clip.truth(evaluation.Taken(seconds=0.35), 2)]) == 4
    whole = next(clip.truth(evaluation.Taken(), 2))
    small = cv2.resize(whole, (108, 65), interpolation=cv2.INTER_AREA)[:64]
    assert np.array_equal(next(clip.truth(evaluation.Taken(downscale=1.5), 2)), small)
    with pytest.raises(MediaError, match="too small"):
        size(downscale=6)


def test_clips_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no file or folder"):
        find_clips([tmp_path / "none"])
    with pytest.raises(MediaError, match="holds no video"):
        find_clips([tmp_path])


def test_clips_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mp4").touch()
    names = [clip.name for clip in find_clips([tmp_path / "one", tmp_path / "two"])]
    assert names == [str(tmp_path / "one" / "a.mp4"), str(tmp_path / "two" / "a.mp4")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"degrade": ("gla",)}, "--degrade is for images"),
        ({"crop": 200}, "--crop is for images"),
        ({"data": Path("photos")}, "either --data"),
        ({"data": Path("photos"), "clips": (), "sent": (), "rivals": True}, "--rivals is for"),
        ({"sent": ("mpeg2(crf=3)",)}, "cannot read"),
        ({"sent": ("a=x264(crf=3)", "a=x264(crf=4)")}, "called alike"),
    ],
)
def test_wrong_use_is_told(
    folder: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(folder, tmp_path, **changes)


def test_a_dropped_frame_is_no_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = Received.shots

    def fewer(self: Received, *, enlarge: bool) -> object:
        yield from [*shots(self, enlarge=enlarge)][1:]

    monkeypatch.setattr(Received, "shots", fewer)
    with pytest.raises(MediaError, match="7 frames were sent and 6 arrived"):
        run(folder / "a.mp4", tmp_path)


def test_tables_fit_80_columns(done: tuple[evaluation.Evaluation, Path]) -> None:
    result, _ = done
    # As wide as they get: a VMAF, the longest method, a long name, many models.
    rows = [
        dataclasses.replace(
            row,
            method=row.method.replace("sharp-fast", "ffmpeg deblock"),
            image=row.image.replace("a.mp4", "a_clip_with_a_long_name.mp4"),
            measures={**row.measures, "vmaf": 10.0 + 80 * (row.method == INPUT), "vmaf_neg": 9.5},
            made={"call-balanced": 240, "call-quality": 120, "untouched": 30},
        )
        for row in result.rows
    ]
    wide = dataclasses.replace(result, rows=tuple(rows), groups=group_rows(rows))
    console = Console(width=200)
    with console.capture() as capture:
        console.print(evaluation.sending_table(wide, "half"))
        console.print(evaluation.clip_table(wide, "half", "ffmpeg deblock"))
        console.print(evaluation.colour_table(wide, "half", "ffmpeg deblock"))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "half: vp8(kbps=300, scale=2, speed=6), 2 clips" in text
    assert "-80.0" in text
    assert "call-balanced 240" in text
