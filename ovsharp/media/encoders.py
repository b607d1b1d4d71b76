"""Video encoders: in software, which is there everywhere, and of the machine's hardware."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ovsharp.errors import UsageError
from ovsharp.media.colour import BT709, LIMITED, Colour, from_bgr, siting_of

AUTO = "auto"
"""The first encoder of the hardware that opens; h264 in software where none does."""

_TRY_SECONDS = 10.0
"""How long an encoder may take over a few frames before it counts as hanging."""

_Options = dict[str, str]


@dataclass(frozen=True)
class Encoder:
    """What codes the frames of a video."""

    name: str
    """What FFmpeg calls it."""
    codec: str
    """What it makes: h264, hevc, vp9, av1, ffv1 or prores."""
    quality: Callable[[int], _Options]
    """Gives the options for a quality, a number as x264's `crf`."""
    speed: _Options = field(default_factory=dict)
    live: _Options = field(default_factory=dict)
    """What changes beside a live picture."""
    pixels: str = "yuv420p"
    """The layout of the frames that it takes."""
    hardware: bool = False
    presets: tuple[str, ...] = ()
    """What it calls its speeds, from one end to the other; empty if they have no names."""
    preset_option: str = "preset"
    """The option that takes one."""
    rated: bool = True
    """Whether it can hold a number of bits per second."""
    alpha: tuple[str, ...] = ()
    """The layouts with transparency that it takes, for readers that are common."""

    def at(self, preset: str | None) -> Encoder:
        """Give this encoder at another speed.

        Args:
            preset: one of `presets`; None leaves the speed as it is.

        Raises:
            UsageError: it has no such preset.

        Example:
            >>> find_encoder("h264", ".mp4").at("slow").speed
            {'preset': 'slow'}
        """
        if preset is None:
            return self
        if not self.presets:
            raise UsageError(f"{self.name} has no presets; leave --preset out")
        if preset not in self.presets:
            raise UsageError(
                f"{self.name} has no preset {preset}; expected {', '.join(self.presets)}"
            )
        return replace(self, speed={**self.speed, self.preset_option: preset})


def open_encoder(context: Any) -> None:
    """Open an encoder of PyAV, without what SVT-AV1 does besides.

    It prints a page about itself. And for root, as in most containers, it gives the thread that
    opens it, and so all that it starts, the highest real-time priority, for good: nothing else gets
    a turn (`enc_switch_to_real_time` in its source; there is no option against it).

    Args:
        context: an `av.CodecContext` with all that it needs.
    """
    if context.name != "libsvtav1":
        context.open()
        return
    os.environ.setdefault("SVT_LOG", "1")
    with _no_priority() if sys.platform.startswith("linux") else nullcontext():
        context.open()


@contextmanager
def _no_priority() -> Iterator[None]:
    """Let this thread, and those that are started meanwhile, run as this one did before."""
    policy, priority, before = os.sched_getscheduler(0), os.sched_getparam(0), _threads()
    try:
        yield
    finally:
        for thread in {threading.get_native_id(), *(_threads() - before)}:
            with suppress(ProcessLookupError):
                os.sched_setscheduler(thread, policy, priority)


def _threads() -> set[int]:
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}


def _crf(crf: int) -> _Options:
    return {"crf": str(crf)}


def _none(_: int) -> _Options:
    return {}


_X26X = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)

_ALPHA = tuple(
    f"yuva{chroma}p{depth}" for chroma in ("420", "422", "444") for depth in ("", "10le", "12le")
)

_SOFTWARE = (
    Encoder(
        "libx264",
        "h264",
        _crf,
        {"preset": "veryfast"},
        # Measured at 720p: `superfast` is half the work of `veryfast`, and twice the bytes.
        live={"preset": "superfast"},
        presets=_X26X,
    ),
    Encoder(
        "libx265",
        "hevc",
        _crf,
        {"preset": "veryfast", "x265-params": "log-level=error"},
        presets=_X26X,
    ),
    Encoder(
        "libvpx-vp9",
        "vp9",
        lambda crf: {"crf": str(crf), "b": "0"},
        {"deadline": "realtime", "cpu-used": "6"},
        presets=tuple(str(speed) for speed in range(9)),
        preset_option="cpu-used",
        alpha=("yuva420p",),  # it lists others, and does not open with them
    ),
    Encoder(
        "libsvtav1",
        "av1",
        _crf,
        {"preset": "9"},
        presets=tuple(str(speed) for speed in range(14)),
    ),
    # For archives and for cutting. FFV1 keeps every bit of a frame as it is coded, ProRes nearly.
    Encoder(
        "ffv1",
        "ffv1",
        _none,
        {"level": "3", "slicecrc": "1", "g": "1", "chroma_sample_location": "left"},
        rated=False,
        alpha=_ALPHA,
    ),
    Encoder(
        "prores_ks",
        "prores",
        _none,
        {"vendor": "apl0"},
        pixels="yuv422p10le",
        rated=False,
        alpha=("yuva444p10le",),
    ),
)
_LOSSLESS = {
    "libx264-lossless": Encoder(
        "libx264",
        "h264",
        lambda _: {"qp": "0"},
        {"preset": "veryfast"},
        presets=_X26X,
        rated=False,
    )
}
_HOLDERS = {
    ".mp4": ("h264", "hevc", "vp9", "av1"),
    ".m4v": ("h264", "hevc", "vp9", "av1"),
    ".mov": ("h264", "hevc", "prores"),
    ".mkv": ("h264", "hevc", "vp9", "av1", "ffv1", "prores"),
    ".webm": ("vp9", "av1"),
}
"""What containers hold, as players expect it."""
CODECS = tuple(encoder.codec for encoder in _SOFTWARE)
"""What can be made everywhere."""

