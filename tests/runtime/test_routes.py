"""The router's choice, and what a stream makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.engine import Frame, get_core, read_router, upscale, write_router
from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.runtime import Router, crops
from ovsharp.runtime.fade import FADE_FRAMES
from ovsharp.runtime.opened import Opened
from ovsharp.runtime.routes import Routes
from ovsharp.spec import ModelSpec, RouterSpec

MODELS = ("all", "dark", "light", "other")


class Model:
    """Adds its number to a frame."""

    def __init__(self, name: str, scale: int) -> None:
        self.name, self.step = name, 10 * (1 + MODELS.index(name))
        self.spec = ModelSpec(name=name, architecture="demo", scale=scale)
        self.ran = 0

    def run(self, frame: Frame, out: Frame | None = None) -> Frame:
        self.ran += 1
        return frame + np.uint8(self.step)


class Stub:
    """Expects what a test says."""

    def __init__(self, **gains: float) -> None:
        self.spec = RouterSpec("stub", MODELS, crop=8, crops=4, least=0.5)
        self.models = MODELS
        self.told = dict.fromkeys(MODELS, 0.0) | gains
        self.asked = 0

    def crops(self, frame: Frame) -> Frame:
        return frame[None].copy()

    def gains_on(self, crops: Frame) -> dict[str, float]:
        self.asked += 1
        return self.told


def routes(router: Stub, every: int = 1, scale: int = 1) -> tuple[Routes, dict[str, Model]]:
    opened: dict[str, Model] = {}

    def open_model(name: str) -> Model:
        opened[name] = Model(name, scale)
        return opened[name]

    models = Opened(MODELS, open_model)  # type: ignore[arg-type]
    return Routes(router, models, every), opened  # type: ignore[arg-type]


def shown(through: Routes, frame: Frame) -> int:
    """What becomes of a grey frame, in levels above it."""
    turn = through.turn(frame)
    result = turn.finished(frame, turn.variant.run(frame))
    return int(result[0, 0, 0]) - int(frame[0, 0, 0])


GREY = np.full((16, 16, 3), 100, np.uint8)


def test_the_model_that_gains_most_makes_the_frame() -> None:
    router = Stub(dark=1.0, light=2.0)
    through, _ = routes(router)
    assert shown(through, GREY) == 30
    assert through.history.last == "light"
    router.told = {**router.told, "dark": 3.0}
    assert shown(through, GREY) == 20  # each frame by itself: no memory, no fading
    assert through.history.switches == ()


def test_a_frame_that_nothing_helps_comes_back_untouched() -> None:
    through, _ = routes(Stub(dark=0.4))
    assert shown(through, GREY) == 0
    assert through.history.last == "untouched"
    out = np.empty_like(GREY)
    assert through.turn(GREY).variant.run(GREY, out) is out
    assert np.array_equal(out, GREY)


def test_a_frame_that_no_upscaler_helps_is_enlarged_by_bicubic() -> None:
    through, _ = routes(Stub(dark=0.4), scale=4)
    frame = np.random.default_rng(1).integers(256, size=(8, 8, 3), dtype=np.uint8)
    turn = through.turn(frame)
    ticket = turn.variant.ticket(frame)
    ticket.start()
    for result in (turn.variant.run(frame), ticket.finish()):
        assert np.array_equal(result, upscale(frame, 4))
    assert through.history.last == "bicubic"
    assert through.names == (*MODELS, "bicubic")


def test_models_are_opened_when_they_are_needed() -> None:
    router = Stub(dark=1.0)
    through, opened = routes(router)
    assert set(opened) == {"all"}
    shown(through, GREY)
    assert set(opened) == {"all", "dark"}


def test_in_a_stream_the_router_looks_now_and_then() -> None:
    router = Stub(dark=1.0)
    through, _ = routes(router, every=5)
    asked = []
    for index in range(25):
        if index == 12:
            router.told = {**router.told, "light": 2.0}
        before = router.asked
        shown(through, GREY)
        asked += [index] * (router.asked - before)
    # Closer at the beginning, when nothing is known, and while a look disagrees.
    assert asked == [0, 2, 4, 6, 11, 16, 18, 20]


def test_a_look_can_be_taken_before_the_frame_that_it_is_for() -> None:
    told = []
    for early in (False, True):
        through, _ = routes(Stub(), every=5)
        asked = []

        def gains_on(crops: Frame) -> dict[str, float]:
            asked.append(index)  # noqa: B023 - of this turn
            return dict.fromkeys(MODELS, 0.0) | {"dark": 1.0, "light": crops[0, 0, 0, 0] / 50}

        through._router.gains_on = gains_on  # type: ignore[method-assign]
        made = []
        for index in range(25):
            made.append(shown(through, GREY if index > 11 else GREY // 5))
            if early:
                through.catch_up()
                through.catch_up()  # there is nothing left to do
        told.append((made, through.history.switches))
        assert asked == (
            [0, 1, 3, 5, 10, 15, 17, 19, 24] if early else [0, 2, 4, 6, 11, 16, 18, 20]
        )
    assert told[0] == told[1]
    assert len(told[0][1]) == 1


def test_the_frame_before_is_looked_at_as_it_was() -> None:
    through, _ = routes(Stub(), every=2)
    looked_at = []
    through._router.gains_on = lambda crops: (  # type: ignore[method-assign]
        looked_at.append(int(crops[0, 0, 0, 0])) or dict.fromkeys(MODELS, 1.0)
    )
    frame = GREY.copy()
    for level in range(5):
        frame[:] = level
        shown(through, frame)
        frame[:] = 255  # its owner has use for it
    assert looked_at == [0, 0, 1, 2]


def test_in_a_stream_a_choice_holds_unless_another_is_clearly_better() -> None:
    router = Stub(dark=1.0, light=0.9)
    through, _ = routes(router, every=1 + 1)
    assert shown(through, GREY) == 20
    router.told = {**router.told, "light": 1.05}
    assert [shown(through, GREY) for _ in range(8)] == [20] * 8
    router.told = {**router.told, "light": 1.5}
    seen = [shown(through, GREY) for _ in range(3 * FADE_FRAMES)]
    assert seen[0] == 20  # one look is none ...
    assert seen[1] in (20, 21)  # ... then faded from where it was ...
    assert seen == sorted(seen)
    assert seen[-1] == 30  # ... to the other
    (switch,) = through.history.switches
    assert (switch.frame, switch.before, switch.after) == (10, "dark", "light")
    assert "+1.3 dB" in switch.reason  # the mean of the looks


def looks_at(gains: list[dict[str, float]], every: int = 4) -> tuple[list[str], Routes]:
    """Who makes the frames of a stream whose looks tell these gains, one after the other."""
    router = Stub()
    through, _ = routes(router, every=every)
    names, told = [], iter(gains)
    router.gains_on = lambda _crops: dict.fromkeys(MODELS, 0.0) | next(told)  # type: ignore[method-assign]
    while True:
        try:
            shown(through, GREY)
        except StopIteration:
            return names, through
        names.append(through.history.last)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_pictures_that_look_otherwise_now_and_then_change_nothing(count: int) -> None:
    """As a key frame among others: every second, third or fourth look."""
    often, rare = {"dark": 1.0, "light": 0.2}, {"dark": 0.2, "light": 1.0}
    names, _ = looks_at([rare if index % count == 1 else often for index in range(24)])
    assert set(names) == {"dark"}


@pytest.mark.parametrize("count", [2, 3])
def test_leaving_a_stream_alone_holds_too(count: int) -> None:
    often, rare = {"dark": -1.0}, {"dark": 1.0}
    names, _ = looks_at([rare if index % count == 1 else often for index in range(24)])
    assert set(names) == {"untouched"}


def test_a_first_look_that_was_wrong_is_soon_corrected() -> None:
    names, through = looks_at([{"dark": 0.7}, *[{"dark": -0.7}] * 8], every=8)
    assert names[:5] == ["dark"] * 4 + ["untouched"]  # looks at 0, 2 and 4
    assert set(names[4:]) == {"untouched"}
    assert len(through.history.switches) == 1


def test_the_same_looks_give_the_same_choice() -> None:
    random = np.random.default_rng(1)
    gains = [dict(zip(MODELS, random.normal(size=4).tolist(), strict=True)) for _ in range(30)]
    assert looks_at(gains)[0] == looks_at(gains)[0]


def test_a_change_of_model_costs_one_frame_of_the_old_one() -> None:
    router = Stub(dark=1.0)
    through, opened = routes(router, every=2)
    for _ in range(2):
        shown(through, GREY)
    router.told = {**router.told, "light": 5.0}
    for _ in range(2):
        shown(through, GREY)
    turn = through.turn(GREY)  # the second look that agrees
    ticket = turn.variant.ticket(GREY)
    ticket.start()
    assert turn.variant.name == "light"
    assert turn.finished(GREY, ticket.finish())[0, 0, 0] in (120, 121)  # fading from the old one
    assert (opened["dark"].ran, opened["light"].ran) == (5, 1)


def test_a_restart_forgets() -> None:
    router = Stub(dark=1.0)
    through, _ = routes(router, every=100)
    shown(through, GREY)
    router.told = {**router.told, "light": 5.0}
    assert shown(through, GREY) == 20
    through.restart()
    assert shown(through, GREY) == 30  # at once
    (switch,) = through.history.switches
    assert (switch.frame, switch.before, switch.after) == (2, "dark", "light")


def test_frame_sizes_are_judged_apart() -> None:
    router = Stub(dark=1.0)
    through, _ = routes(router, every=100)
    shown(through, GREY)
    router.told = {**router.told, "light": 5.0}
    assert shown(through, GREY[:8].copy()) == 30
    assert shown(through, GREY) == 20


def test_a_model_can_be_held_on_to() -> None:
    router = Stub(dark=1.0)
    through, _ = routes(router)
    through.pin("light")
    assert shown(through, GREY) == 30
    assert router.asked == 0
    through.pin("untouched")
    assert shown(through, GREY) == 0
    through.pin(None)
    assert shown(through, GREY) == 20
    with pytest.raises(UsageError, match="no model lights here; pin all, dark, light"):
        through.pin("lights")


def test_crops_lie_on_the_grid_of_blocks() -> None:
    rows, columns = np.mgrid[:200, :301]
    frame = np.dstack((rows // 16, columns // 16, rows % 16 + columns % 16)).astype(np.uint8)
    cut = crops(frame, 64, 9)
    assert cut.shape == (9, 64, 64, 3)
    assert not cut[:, 0, 0, 2].any()  # each begins at a multiple of 16
    assert [tuple(crop[0, 0, :2]) for crop in cut] == [
        (y // 16, x // 16) for y in (0, 64, 128) for x in (0, 112, 224)
    ]


@pytest.mark.parametrize(("size", "count"), [((128, 128), 4), ((100, 640), 12), ((640, 640), 36)])
def test_no_more_crops_than_cover_a_frame(size: tuple[int, int], count: int) -> None:
    assert len(crops(np.zeros((*size, 3), np.uint8), 64, 36)) == count


def test_frames_smaller_than_a_crop_are_padded() -> None:
    frame = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    cut = crops(frame, 16, 4)
    assert cut.shape == (1, 16, 16, 3)  # more would be the same one again
    assert np.array_equal(cut[0, :5, :7], frame)
    assert np.array_equal(cut[0, 15, 15], frame[-1, -1])


def brightness_router(folder: Path) -> Path:
    """A router that expects the mean level / 100 of one model and its opposite of the other."""
    seen = ops.parameter([-1, 8, 8, 3], ov.Type.u8, name="crops")
    mean = ops.reduce_mean(ops.convert(seen, ov.Type.f32), ops.constant([0, 1, 2, 3]), True)
    both = ops.multiply(
        ops.reshape(mean, ops.constant([1]), False), ops.constant(np.float32([0.01, -0.01]))
    )
    model = ov.Model([ops.result(both)], [seen], "router")
    spec = RouterSpec("demo", ("demo-light", "demo-dark"), crop=8, crops=4, least=0.1)
    return write_router(model, spec, folder)


def test_a_router_tells_what_is_expected(tmp_path: Path) -> None:
    path = brightness_router(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["demo.bin", "demo.xml"]
    gains = Router(path, threads=1).gains(np.full((40, 30, 3), 200, np.uint8))
    assert gains == pytest.approx({"demo-light": 2.0, "demo-dark": -2.0}, abs=0.01)


def test_frames_of_all_sizes_are_looked_at_in_turn(tmp_path: Path) -> None:
    router = Router(brightness_router(tmp_path), threads=1)
    for size in ((40, 30), (5, 7), (9, 40), (40, 30)):
        gains = router.gains(np.full((*size, 3), 100, np.uint8))
        assert gains == pytest.approx({"demo-light": 1.0, "demo-dark": -1.0}, abs=0.01)


def test_other_files_are_no_routers(tmp_path: Path) -> None:
    path = brightness_router(tmp_path)
    path.write_text(path.read_text().replace("<router", "<rooter").replace("</router", "</rooter"))
    with pytest.raises(UnsupportedModelError, match=r"demo\.xml is no router"):
        read_router(path, get_core())


@pytest.mark.parametrize(
    ("good", "bad"),
    [('"crops": 4', '"crops": 5'), ('"crop": 8', '"crop": 8e9'), ('"schema": 1', '"schema": 9')],
)
def test_a_router_that_makes_no_sense_is_refused(good: str, bad: str) -> None:
    text = RouterSpec("demo", ("one",), crop=8, crops=4, least=0.1).to_json()
    assert good in text
    with pytest.raises(UnsupportedModelError, match="the router's spec is malformed"):
        RouterSpec.from_json(text.replace(good, bad))
