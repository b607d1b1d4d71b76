"""Recipes: what they do to an image, and what their grammar allows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ovsharp.degrade import RECIPES, parse
from ovsharp.errors import UsageError
from ovsharp.quality import psnr
from tests.photos import crop

PHOTO = crop(0, 100, 244, 249)


@pytest.mark.parametrize("name", RECIPES)
def test_a_named_recipe(name: str) -> None:
    recipe = parse(name)
    before = PHOTO.copy()
    damaged = recipe(PHOTO, seed=3)
    assert damaged.dtype == np.uint8
    assert damaged.shape == (244 // recipe.scale, 249 // recipe.scale, 3)
    assert not np.shares_memory(damaged, PHOTO)
    np.testing.assert_array_equal(PHOTO, before)
    np.testing.assert_array_equal(damaged, recipe(PHOTO, seed=3))
    assert recipe.name == name
    assert recipe.text == RECIPES[name]


@pytest.mark.parametrize("name", ["gla", "edsr", "dynamic-duo"])
def test_seeds_draw_differently(name: str) -> None:
    results = {parse(name)(PHOTO, seed=seed).tobytes() for seed in range(8)}
    assert len(results) > 1


@pytest.mark.parametrize(
    ("name", "scale"), [("clean", 1), ("gla", 1), ("x2", 2), ("x3", 3), ("x4", 4)]
)
def test_scale(name: str, scale: int) -> None:
    assert parse(name).scale == scale


@pytest.mark.parametrize(
    ("text", "scale"),
    [("down", 2), ("down()", 2), ("down(method=nearest)", 2), ("x2 + jpeg + down(scale=3)", 6)],
)
def test_scale_counts_every_step_that_resizes(text: str, scale: int) -> None:
    assert parse(text).scale == scale
    assert parse(text)(PHOTO, seed=0).shape[0] == 244 // scale


def test_clean_changes_nothing() -> None:
    np.testing.assert_array_equal(parse("clean")(PHOTO, seed=0), PHOTO)


@pytest.mark.parametrize(
    "text",
    [
        "gla",
        "edsr",
        "visionarv",
        "x2",
        "x3",
        "x4",
        "down(scale=4, method=bicubic)",
        "down_up(scale=3, method=bilinear)",
        "down_up(scale=2.5)",
        "blur(sigma=2) + jpeg(quality=30) + noise(sigma=4)",
    ],
)
def test_the_damaged_image_lies_where_the_sharp_one_does(text: str) -> None:
    recipe = parse(text)
    sharp = PHOTO[:240, :240]
    damaged = cv2.resize(recipe(sharp, seed=1), (240, 240), interpolation=cv2.INTER_CUBIC)
    inner = slice(12, -12)

    def match(down: int, right: int) -> float:
        return psnr(np.roll(damaged, (down, right), (0, 1))[inner, inner], sharp[inner, inner])

    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    assert max(shifts, key=lambda shift: match(*shift)) == (0, 0)
    # Not by a fraction of a pixel either: opposite shifts are as bad as each other.
    assert match(0, 1) == pytest.approx(match(0, -1), abs=0.5)
    assert match(1, 0) == pytest.approx(match(-1, 0), abs=0.5)


@pytest.mark.parametrize(
    ("milder", "worse"),
    [
        ("blur(sigma=1)", "blur(sigma=2)"),
        ("blur(sigma=3, kernel=3)", "blur(sigma=3, kernel=9)"),
        ("down_up(scale=2)", "down_up(scale=4)"),
        ("jpeg(quality=80)", "jpeg(quality=10)"),
        ("noise(sigma=3)", "noise(sigma=12)"),
        ("defocus(radius=1)", "defocus(radius=4)"),
        ("motion_blur(length=3)", "motion_blur(length=15)"),
        ("sensor_noise(shot=0.1)", "sensor_noise(shot=3)"),
        ("h264(crf=22)", "h264(crf=38)"),
        ("h264(crf=20)", "h264(crf=20, scale=3)"),
        ("vp8(quantizer=15)", "vp8(quantizer=60)"),
        ("vp9(quantizer=15)", "vp9(quantizer=60)"),
        ("av1(quantizer=15)", "av1(quantizer=60)"),
        ("lost_blocks(share=0.02)", "lost_blocks(share=0.5)"),
        ("lost_slices(share=0.05)", "lost_slices(share=0.9)"),
    ],
)
def test_parameters_take_effect(milder: str, worse: str) -> None:
    assert psnr(parse(milder)(PHOTO, seed=0), PHOTO) > psnr(parse(worse)(PHOTO, seed=0), PHOTO) + 1


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    grey = np.full((300, 300, 3), 128, np.uint8)
    grain = parse("noise(sigma=6)")(grey, seed=0).astype(float) - 128
    assert grain.std() == pytest.approx(6, rel=0.02)
    assert grain.mean() == pytest.approx(0, abs=0.1)


def test_antialiasing_is_the_resamplers_affair() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(parse("down(scale=2, method=area)")(stripes, seed=0)) == 0
    assert parse("down(scale=2, method=nearest)")(stripes, seed=0).min() == 255


def test_antialiased_is_the_bicubic_of_papers() -> None:
    line = np.full((32, 32, 3), 100, np.uint8)
    line[:, 16] = 200
    small = parse("down(scale=2, method=antialiased)")(line, seed=0)
    # Keys' kernel with a = -0.5 at 1.75, 0.75, 0.25 and 1.25, halved, as it is twice as wide.
    np.testing.assert_array_equal(small[8, 6:10, 0], [99, 111, 143, 96])


def test_choices_and_ranges_are_drawn_from_end_to_end() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    rng = np.random.default_rng(0)
    (kernel,) = (drawn for _, drawn in parse("blur(kernel=5|7|9)").steps[0].parameters)
    assert {kernel.draw(rng) for _ in range(200)} == {5, 7, 9}
    (quality,) = (drawn for _, drawn in parse("jpeg(quality=5..8)").steps[0].parameters)
    assert {quality.draw(rng) for _ in range(200)} == {5, 6, 7, 8}
    (sigma,) = (drawn for _, drawn in parse("blur(sigma=1..2.5)").steps[0].parameters)
    drawn = [float(sigma.draw(rng)) for _ in range(200)]
    assert 1 <= min(drawn) < 1.1
    assert 2.4 < max(drawn) <= 2.5
    assert parse("blur(sigma=1..2.5)")(grey, seed=0).shape == grey.shape


def test_p_is_the_share_of_images() -> None:
    recipe = parse("noise(sigma=50, p=0.25)")
    grey = np.full((8, 8, 3), 100, np.uint8)
    hit = sum(bool((recipe(grey, seed=seed) != 100).any()) for seed in range(400))
    assert 70 < hit < 130
    assert all((parse("noise(sigma=50, p=0)")(grey, seed=seed) == 100).all() for seed in range(20))


def test_named_recipes_compose() -> None:
    recipe = parse(" x2+gla + jpeg( quality = 20 ) ")
    assert [step.name for step in recipe.steps] == ["down", "blur", "down_up", "jpeg"]
    assert parse(recipe.text).steps == recipe.steps


def test_what_does_not_divide_is_cut_off_below_and_right() -> None:
    cut = parse("x4")(PHOTO[:240, :248], seed=0)
    np.testing.assert_array_equal(parse("x4")(PHOTO[:243, :249], seed=0), cut)


def test_a_jpeg_of_an_odd_size_keeps_it() -> None:
    assert parse("jpeg")(PHOTO[:7, :5], seed=0).shape == (7, 5, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sharpen", r"unknown degradation 'sharpen': expected one of clean, gla"),
        ("blur(sigma=1", "unknown degradation"),
        ("gla +", r"has a \+ with no damage"),
        ("+", r"has a \+ with no damage"),
        ("blur(radius=2)", "'radius=2' is no parameter of blur.*expected sigma, kernel, p"),
        ("blur(2)", "'2' is no parameter of blur"),
        ("blur(sigma=1, sigma=2)", "second one of that name"),
        ("blur(sigma=)", "neither a number nor a name"),
        ("blur(sigma=abc)", "sigma is a number of 0.01..100"),
        ("blur(sigma=0)", "sigma is a number"),
        ("blur(sigma=nan)", "sigma is a number"),
        ("blur(kernel=4)", "kernel is an odd number"),
        ("blur(kernel=5..9)", r"listed as in 5\|7\|9"),
        ("jpeg(quality=0)", "quality is a whole number of 1..100"),
        ("jpeg(quality=20|101)", "quality is a whole number"),
        ("jpeg(quality=20.5)", "quality is a whole number"),
        ("jpeg(quality=9..3)", "'9..3' is no range"),
        ("jpeg(quality=a..b)", "is no range"),
        ("noise(sigma=1e999)", "sigma is a number of 0..255"),
        (
            "down_up(method=lanczos)",
            "method is one of nearest, bilinear, bicubic, area, antialiased",
        ),
        ("down(scale=2|4)", "the same for every image"),
        ("down(scale=2..4)", "the same for every image"),
        ("down(scale=2, p=0.5)", "every image or to none"),
        ("down(scale=1.5)", "scale is a whole number"),
        ("noise(p=1.5)", "p is a number of 0..1"),
        ("noise(p=0..1)", "p must be one number"),
        ("[down(scale=2) | clean]", "changes the size"),
        ("[blur | ]", "no damage beside it"),
        ("[blur | noise", "square brackets"),
        ("[[blur | noise] | clean]", "expected"),
        ("[blr | clean]", "unknown degradation"),
    ],
)
def test_what_the_grammar_does_not_allow(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)


@pytest.mark.parametrize(
    "image", [PHOTO[..., 0], PHOTO / 255, PHOTO[:0], np.zeros((4, 4, 4), np.uint8)]
)
def test_what_is_no_frame_is_refused(image: np.ndarray) -> None:
    with pytest.raises(UsageError, match="height x width x 3"):
        parse("clean")(image, seed=0)


def test_an_image_too_small_to_shrink_is_refused() -> None:
    with pytest.raises(UsageError, match="5x3 is too small to shrink by 4"):
        parse("x4")(np.zeros((3, 5, 3), np.uint8), seed=0)


def test_brackets_draw_one_chain_per_image() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    recipe = parse("[noise(sigma=30) | jitter(brightness=2) + jitter(brightness=0.5) | clean]")
    same = [bool((recipe(grey, seed=seed) == 100).all()) for seed in range(300)]
    assert 160 < sum(same) < 240
    np.testing.assert_array_equal(recipe(grey, seed=5), recipe(grey, seed=5))
    assert parse("[gla | clean] + x2").scale == 2
    assert parse("[blur(kernel=5|7) | clean]")(grey, seed=0).shape == grey.shape