_MAKERS_PRESETS = {
    "nvenc": tuple(f"p{speed}" for speed in range(1, 8)),
    "qsv": ("veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"),
}

# VA-API and V4L2 are missing: they take no frames from memory, or no quality.
_MAKERS: dict[str, Callable[[int], _Options]] = {
    "videotoolbox": lambda crf: {
        "flags": "+qscale",
        "global_quality": str(118 * max(1, 100 - 2 * crf)),  # FFmpeg's lambda of 1..100
    },
    "nvenc": lambda crf: {"rc": "constqp", "qp": str(crf)},
    "qsv": lambda crf: {"global_quality": str(max(1, crf))},
    "amf": lambda crf: {"rc": "cqp", "qp_i": str(crf), "qp_p": str(crf)},
}


def hardware_encoders() -> tuple[Encoder, ...]:
    """List the encoders that this build of PyAV has for hardware, whether that is there or not."""
    import av

    found = []
    for codec in ("h264", "hevc", "av1"):
        for maker, quality in _MAKERS.items():
            name = f"{codec}_{maker}"
            if name in av.codecs_available:
                takes = [form.name for form in av.Codec(name, "w").video_formats or ()]
                pixels = "yuv420p" if "yuv420p" in takes else "nv12"
                presets = _MAKERS_PRESETS.get(maker, ())
                found.append(
                    Encoder(name, codec, quality, pixels=pixels, hardware=True, presets=presets)
                )
    return tuple(found)


def find_encoder(choice: str, ending: str) -> Encoder:
    """Give an encoder by what it makes, by its own name, or the machine's own.

    One of the hardware is tried first, on a few frames: drivers promise more than they hold.

    Args:
        choice: one of `CODECS`, the name of one for hardware, e.g. `h264_nvenc`, or `AUTO`.
        ending: of the output.

    Raises:
        UsageError: there is no such encoder, it does not work here, or the output cannot hold what
            it makes.
    """
    hardware = {} if choice in CODECS else {one.name: one for one in hardware_encoders()}
    if choice == AUTO:
        fitting = (one for one in hardware.values() if _held(one, ending))
        if first := next((one for one in fitting if not failure(one)), None):
            return first
        choice = "vp9" if ending == ".webm" else "h264"
    known = {encoder.codec: encoder for encoder in _SOFTWARE} | _LOSSLESS | hardware
    if choice not in known:
        software = ", ".join((*CODECS, *_LOSSLESS, AUTO))
        raise UsageError(
            f"there is no encoder {choice}; expected {software}, or one for "
            f"hardware that this PyAV knows: {', '.join(hardware) or 'none'}"
        )
    encoder = known[choice]
    if not _held(encoder, ending):
        endings = [name for name, codecs in _HOLDERS.items() if encoder.codec in codecs]
        raise UsageError(
            f"{ending} cannot hold {encoder.codec}: write {' or '.join(endings)}, or choose "
            f"{' or '.join(_HOLDERS[ending])}"
        )
    if choice in hardware and (reason := failure(encoder)):
        works = [one.name for one in hardware.values() if one is not encoder and not failure(one)]
        raise UsageError(
            f"{choice} does not work on this machine ({reason}); "
            f"{', '.join((*works, *CODECS))} {'do' if works else 'in software do'}"
        )
    return encoder


def joined(first: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    """Put options together: later ones count, and lists of an encoder's own grow.

    Example:
        >>> joined({"crf": "18", "x265-params": "a=1"}, {"crf": "20", "x265-params": "b=2"})
        {'crf': '20', 'x265-params': 'a=1:b=2'}
    """
    lists = {key for key in first.keys() & then.keys() if key.endswith("-params")}
    return {**first, **then, **{key: f"{first[key]}:{then[key]}" for key in sorted(lists)}}


def failure(encoder: Encoder) -> str:
    """Code a few frames, and say why that failed; nothing if it works."""
    failures: list[str] = []

    def work() -> None:
        failures.append(_failure(encoder))

    # A thread, because a driver may hang, and nothing can interrupt it.
    thread = threading.Thread(target=work, name="ovsharp-try", daemon=True)
    thread.start()
    thread.join(_TRY_SECONDS)
    return failures[0] if failures else f"it did not answer for {_TRY_SECONDS:g} s"


def _failure(encoder: Encoder) -> str:
    import av

    frame = np.zeros((360, 640, 3), np.uint8)
    try:
        context: Any = av.CodecContext.create(encoder.name, "w")
        context.width, context.height, context.pix_fmt = 640, 360, encoder.pixels
        context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
        context.options = {**encoder.quality(20), **encoder.speed}
        open_encoder(context)
        packets = []
        for index in range(4):
            picture = from_bgr(
                frame, Colour(BT709, LIMITED), encoder.pixels, siting=siting_of(encoder.codec)
            )
            picture.pts, picture.time_base = index, Fraction(1, 30)
            packets += context.encode(picture)
        packets += context.encode(None)
    except (av.error.FFmpegError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return "" if packets else "it gave no packets"


def holder(codec: str | None, ending: str) -> str:
    """Give the ending of a container that holds what a codec makes: the given one, if it does.

    Example:
        >>> holder("ffv1", ".mp4"), holder("hevc", ".mov"), holder(None, ".webm")
        ('.mkv', '.mov', '.webm')
    """
    if codec is None or codec not in CODECS or codec in _HOLDERS[ending]:
        return ending
    return ".mov" if codec == "prores" else ".mkv"


def _held(encoder: Encoder, ending: str) -> bool:
    return encoder.codec in _HOLDERS[ending]
