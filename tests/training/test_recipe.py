import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from ovsharp import UsageError
from ovsharp.degrade import parse
from ovsharp.models import ARCHITECTURES
from ovsharp.training import load_recipe, recipe_names

SYSTEMS = ("dynamic-duo", "edsr", "gla", "synergy", "visionarv")

GOOD = """\
summary = "a test"

[student]
architecture = "gla"
loss = { l1 = 0.7 }

[[student.stages]]
degrade = "gla"
steps = 10
rate = 1e-3

[[student.stages]]
degrade = "edsr"
steps = 30
rate = 1e-4
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


CALL = {
    f"call-{damage}"
    for damage in ("blur", "codec", "half", "jpeg", "light", "noise", "screen", "small")
}
X4 = {f"x4-{damage}" for damage in ("aliased", "clean", "codec", "jpeg", "rough")}


def test_all_systems_and_our_own_are_there() -> None:
    assert {*SYSTEMS, "sharp", "x2", "x2-clean", "x4", "call", *CALL, *X4} == set(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_names_networks_that_exist(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    for course in filter(None, (recipe.student, recipe.teacher)):
        ARCHITECTURES.get(course.architecture)
        assert all(parse(stage.degrade) for stage in course.stages)
    ARCHITECTURES.build(recipe.student.architecture, **recipe.student.arguments)


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_have_their_published_degradation_and_size(name: str) -> None:
    student = load_recipe(name).student
    assert parse(student.validation).text == parse(name).text
    assert student.architecture == name
    assert not student.arguments, "the published size is the default"


def test_losses_are_those_of_the_published_systems() -> None:
    duo, gla = load_recipe("dynamic-duo"), load_recipe("gla")
    assert duo.student.loss == {"l1": 0.6, "vgg16_relu2_2": 0.4, "gradient": 0.5, "fft": 0.1}
    assert duo.distillation is not None
    assert duo.distillation.loss == {"l1": 1.4}
    assert duo.distillation.sees == "base"
    assert gla.distillation is not None
    assert (gla.student.loss, gla.distillation.loss) == ({"l1": 0.7}, {"mse": 0.3})


def test_a_file_is_read(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, GOOD))
    assert recipe.name == "mine"
    assert [stage.steps for stage in recipe.student.stages] == [10, 30]
    assert recipe.teacher is None


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("steps = 30", "stepz = 30", 14, "'student.stages.stepz' is unknown here: expected"),
        ("steps = 30", 'steps = "many"', 14, "steps' expected a whole number, got 'many'"),
        ("steps = 10", "steps = 0", 7, "expected steps above 0"),
        ("steps = 10\n", "", 7, "'student.stages.steps' is missing"),
        ("loss = { l1 = 0.7 }", "loss = { l2 = 0.7 }", 5, "'student.loss.l2' is no loss"),
        ("loss = { l1 = 0.7 }", "loss = { l1 = 0 }", 5, "no weight above 0"),
        ("loss = { l1 = 0.7 }", 'loss = { l1 = "x" }', 5, "expected a table of numbers"),
        ('"edsr"\n', '"edzr"\n', 13, "is no degradation: unknown degradation 'edzr'"),
        ('"edsr"\n', '"x4"\n', 7, "must have the same scale"),
        ("loss = {", "batch = 0\nloss = {", 5, "'student.batch' expected 1 or more"),
        ("loss = {", "patch = 50\nloss = {", 5, "'student.patch' expected a multiple of 4"),
        ("loss = {", 'optimizer = "sgd"\nloss = {', 5, "expected adam or adamw or soap"),
        ("loss = {", "ema = 1.0\nloss = {", 5, "expected 0 <= ema < 1"),
        ("{ l1 = 0.7 }", "{ ms_ssim = 1.0 }", 5, "needs patches of 176"),
        ("summary", "sumary", 1, "'sumary' is unknown here: expected summary"),
        ('summary = "a test"\n', "", 1, "'summary' is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(UsageError) as caught:
        load_recipe(write(tmp_path, GOOD.replace(old, new)))
    assert str(caught.value).startswith(f"mine.toml, line {line}: ")
    assert message in str(caught.value)


def test_a_teacher_without_distillation_is_refused(tmp_path: Path) -> None:
    teacher = GOOD[GOOD.index("[student]") :].replace("student", "teacher")
    with pytest.raises(UsageError, match="belong together"):
        load_recipe(write(tmp_path, GOOD + teacher))


def test_recipes_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="expected one of call, call-blur"):
        load_recipe("glaa")
    with pytest.raises(UsageError, match=r"there is no recipe file none\.toml"):
        load_recipe("none.toml")


def test_no_toml(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no TOML file"):
        load_recipe(write(tmp_path, "summary ="))


def test_a_shortened_course_keeps_the_shares(tmp_path: Path) -> None:
    course = load_recipe(write(tmp_path, GOOD)).student
    for steps in (2, 7, 40, 100):
        short = course.shortened(steps)
        assert short.steps == steps
        assert abs(short.stages[0].steps - max(1, steps / 4)) <= 1
    with pytest.raises(UsageError, match="too few"):
        course.shortened(1)


def test_sizes_and_terms_can_be_chosen() -> None:
    recipe = load_recipe("call")
    assert recipe.sized("fast").student.arguments == {**recipe.student.arguments, "depth": 2}
    with pytest.raises(UsageError, match="no size 'huge': expected fast"):
        recipe.sized("huge")
    sharp = load_recipe("sharp")
    rates = {size: sharp.sized(size).student.stages[0].rate for size in sharp.sizes}
    assert rates == {"fast": 6e-4, "balanced": 1e-3, "quality": 1e-3}
    half = load_recipe("call-half")
    assert "contrast" in half.sized("balanced").student.loss == half.student.loss
    assert half.sized("quality").student.loss == {"l1": 1.0, "ssim": 0.1, "colour": 1.0}
    duo = load_recipe("dynamic-duo")
    assert duo.perceptual == ["vgg16_relu2_2"]
    plain = duo.without("vgg16_relu2_2")
    assert plain.perceptual == []
    assert plain.student.loss == {"l1": 0.6, "gradient": 0.5, "fft": 0.1}
    with pytest.raises(UsageError, match="no loss term 'ssim'"):
        duo.without("ssim")
    with pytest.raises(UsageError, match="only term"):
        load_recipe("edsr").without("l1")


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ("sizes = 3", "'sizes' expected a table of tables"),
        ("[sizes]\nfast = { depth = 1 }", "'sizes.fast.depth' is unknown here"),
        ("[sizes]\nfast = { rate = 'low' }", "'sizes.fast.rate' expected a number"),
        ("[sizes]\nfast = { rate = -1.0 }", "'sizes.fast.rate' must not be negative"),
        ("[sizes]\nfast = { loss = { l9 = 1.0 } }", "'sizes.fast.loss.l9' is no loss"),
    ],
)
def test_sizes_that_make_no_sense(tmp_path: Path, sizes: str, message: str) -> None:
    text = f"{sizes}\n{GOOD}" if sizes.startswith("sizes") else f"{GOOD}\n{sizes}\n"
    with pytest.raises(UsageError, match=message):
        load_recipe(write(tmp_path, text))


def test_alone_leaves_the_teacher_out() -> None:
    recipe = load_recipe("gla").alone()
    assert recipe.teacher is recipe.distillation is None
    assert dataclasses.replace(load_recipe("gla"), teacher=None, distillation=None) == recipe


def test_recipes_need_no_torch() -> None:
    code = (
        "import sys; from ovsharp.training import load_recipe; load_recipe('gla'); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_course_cannot_be_shorter_than_its_stages() -> None:
    course = load_recipe("gla").student
    with pytest.raises(UsageError, match="0 steps are too few for the"):
        course.shortened(0)


def test_a_loss_is_not_left_empty() -> None:
    recipe = load_recipe("edsr")
    with pytest.raises(UsageError, match="'l1' is the only term of a loss of 'edsr'"):
        recipe.without("l1")
