"""`train` as a user sees it: what a run leaves, and what an interruption costs."""

import json
import math
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ovsharp import TrainingError, UsageError
from ovsharp.models import load_network, read_weights
from ovsharp.training import Report, TrainingRecipe, train
from ovsharp.training.distillation import precision_of
from ovsharp.training.fit import BAD_BATCH, CHECKPOINT, _Run
from ovsharp.training.recipe import Course, Distillation, FeaturePair, Schedule, Stage


def changed(recipe: TrainingRecipe, **fields: Any) -> TrainingRecipe:
    return replace(recipe, student=replace(recipe.student, **fields))


def staged(recipe: TrainingRecipe, *stages: Stage) -> TrainingRecipe:
    return changed(recipe, stages=stages)


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "minutes"} for line in lines]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_weights(path)


def test_the_pixels_that_were_seen_are_counted_through_all_runs(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    recipe = changed(small, patch=64, batch=2, stages=(Stage("blur(sigma=1)", 3, 1e-4),))
    first = train(recipe, photos, tmp_path / "one", every=1).student.weights
    assert [row["pixels"] for row in rows(tmp_path / "one")] == [n * 2 * 64 * 64 for n in (1, 2, 3)]
    second = train(recipe, photos, tmp_path / "two", init=first, every=2).student.weights
    begun, *learned = rows(tmp_path / "two")
    assert (begun["step"], begun["pixels"]) == (0, 3 * 8192)
    best = max(learned, key=lambda row: row["ssim_out"])
    assert best["pixels"] in ((3 + 2) * 8192, (3 + 3) * 8192)
    assert load_network(first).pixels == 3 * 8192
    assert load_network(second).pixels == 6 * 8192


def test_the_log_begins_with_what_the_weights_it_starts_from_are_worth(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    recipe = changed(small, stages=(Stage("blur(sigma=1)", 2, 1e-3),))
    first = train(recipe, photos, tmp_path / "one", val=photos, every=2)
    assert [row["step"] for row in rows(tmp_path / "one")] == [2], "drawn weights are worth nothing"
    again = changed(recipe, stages=(Stage("blur(sigma=1)", 2, 1e-9),))
    train(again, photos, tmp_path / "two", val=photos, init=first.student.weights, every=2)
    begun, end = rows(tmp_path / "two")
    assert begun["ssim_out"] == round(first.student.score.ssim_out, 4) == end["ssim_out"]
    assert "loss" not in begun and not begun["best"] and end["best"]


def test_training_sharpens(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    recipe = changed(
        small,
        arguments={"channels": 48, "depth": 0, "unshuffle": 4},
        stages=(Stage("blur(sigma=2)", 200, 1e-3),),
        batch=8,
    )
    seen: list[Report] = []
    run = tmp_path / "run"
    done = train(
        recipe,
        str(photos),
        str(run),
        val=str(photos),
        every=100,
        report=lambda _, x: seen.append(x),
    )
    assert [report.step for report in seen] == [100, 200]
    score = done.student.score
    assert score.ssim_out > score.ssim_in + 0.003
    assert score.psnr_out > score.psnr_in + 0.1
    assert score.better == 1
    network = load_network(done.student.weights)
    assert (network.architecture, network.collapsed) == ("student", 0), "in deployed form"
    assert drawn_by_tensorboard(run) == [(row["step"], row["ssim_out"]) for row in rows(run)]
    assert [path.name for path in done.student.skipped] == ["things_broken.png"]


@pytest.mark.parametrize("scale", [2, 4])
def test_training_upscales(small: TrainingRecipe, photos: Path, tmp_path: Path, scale: int) -> None:
    degrade = f"blur(sigma={scale}, kernel=15) + down(scale={scale}, method=area)"
    recipe = changed(
        small,
        architecture="upscaler",
        arguments={"channels": 48, "depth": 0, "unshuffle": 4 // scale, "scale": scale},
        stages=(Stage(degrade, 150, 1e-3),),
        patch=64,
        batch=8,
    )
    score = train(recipe, photos, tmp_path / "run", val=photos).student.score
    assert score.psnr_out > score.psnr_in + 0.05
    assert load_network(tmp_path / "run" / "student.pth").arguments["scale"] == scale


def test_a_student_of_another_scale_is_refused(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="32x32, expected 64x64: check its scale"):
        recipe = changed(small, patch=64, stages=(Stage("x2", 4, 1e-3),))
        train(recipe, photos, tmp_path / "run")


def drawn_by_tensorboard(run: Path) -> list[tuple[int, float]]:
    """Read a curve as TensorBoard does."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    curve = events.Scalars("ssim_out")
    return [(point.step, round(point.value, 4)) for point in curve]


class KilledError(Exception):
    pass


# Between checkpoints, at the end of a stage, at the start of one, and before the last step.
@pytest.mark.parametrize(
    ("schedule", "optimizer", "moments"),
    [("cosine", "adam", (3, 4, 5, 7)), ("plateau", "adam", (3, 5)), ("one-cycle", "soap", (3, 5))],
)
def test_resumed_run_equals_uninterrupted_run(
    small: TrainingRecipe,
    photos: Path,
    tmp_path: Path,
    schedule: Any,
    optimizer: Any,
    moments: tuple[int, ...],
) -> None:
    recipe = changed(
        small,
        stages=(Stage("blur(sigma=2)", 4, 1e-3), Stage("noise(sigma=9)", 4, 1e-3)),
        optimizer=optimizer,
        schedule=Schedule(schedule, patience=0),
        ema=0.5,
    )
    whole = tmp_path / "whole"
    train(recipe, photos, whole, every=2)
    for at in moments:
        other = tmp_path / str(at)

        def killed(_name: str, done: int, _total: int, at: int = at) -> None:
            if done == at:
                raise KilledError

        with pytest.raises(KilledError):
            train(recipe, photos, other, every=2, progress=killed)
        train(recipe, photos, other, every=2, resume=True)
        for key, value in weights(whole / "student.pth").items():
            assert torch.equal(value, weights(other / "student.pth")[key]), (at, key)
        assert rows(whole) == rows(other)


def test_stored_patches_change_nothing_and_go_with_the_run(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    stages = (Stage("blur(sigma=2)", 4, 1e-3), Stage("noise(sigma=9)", 4, 1e-3))
    plain = train(changed(small, stages=stages), photos, tmp_path / "plain")
    there: set[str] = set()

    def look(_name: str, _done: int, _total: int) -> None:
        there.update(path.name for path in (tmp_path / "stored").glob("patches-*"))

    # As many as there are items: none comes twice.
    stored = changed(small, stages=stages, stored=16)
    kept = train(stored, photos, tmp_path / "stored", progress=look)
    assert there == {"patches-1-0", "patches-2-0"}
    assert not list((tmp_path / "stored").glob("patches-*"))
    assert kept.student.score == plain.student.score


@pytest.mark.parametrize("bf16", [True, False])
def test_a_cpu_trains_in_bfloat16_if_it_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, bf16: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert precision_of() == ("bf16-mixed" if bf16 else "32-true")


def test_a_full_disk_leaves_the_last_checkpoint(
    small: TrainingRecipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    original, saves = _Run.save, 0

    def full(self: _Run) -> None:
        nonlocal saves
        saves += 1
        limit = 1000 if saves == 2 else resource.RLIM_INFINITY  # bytes of a file
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            original(self)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (resource.RLIM_INFINITY,))

    monkeypatch.setattr(_Run, "save", full)
    with pytest.raises(OSError, match="too large") as caught:
        train(small, photos, run, every=2)
    assert caught.value.filename == str(run / CHECKPOINT)
    monkeypatch.undo()
    assert torch.load(run / CHECKPOINT, weights_only=True)["state"]["step"] == 2
    assert not [path for path in run.iterdir() if path.name.startswith(".")]
    train(small, photos, run, every=2, resume=True)
    assert [row["step"] for row in rows(run)] == [2, 4]


def test_a_folder_with_a_run_is_not_overwritten(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    train(small, photos, tmp_path / "run")
    with pytest.raises(UsageError, match="--resume, or choose another folder"):
        train(small, photos, tmp_path / "run")
    with pytest.raises(UsageError, match="another recipe, with other steps or for other images"):
        train(changed(small, batch=2), photos, tmp_path / "run", resume=True)


def test_branches_are_collapsed_in_what_is_shipped(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    arguments = {"channels": 8, "depth": 1, "unshuffle": 2, "branches": True}
    done = train(changed(small, arguments=arguments), photos, tmp_path / "run")
    network = load_network(done.student.weights)
    assert (network.arguments, network.collapsed) == (
        {"channels": 8, "depth": 1, "unshuffle": 2},
        0,
    )


def test_stages_go_on_from_each_other(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    first = small.student.stages[0]
    train(small, photos, tmp_path / "one")
    train(staged(small, first, Stage("clean", 1, 0.0)), photos, tmp_path / "two")
    one, two = (torch.load(tmp_path / name / CHECKPOINT) for name in ("one", "two"))
    assert all(torch.equal(one["network"][key], two["network"][key]) for key in one["network"])


def test_a_run_with_branches_starts_from_collapsed_weights(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    branches = changed(small, arguments={**small.student.arguments, "branches": True})
    first = train(branches, photos, tmp_path / "one").student.weights
    still = staged(branches, Stage("clean", 1, 0.0))
    second = train(still, photos, tmp_path / "two", init=first).student.weights
    one, two = weights(first), weights(second)
    assert one.keys() == two.keys()
    for key, value in two.items():
        torch.testing.assert_close(one[key], value, rtol=0, atol=1e-6)


def test_a_run_starts_from_given_weights(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    first = train(small, photos, tmp_path / "one").student.weights
    still = staged(small, Stage("clean", 1, 0.0))
    second = train(still, photos, tmp_path / "two", init=first).student.weights
    assert all(torch.equal(weights(first)[key], value) for key, value in weights(second).items())
    other = changed(small, arguments={"channels": 16, "depth": 0, "unshuffle": 2})
    with pytest.raises(UsageError, match="does not fit this network"):
        train(other, photos, tmp_path / "three", init=first)


def test_the_best_weights_are_kept(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    ruin = staged(small, Stage("blur(sigma=2)", 4, 1e-3), Stage("blur(sigma=2)", 4, 10.0))
    score = train(ruin, photos, tmp_path / "run", every=2).student.score
    log = rows(tmp_path / "run")
    assert max(row["ssim_out"] for row in log) == pytest.approx(score.ssim_out, abs=1e-4)
    assert log[-1]["ssim_out"] < score.ssim_out - 0.1


def test_a_loss_that_is_no_number_stops_and_keeps_the_batch(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"no number at step \d+ \(l1 (nan|inf)\)"):
        train(staged(small, Stage("blur(sigma=2)", 40, math.inf)), photos, tmp_path / "run")
    batch = weights(tmp_path / "run" / BAD_BATCH)
    assert batch["damaged"].shape == (4, 3, 32, 32)
    assert not (tmp_path / "run" / "student.pth").exists()


def test_early_stop_ends_a_stage(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    recipe = changed(
        small,
        stages=(Stage("blur(sigma=2)", 20, 0.0), Stage("blur(sigma=2)", 2, 0.0)),
        early_stop=2,
    )
    steps: list[int] = []
    progress = lambda name, done, total: steps.append(done)  # noqa: E731
    train(recipe, photos, tmp_path / "run", every=1, progress=progress)
    # The first validation is the best, two without a gain end the first stage.
    assert steps == [1, 2, 3, 21, 22]


def test_ema_keeps_the_running_mean(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    """With a decay of nearly 1 the weights that are kept stay near the first step's."""
    recipe = staged(small, Stage("blur(sigma=2)", 6, 1e-2))
    train(changed(recipe, ema=0.999), photos, tmp_path / "slow")
    train(recipe, photos, tmp_path / "fast")
    train(staged(small, Stage("blur(sigma=2)", 1, 1e-2)), photos, tmp_path / "one")
    slow, fast, one = (
        weights(tmp_path / name / "student.pth")["head.weight"] for name in ("slow", "fast", "one")
    )
    assert (slow - one).norm() < 0.05 * (fast - one).norm()


def test_pruned_weights_stay_zero(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    recipe = staged(small, Stage("clean", 2, 1e-3), Stage("blur(sigma=2)", 6, 1e-3, prune=0.5))
    train(recipe, photos, tmp_path / "run")
    last = torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)["network"]
    convolutions = [value for key, value in last.items() if key.endswith("weight")]
    zeros = sum(int((value == 0).sum()) for value in convolutions)
    assert zeros == pytest.approx(sum(value.numel() for value in convolutions) / 2, abs=2)
    branched = changed(
        recipe, arguments={"channels": 8, "depth": 0, "unshuffle": 2, "branches": True}
    )
    with pytest.raises(UsageError, match="cannot be pruned"):
        train(branched, photos, tmp_path / "branched")


@pytest.fixture
def taught(small: TrainingRecipe) -> TrainingRecipe:
    teacher = Course(
        architecture="edsr-teacher",
        arguments={"channels": 12, "blocks": 2},
        stages=(Stage("blur(sigma=2)", 3, 1e-3),),
        loss={"l1": 1.0},
        patch=32,
        batch=2,
    )
    return replace(small, teacher=teacher, distillation=Distillation({"mse": 0.5}))


def test_the_teacher_is_trained_first_and_its_terms_are_reported(
    taught: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    features = (FeaturePair("head", "body.1", weight=0.1),)
    recipe = replace(taught, distillation=Distillation({"mse": 0.5}, features=features))
    names: list[str] = []
    done = train(recipe, photos, tmp_path / "run", progress=lambda name, *_: names.append(name))
    assert names == ["teacher"] * 3 + ["student"] * 4
    assert done.teacher is not None
    assert done.teacher.weights == tmp_path / "run" / "teacher" / "student.pth"
    losses = rows(tmp_path / "run")[-1]["losses"]
    assert set(losses) == {"l1", "teacher mse", "feature head"}
    assert all(value > 0 for value in losses.values())


def test_a_trained_teacher_is_taken_and_changes_the_student(
    taught: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    first = train(taught, photos, tmp_path / "one")
    assert first.teacher is not None
    second = train(taught, photos, tmp_path / "two", teacher=first.teacher.weights)
    assert second.teacher is None
    alone = train(taught.alone(), photos, tmp_path / "alone")
    one, two, three = (weights(done.student.weights) for done in (first, second, alone))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not all(torch.equal(one[key], three[key]) for key in one)
    with pytest.raises(UsageError, match="has no teacher"):
        train(taught.alone(), photos, tmp_path / "four", teacher=first.teacher.weights)


def test_stored_answers_are_those_of_the_teacher(
    taught: TrainingRecipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(taught, distillation=Distillation({"l1": 0.5}, stored=4))
    asked: list[int] = []
    original = _Run._answer

    def count(self: _Run, teacher: Any, *rest: Any) -> torch.Tensor:
        hook = teacher.register_forward_hook(lambda *_: asked.append(1))
        answer = original(self, teacher, *rest)
        hook.remove()
        return answer

    monkeypatch.setattr(_Run, "_answer", count)
    train(recipe, photos, tmp_path / "run")
    assert len(asked) == 1, "four patches in batches of four are asked for once"
    assert (tmp_path / "run" / "answers.npy").stat().st_size > 4 * 3 * 32 * 32


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        ("neck", "the student has no layer 'neck': expected one of head"),
        ("body", "layer 'body' of the student is not run by itself"),
    ],
)
def test_layers_that_give_no_features_are_named(
    taught: TrainingRecipe, photos: Path, tmp_path: Path, layer: str, problem: str
) -> None:
    pairs = (FeaturePair(layer, "body.1", weight=1.0),)
    recipe = replace(taught, distillation=Distillation({"l1": 0.5}, features=pairs))
    with pytest.raises(UsageError, match=problem):
        train(recipe, photos, tmp_path / "run")


def test_a_missing_vgg_is_said_before_the_teacher_is_trained(
    taught: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    recipe = changed(taught, loss={"l1": 1.0, "vgg16_relu2_2": 1.0})
    with pytest.raises(UsageError, match="--without vgg16_relu2_2"):
        train(recipe, photos, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_images_smaller_than_a_patch_are_refused(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="expected images of 528x528 pixels or more"):
        train(changed(small, patch=512), photos, tmp_path / "run")
    assert not (tmp_path / "run").exists()
