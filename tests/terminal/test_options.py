"""Options repeat words and bounds of the runtime, so that `--help` needs no OpenVINO."""

from __future__ import annotations

import click

from ovsharp.cli.main import Verbs
from ovsharp.frames import MOST_UNSHARP, STRONGEST
from ovsharp.runtime import QUALITIES


def test_they_say_what_the_runtime_takes() -> None:
    video = Verbs().get_command(None, "video")  # type: ignore[arg-type]
    assert video is not None
    kinds = {option.name: option.type for option in video.params}
    quality, strength, unsharp = (kinds[name] for name in ("quality", "strength", "unsharp"))
    assert isinstance(quality, click.Choice)
    assert isinstance(strength, click.FloatRange)
    assert isinstance(unsharp, click.FloatRange)
    assert tuple(quality.choices) == QUALITIES
    assert (strength.min, strength.max) == (0, STRONGEST)
    assert (unsharp.min, unsharp.max) == (0, MOST_UNSHARP)
