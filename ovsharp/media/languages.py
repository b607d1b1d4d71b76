"""Languages of tracks, as a container can say them."""

from __future__ import annotations

import io

import numpy as np

_QUICKTIME = {
    "deu": "ger",
    "nld": "dut",
    "swe": "sve",
    "ell": "gre",
    "isl": "ice",
    "zho": "chi",
    "fre": "fra",
    "fas": "per",
    "rum": "ron",
    "cze": "ces",
    "slo": "slk",
}
"""The other codes (ISO 639-2) of languages that FFmpeg's writer of .mov knows by one only."""


def language_in(ending: str, language: str) -> str | None:
    """Give the code of a language that a container keeps; None if it keeps none.

    Args:
        ending: of the output.
        language: ISO 639-2, three letters.

    Example:
        >>> language_in(".mov", "deu"), language_in(".mp4", "deu"), language_in(".mov", "cym")
        ('ger', 'deu', None)
    """
    if ending != ".mov":
        return language
    code = _QUICKTIME.get(language, language)
    return code if _kept(code) else None


def _kept(code: str) -> bool:
    """Write a moment of sound with the code, and see whether it is there."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as out:
        sound = out.add_stream("pcm_s16le", rate=8000)
        sound.layout = "mono"
        sound.metadata["language"] = code
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 64), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 8000, 0
        out.mux([*sound.encode(frame), *sound.encode(None)])
    buffer.seek(0)
    with av.open(buffer) as made:
        return made.streams.audio[0].metadata.get("language") == code
