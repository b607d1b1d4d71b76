"""Round trips: containers x codecs x pixel formats x sound x subtitles, as docs/MEDIA.md says.

Frames, times, tracks and tags come back equal, or the table of the page says what does not, and so
does a note. FFmpeg's ffprobe is the second reader of the whole matrix, where it is installed.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

from tests.media.matrix import (  # noqa: E402 - it needs av
    SOURCES,
    STEADY,
    TARGETS,
    TIMES,
    Facts,
    Source,
    Trip,
    cells,
    changes,
    facts,
    film,
    name_of,
    told_by_ffprobe,
    trip,
)

FEW = [SOURCES[index] for index in (0, 2, 6, 8, 12, 14, 16)]
SAID = {
    "sound": ("audio stream", "was converted to"),
    "words": ("subtitle stream", "was converted to"),
    "bits": ("-bit input is written with",),
    "4:2:0": ("colours are stored at a lower resolution", "became 4:2:0"),
    "4:2:2": ("colours are stored at a lower resolution", "became 4:2:2"),
    "opaque": ("transparency was left out",),
}
"""What a note says of a change."""


@pytest.mark.parametrize(("ending", "codec"), [TARGETS[index] for index in (0, 3, 4, 5)])
@pytest.mark.parametrize("source", FEW, ids=name_of)
def test_a_round_trip(tmp_path: Path, source: Source, ending: str, codec: str) -> None:
    path, target = film(tmp_path / f"in.{source[0]}", source), tmp_path / f"out.{ending}"
    check(source, trip(path, target, codec), f"{ending} {codec}")
    if codec == source[1]:
        assert planes(target) == planes(path)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_the_whole_matrix_by_another_reader(tmp_path: Path, source: Source) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    path = film(tmp_path / f"in.{source[0]}", source)
    assert _like(told_by_ffprobe(path), facts(path)) == facts(path)
    for ending, codec in TARGETS:
        target = tmp_path / f"out.{ending}"
        found = trip(path, target, codec)
        check(source, found, f"{ending} {codec}")
        if codec == "ffv1" and found.new.alpha and found.new.bits == 12:
            continue  # read from FFmpeg 7 on
        assert _like(told_by_ffprobe(target), found.new) == found.new


def _like(told: Facts, known: Facts) -> Facts:
    """Pass over what readers see in two ways: the bits of ProRes; PCM in mp4, before FFmpeg 6.1."""
    same_bits = replace(told, bits=known.bits) if {told.bits, known.bits} <= {10, 12} else told
    pcm = {told.sound, known.sound} == {"pcm_s16le", "pcm_s24le"}
    return replace(same_bits, sound=known.sound) if pcm else same_bits


def test_the_page_has_all_of_it() -> None:
    assert list(cells()) == [
        (name_of(source), f"{ending} {codec}") for source in SOURCES for ending, codec in TARGETS
    ]


def check(source: Source, found: Trip, target: str) -> None:
    # Frames: as bright as before.
    assert len(found.after) == len(found.before) == len(TIMES)
    for old, new in zip(found.before, found.after, strict=True):
        assert np.abs(old.frame.astype(int) - new.frame).mean() < 4
        if found.new.alpha:
            assert old.alpha is not None and new.alpha is not None
            assert np.abs(old.alpha.astype(int) - new.alpha).mean() < 300
    # Times: equal; Matroska begins with what fills a decoder of sound.
    times = [[shot.seconds for shot in shots] for shots in (found.before, found.after)]
    steps = [np.subtract(these, these[0]) for these in times]
    assert steps[1] == pytest.approx(steps[0], abs=0.0011)
    late = 0.03 if target.startswith("mkv") else 0.0011
    assert times[1][0] == pytest.approx(times[0][0] - found.begin, abs=late)
    if f".{source[0]}" not in STEADY:
        assert steps[0] == pytest.approx(np.divide(TIMES, 1000), abs=0.0011)
    # Tracks and tags: what the page says, and a note for each change.
    changed = changes(found.old, found.new)
    assert cells()[name_of(source), target] == (", ".join(changed) or "kept")
    said = {
        key: any(all(word in note for word in words) for note in found.notes)
        for key, words in SAID.items()
    }
    assert said == {key: any(key in change for change in changed) for key in SAID}


def planes(path: Path) -> list[list[bytes]]:
    with av.open(str(path)) as file:
        return [[bytes(plane) for plane in frame.planes] for frame in file.decode(video=0)]
