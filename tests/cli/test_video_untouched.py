"""`ovsharp video` where nothing is sharpened: it is said, and the original can be kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ovsharp.cli.video import video
from ovsharp.errors import MediaError, UsageError
from ovsharp.media.opening import open_video
from ovsharp.runtime import Router
from tests.media.clips import TIMES, clip
from tests.networks import write_frame_model

pytest.importorskip("av")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(video, [str(argument) for argument in arguments])


@pytest.fixture
def expect(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the router expects of every model, in dB: of the `first` looks, and `then`."""
    told = {"looks": 0.0, "first": 99.0, "gain": -1.0, "then": -1.0}

    def gains(router: Router, crops: object) -> dict[str, float]:
        told["looks"] += 1
        gain = told["gain"] if told["looks"] <= told["first"] else told["then"]
        return dict.fromkeys(router.spec.models, gain)

    monkeypatch.setattr(Router, "gains_on", gains)
    return told


def packets(path: Path) -> list[list[bytes]]:
    with open_video(path) as file:
        found: list[list[bytes]] = [[] for _ in file.streams]
        for packet in file.demux():
            if packet.size:
                found[packet.stream.index].append(bytes(packet))
    return found


@pytest.mark.usefixtures("expect")
def test_that_nothing_is_sharpened_is_said_first(tmp_path: Path) -> None:
    source, report = clip(tmp_path / "in.mp4"), tmp_path / "report.json"
    result = run(source, "-o", tmp_path / "out.mp4", "--json", report)
    assert result.exit_code == 0, result.output
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith(f"{source}: nothing was sharpened: no model is expected to gain")
    assert "-1.0 dB" in first
    assert first.endswith("--untouched copy keeps the original")
    assert second.startswith(f"{tmp_path / 'out.mp4'}: {len(TIMES)} frames in")
    assert "model" not in result.stdout.replace(first, "")
    (figures,) = json.loads(report.read_text())
    assert figures["sharpened"] == 0
    assert figures["made_by"] == {"untouched": len(TIMES)}
    assert figures["model_fps"] is None
    assert "model" not in figures["budget"]


def test_frames_that_a_model_made_are_counted(tmp_path: Path, expect: dict[str, float]) -> None:
    expect["gain"] = 1.0
    report = tmp_path / "report.json"
    result = run(clip(tmp_path / "in.mp4"), "-o", tmp_path / "out.mp4", "--json", report)
    assert result.exit_code == 0, result.output
    assert "nothing" not in result.stdout
    (figures,) = json.loads(report.read_text())
    ((name, count),) = figures["made_by"].items()
    assert name.startswith("call-")
    assert count == len(TIMES)
    assert result.stdout.startswith(f"{tmp_path / 'in.mp4'}: frames by model: {name} {count}\n")
    assert figures["sharpened"] == len(TIMES)
    assert figures["model_fps"] == figures["budget"]["model"] > 0


@pytest.mark.usefixtures("expect")
def test_the_original_can_be_kept(tmp_path: Path) -> None:
    source, report = clip(tmp_path / "in.mp4", sound=True), tmp_path / "report.json"
    for ending in (".mp4", ".mkv", ".mov"):
        target = tmp_path / f"out{ending}"
        result = run(source, "-o", target, "--untouched", "copy", "--json", report)
        assert result.exit_code == 0, (result.output, result.exception)
        assert result.stdout == (
            f"{source}: nothing was sharpened; {target} is the original, bit for bit\n"
        )
        assert packets(target) == packets(source)
        (figures,) = json.loads(report.read_text())
        assert figures["copied"]
        assert figures["frames"] == len(TIMES)
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()
    assert not list(tmp_path.glob(".ovsharp*"))


def test_one_sharpened_frame_is_enough_to_encode(tmp_path: Path, expect: dict[str, float]) -> None:
    source = clip(tmp_path / "in.mp4", tuple(range(0, 4000, 25)))
    expect |= {"first": 3.0, "then": 3.0}
    both = tmp_path / "both.mp4", tmp_path / "encoded.mp4"
    for target, flags in zip(both, (("--untouched", "copy"), ()), strict=True):
        expect["looks"] = 0.0
        result = run(source, "-o", target, *flags)
        assert result.exit_code == 0, result.output
        assert "call-" in result.stdout
    assert both[0].read_bytes() != source.read_bytes()
    assert len(packets(both[0])[0]) == len(packets(source)[0])


@pytest.mark.usefixtures("expect")
def test_what_cannot_be_copied_is_refused_before_the_work(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4")
    copy = ("--untouched", "copy")
    for flags, error, message in (
        (
            ("-o", tmp_path / "o.mp4", "--size", "48p", "--keep-every", 2),
            UsageError,
            "--size, --keep-every",
        ),
        (("-o", tmp_path / "o.mp4", "--audio", "none"), UsageError, "--audio would change it"),
        (("-o", tmp_path / "o.mp4", "--deinterlace", "on"), UsageError, "--deinterlace would"),
        (("-o", tmp_path / "o.webm"), MediaError, "cannot hold h264): write .mp4, or let it be"),
        (("-o", tmp_path / "o.mp4", "--model", "x4"), UsageError, "models that keep the size"),
    ):
        result = run(source, *flags, *copy)
        assert isinstance(result.exception, error), result.output
        assert message in str(result.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]


def test_a_model_that_always_sharpens_is_not_copied(tmp_path: Path) -> None:
    source, model = clip(tmp_path / "in.mp4"), write_frame_model(tmp_path)
    result = run(source, "-o", tmp_path / "out.mp4", "--model", model, "--untouched", "copy")
    assert result.exit_code == 0, result.output
    assert "nothing" not in result.stdout
    assert (tmp_path / "out.mp4").read_bytes() != source.read_bytes()


def test_presets_are_handed_on(tmp_path: Path) -> None:
    source, model = clip(tmp_path / "in.mp4"), write_frame_model(tmp_path)
    sizes = {}
    for preset in ("ultrafast", "slow"):
        target = tmp_path / f"{preset}.mp4"
        result = run(source, "-o", target, "--model", model, "--preset", preset)
        assert result.exit_code == 0, result.output
        sizes[preset] = target.stat().st_size
    assert sizes["ultrafast"] > sizes["slow"]
    assert run(source, "-o", tmp_path / "o.webm", "--model", model, "--preset", 8).exit_code == 0


def test_changes_are_counted_from_the_start_of_the_file(
    tmp_path: Path, expect: dict[str, float]
) -> None:
    """Not from that of the segment that they are in."""
    expect |= {"first": 11.0, "then": 3.0}  # looks of the first 240 frames, which are a segment
    source = clip(tmp_path / "in.mp4", tuple(range(0, 2600, 10)))
    result = run(source, "-o", tmp_path / "out.mp4")
    assert result.exit_code == 0, result.output
    assert "note: frame 240: untouched -> call-balanced (expected +3.0 dB" in result.stdout
    first = f"{source}: frames by model: untouched 240, call-balanced 20\n"
    assert result.stdout.startswith(first)
