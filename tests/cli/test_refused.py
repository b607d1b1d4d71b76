"""Options that make no sense together, or cannot be read: one sentence, and nothing is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import ovsharp
from tests.media.clips import clip

pytest.importorskip("av")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("camera --size 1280", "--size 1280: expected WIDTHxHEIGHT in pixels"),
        ("camera --size 0x720", "--size 0x720: expected WIDTHxHEIGHT in pixels"),
        ("frames {call} -o {out} --every 2m", "'2m' is no time: expected 2s, 0.5 or 500ms"),
        ("frames {call} -o {out} --every 0s", "'0s' is no time"),
        ("screen --region 0,0,64,48 --window call", "--region and --window both say what"),
        ("video {call} -o - --resume", "-o - is not for --resume and --untouched copy"),
        ("video {call} -o - --untouched copy", "-o - is not for --resume and --untouched copy"),
        ("video {call} -o {out} --bitrate fast", "cannot read --bitrate fast; expected bits"),
        ("video {call} -o {out} --bitrate 900", "cannot read --bitrate 900; expected bits"),
        ("video {call} -o {out} --encoder-options a", "expected KEY=VALUE,KEY=VALUE"),
        ("video {call} -o {out} --size 8x8", "expected sides of 16 to 16384"),
        ("bench --device AUTO", "name the one to measure, such as CPU"),
        ("convert {call} -o {out} --to planar --storage fp16", "planar is always f32"),
    ],
)
def test_a_line_that_makes_no_sense(line: str, said: str, tmp_path: Path) -> None:
    call, out = clip(tmp_path / "call.mp4"), tmp_path / "out.mp4"
    ran = ovsharp(*line.format(call=call, out=out).split())
    assert ran.returncode == 2
    assert said in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == [call]
